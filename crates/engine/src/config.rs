//! Which PBX, as whom, and which phone is ours.

use crate::{Handling, Placing};
use phone_number::DialPlan;
use secrecy::{ExposeSecret, SecretString};

/// Everything that the engine must be told before it can connect.
#[derive(Clone, Debug)]
pub struct Config {
    pub pbx: Pbx,
    /// Own extension, for example `101`: its calls are reported.
    pub extension: String,
    /// Own phone as Asterisk names it, for example `PJSIP/101`: it rings first when we dial.
    pub channel: String,
    /// The dialplan context that our calls start in.
    pub context: String,
    /// How caller numbers are read.
    pub dial_plan: DialPlan,
    /// How our calls are placed.
    pub placing: Placing,
    /// How calls are passed on, joined and recorded.
    pub handling: Handling,
}

/// Where the manager interface is and who logs in.
#[derive(Clone, Debug)]
pub struct Pbx {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// User of `manager.conf`.
    pub user: String,
    pub secret: SecretString,
    /// Single-byte charset of texts that are no UTF-8, for example `windows-1251`; empty: none.
    pub charset: String,
}

/// How the connection is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Plain text, to this machine only.
    #[default]
    Off,
    /// Plain text, wherever it goes.
    PlainAllowed,
    /// Certificates that the system trusts.
    System,
    /// A certificate authority of one's own, PEM file.
    Ca { file: String },
    /// The certificate with exactly this SHA-256 fingerprint, in hex; colons and spaces are allowed.
    Pin { sha256: String },
}

impl Config {
    /// The same PBX and the same phone: what is known of its calls stays worth something.
    pub(crate) fn is_same_desk(&self, other: &Self) -> bool {
        let desk = |config: &Self| {
            (
                config.pbx.host.clone(),
                config.pbx.port,
                config.extension.clone(),
                config.channel.clone(),
            )
        };
        desk(self) == desk(other)
    }
}

impl Pbx {
    /// An open connection can stay.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let way = |pbx: &Self| {
            (
                pbx.host.clone(),
                pbx.port,
                pbx.tls.clone(),
                pbx.charset.clone(),
            )
        };
        let is_same_user =
            self.user == other.user && self.secret.expose_secret() == other.secret.expose_secret();
        is_same_user && way(self) == way(other)
    }
}
