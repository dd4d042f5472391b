//! The settings form, who set what, and the three ticks of the test.

use serde::{Deserialize, Serialize};
use std::fmt;
use wire::{Connector, ConnectorKind, ConnectorSettings};

/// A typed secret on its way to the keychain. Never shown by `Debug`, never sent back to a window.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, as = "String"))]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// How the line to the PBX is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Tls {
    /// Plain text; refused by itself to any host but this machine, unless `allow_remote`.
    #[default]
    Off,
    /// Plain text to another machine, allowed by name.
    PlainAllowed,
    /// Certificates that the system trusts.
    System,
    /// A certificate authority of one's own, PEM file.
    Ca { file: String },
    /// The certificate with exactly this SHA-256 fingerprint, in hex.
    Pin { sha256: String },
}

/// The form in which an outside number is sent to the PBX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum SendAs {
    /// `+79161112233`
    #[default]
    E164,
    /// `79161112233`
    E164Digits,
    /// As dialled in the country: `89161112233`, abroad with the international prefix.
    National,
}

/// What is dialled for what at this site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(default)]
pub struct DialPlan {
    /// ISO 3166 country in which the PBX stands.
    pub country: String,
    /// Dialled before every outside number, for example "9"; empty: nothing.
    pub outside_prefix: String,
    /// Digits of an internal number, shortest and longest.
    pub internal_min: u8,
    pub internal_max: u8,
    pub send_as: SendAs,
    /// Instead of the country's own international prefix, for example "00"; empty: the country's.
    pub international_prefix: String,
}

impl Default for DialPlan {
    fn default() -> Self {
        Self {
            country: "GB".into(),
            outside_prefix: String::new(),
            internal_min: 2,
            internal_max: 4,
            send_as: SendAs::E164,
            international_prefix: String::new(),
        }
    }
}

/// How calls are placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(default)]
pub struct Placing {
    /// A way to one's phone through the dialplan, for example "Local/101@sidetone-phone/n"; empty: the phone itself.
    pub through: String,
    /// One's phone shows whom one calls while it rings.
    pub show_callee: bool,
    /// The number that people outside see, for example "74951230000"; empty: the one that the PBX sets.
    pub caller_id: String,
    /// "off", or the model of one's phone, which then picks up by itself: see [`PhoneOption`].
    pub auto_answer: String,
    /// Account code of the call records; empty: the phone's own.
    pub account: String,
    /// Calls on as soon as one's phone sends sound, picked up or not.
    pub early_media: bool,
    /// Seconds that one's phone rings, 5 to 60.
    pub ring_seconds: u8,
    /// Variables for the dialplan, each "NAME=value".
    pub variables: Vec<String>,
}

impl Default for Placing {
    fn default() -> Self {
        Self {
            through: String::new(),
            show_callee: true,
            caller_id: String::new(),
            auto_answer: "off".into(),
            account: String::new(),
            early_media: false,
            ring_seconds: 40,
            variables: Vec::new(),
        }
    }
}

/// When the window program is kept running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum KeepWindows {
    /// From login on: the card is fastest, about 200 MB.
    Always,
    /// While calls are likely: from the first need until ten idle minutes have passed.
    #[default]
    Likely,
    /// Only while a window is open or a call is there.
    OnDemand,
}

/// The integration server. Its token is in the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(default)]
pub struct ServerSettings {
    /// `https://pbx.example.com`; empty: direct mode. Set by enrolment.
    pub address: String,
    /// What a person calls this device; empty: the computer's name.
    pub device: String,
    /// Which certificate is the server's; `PlainAllowed` lets `http://` lead to other machines.
    pub tls: Tls,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            address: String::new(),
            device: String::new(),
            tls: Tls::System,
        }
    }
}

/// What a person can set. The secret is not here: it lives in the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(default)]
pub struct Settings {
    /// With an address everything comes from the server, and what is set for the phone system is not used.
    pub server: ServerSettings,
    pub pbx_host: String,
    pub pbx_port: u16,
    pub tls: Tls,
    /// The AMI user of manager.conf.
    pub user: String,
    /// Own extension, for example "101".
    pub extension: String,
    /// Own phone as Asterisk names it, for example "PJSIP/101"; empty: "PJSIP/" and the extension.
    pub channel: String,
    /// The dialplan context that calls start in, for example "from-internal".
    pub context: String,
    pub placing: Placing,
    pub dial_plan: DialPlan,
    /// vCard or CSV file; empty: none.
    pub contacts_file: String,
    /// CRMs and directories that are asked who calls, in order: what the first says counts. Changed by
    /// [`Request::SaveConnector`](crate::Request::SaveConnector) and its like alone.
    pub connectors: Vec<ConnectorSettings>,
    /// Single-byte charset of old caller names, for example "windows-1251"; empty: UTF-8 only.
    pub charset: String,
    pub keep_windows: KeepWindows,
    /// Ask before a link from outside dials.
    pub confirm_links: bool,
    /// Programs whose links dial at once.
    pub trusted_programs: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: ServerSettings::default(),
            pbx_host: String::new(),
            pbx_port: 5038,
            tls: Tls::Off,
            user: String::new(),
            extension: String::new(),
            channel: String::new(),
            context: "from-internal".into(),
            placing: Placing::default(),
            dial_plan: DialPlan::default(),
            contacts_file: String::new(),
            connectors: Vec::new(),
            charset: String::new(),
            keep_windows: KeepWindows::Likely,
            confirm_links: true,
            trusted_programs: Vec::new(),
        }
    }
}

/// Where the AMI secret is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "secret", rename_all = "snake_case")]
pub enum SecretState {
    #[default]
    Missing,
    /// In the keychain.
    Stored,
    /// Typed for this run only; `words` say why it is not kept.
    ThisRunOnly { words: String },
    /// The keychain is locked or does not answer.
    Locked { words: String },
}

/// A field that a policy has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Managed {
    pub field: String,
    pub by: String,
}

/// A country to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct CountryOption {
    /// ISO 3166 code.
    pub code: String,
    /// "+44"
    pub calling_code: String,
}

/// A model of phone that can pick up by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PhoneOption {
    /// "yealink", as in [`Placing::auto_answer`].
    pub name: String,
    /// "Yealink"
    pub label: String,
}

/// The settings with what is known about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SettingsView {
    pub settings: Settings,
    pub secret: SecretState,
    /// Fields that a policy has set: shown with a lock, not editable.
    pub managed: Vec<Managed>,
    pub countries: Vec<CountryOption>,
    pub phones: Vec<PhoneOption>,
    /// What became of the contacts file: "3 people, 1 entry skipped: line 12 has no end".
    pub contacts: Option<String>,
    pub connectors: Connectors,
}

/// Contact sources beside the contacts file, without a server; with one they are its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Connectors {
    /// What can be connected; empty until somebody opens the settings.
    pub kinds: Vec<ConnectorKind>,
    /// In the order in which they are asked.
    pub connected: Vec<Connector>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum TickState {
    #[default]
    Running,
    Passed,
    Failed,
}

/// One line of the test with a sentence that says what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Tick {
    pub state: TickState,
    pub words: String,
}

/// The three ticks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct TestReport {
    /// Connected, and the AMI user has the rights it needs.
    pub connection: Tick,
    /// Own phone is registered.
    pub phone: Tick,
    /// `tel:` links come to us.
    pub links: Tick,
}
