//! Bodies of the REST interface under `/api/v1`; failures are a [`Failure`](crate::Failure) with an HTTP status.

use crate::{Party, Role, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `POST /enrol`: a one-time code for a device token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    pub code: String,
    /// What a person calls the device: `Anna's laptop`.
    pub device: String,
    pub client: crate::Client,
}

/// The answer to [`Enrol`] and to a finished sign-in. The token is told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Enrolled {
    pub token: crate::Token,
    pub me: crate::Me,
}

/// `GET /signin`: how people sign in here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct SignIn {
    /// The name of the OpenID provider for its button; `None`: by enrolment code only.
    pub oidc: Option<String>,
    /// Directory login and password by `POST /signin/password`.
    pub password: bool,
}

/// `POST /signin/password`, checked by the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct Password {
    pub login: String,
    pub password: crate::Token,
    pub device: String,
    pub client: crate::Client,
}

/// `POST /signin/device`: begins a sign-in on another screen (RFC 8628); answered by [`DeviceFlow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct DeviceStart {
    pub device: String,
    pub client: crate::Client,
}

/// `POST /signin/device/poll`: is it done? Answered by [`DevicePolled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct DevicePoll {
    pub handle: crate::Token,
}

/// How far a sign-in on another screen is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DevicePolled {
    /// Ask again after the interval.
    Pending,
    Done {
        enrolled: Box<Enrolled>,
    },
}

/// A sign-in on another screen that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct DeviceFlow {
    /// Handed to `POST /signin/device/poll` until it answers with [`Enrolled`].
    pub handle: crate::Token,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: Option<String>,
    pub interval_s: u32,
    pub expires_in_s: u32,
}

/// `GET /calls`: a page of the call log, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct LogPage {
    pub calls: Vec<LogEntry>,
    /// For the parameter `before` of the next page; `None`: that was all.
    pub next: Option<String>,
}

/// The parameters of `GET /calls` and `GET /calls.csv`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(default, deny_unknown_fields)]
pub struct LogQuery {
    /// A number however it is written, or a part of a name: of a party, or of the person or company at the other end.
    pub text: Option<String>,
    pub extension: Option<String>,
    pub queue: Option<String>,
    pub direction: Option<LogDirection>,
    pub outcome: Option<LogOutcome>,
    pub from: Option<UnixMillis>,
    pub until: Option<UnixMillis>,
    pub before: Option<String>,
    /// 1 to 500.
    pub limit: Option<u16>,
}

/// A call of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct LogEntry {
    pub id: String,
    pub pbx: String,
    pub direction: LogDirection,
    pub caller: Party,
    pub callee: Party,
    pub dialled: Option<String>,
    pub line: Option<String>,
    pub queue: Option<String>,
    pub started: UnixMillis,
    pub answered: Option<UnixMillis>,
    pub ended: Option<UnixMillis>,
    pub ring_ms: Option<u64>,
    pub wait_ms: Option<u64>,
    pub talk_ms: Option<u64>,
    pub outcome: LogOutcome,
    /// How it ended, in a sentence.
    pub words: String,
    pub answered_by: Option<String>,
    /// The extensions that talked, in order.
    pub way: Vec<String>,
    pub legs: Vec<LogLeg>,
    /// Seen live, told by the PBX's records afterwards, or both.
    pub source: LogSource,
    /// Who was at the other end, as far as it was known at its end or somebody said later.
    #[serde(default)]
    pub person: Option<LogPerson>,
}

/// A person of a contact source, as the call log names him.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct LogPerson {
    pub name: String,
    pub company: Option<String>,
    pub record: crate::Record,
    /// Opens the record.
    pub url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct LogLeg {
    pub extension: Option<String>,
    pub number: Option<String>,
    pub ringing: Option<UnixMillis>,
    pub answered: Option<UnixMillis>,
    pub gone: Option<UnixMillis>,
    pub cause: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum LogDirection {
    Incoming,
    Outgoing,
    Internal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum LogOutcome {
    /// Still goes on.
    Open,
    Answered,
    Missed,
    Busy,
    NoAnswer,
    Cancelled,
    Voicemail,
    Failed,
    /// It ended while nobody looked and the PBX's records do not tell.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    Live,
    Cdr,
    LiveAndCdr,
}

/// `POST /calls`: rings the phone of the token's person, then this. The same id again is the same call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct NewCall {
    pub id: String,
    pub to: String,
}

/// `GET /admin/users`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct User {
    pub id: String,
    pub login: String,
    pub name: String,
    pub role: Role,
    pub pbx: Option<String>,
    pub extension: Option<String>,
    pub channel: Option<String>,
    pub groups: Vec<String>,
    /// `config`, `pbx`, `freepbx`, `ldap`, `oidc`, `admin`.
    pub source: String,
    pub disabled: bool,
    pub policy: Policy,
}

/// `POST /admin/users` makes or changes one; what a directory says of somebody is not changed here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    pub login: String,
    pub name: String,
    pub role: Role,
    pub pbx: Option<String>,
    pub extension: Option<String>,
    pub channel: Option<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub disabled: bool,
    /// `None`: stays as it is.
    #[serde(default)]
    pub policy: Option<Policy>,
}

/// What somebody may call, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Numbers that start so may be called, in the E.164 form; empty: all that are not denied.
    pub allow: Vec<String>,
    /// Numbers that start so may not. The longer prefix of both lists decides.
    pub deny: Vec<String>,
    /// ISO 3166 codes of the countries that may be called; empty: all.
    pub countries: Vec<String>,
    /// Local time of the server, `08:00-18:30`; empty: always. Internal and emergency numbers always.
    pub hours: String,
    pub per_minute: u16,
    pub parallel: u16,
    /// Sees with whom colleagues talk; `None`: as the role has it.
    pub see_calls: Option<bool>,
    /// Sees all digits of outside numbers; `None`: as the role has it.
    pub see_numbers: Option<bool>,
    /// Whose calls: groups; empty: everybody's, where calls are seen at all.
    pub see_groups: Vec<String>,
    /// Makes new people in contact sources.
    pub create_people: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            countries: Vec::new(),
            hours: String::new(),
            per_minute: 10,
            parallel: 3,
            see_calls: None,
            see_numbers: None,
            see_groups: Vec::new(),
            create_people: true,
        }
    }
}

/// `GET /admin/devices`, or `GET /devices` for one's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Device {
    pub id: String,
    pub user: String,
    pub user_name: String,
    pub name: String,
    pub platform: String,
    pub created: UnixMillis,
    pub last_seen: Option<UnixMillis>,
    pub online: bool,
    /// It is the one that asks.
    pub this: bool,
}

/// `POST /admin/enrolments`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct NewEnrolment {
    /// Login of whom it is for.
    pub login: String,
    /// 1 to 720.
    pub hours: u16,
}

/// A one-time code, told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Enrolment {
    pub code: String,
    /// `sidetone://enrol/…`: opens the desktop and enrols it.
    pub link: String,
    /// The same link as an SVG.
    pub qr: String,
    pub expires: UnixMillis,
}

/// `GET /admin/audit`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct AuditPage {
    pub rows: Vec<AuditRow>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct AuditRow {
    pub at: UnixMillis,
    /// Login; empty: nobody was signed in.
    pub who: String,
    pub address: String,
    /// `originate`, `sign_in`, `enrol`, `revoke`, `change_user` …
    pub action: String,
    pub target: String,
    /// `done`, or why not.
    pub outcome: String,
}

/// `GET /admin/health`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Health {
    pub version: String,
    pub uptime_s: u64,
    pub pbxs: Vec<PbxHealth>,
    pub clients: u32,
    pub clients_resynced: u64,
    pub clients_dropped: u64,
    pub messages_sent: u64,
    /// `sqlite` or `postgres`.
    pub store: String,
    /// What is wrong with it; `None`: nothing.
    pub store_trouble: Option<String>,
    /// Finished calls that wait to be written.
    pub log_waiting: u32,
    /// Deliveries to webhooks that wait.
    pub webhooks_waiting: u64,
    /// Contact sources, in the order in which they are asked.
    #[serde(default)]
    pub sources: Vec<SourceHealth>,
    pub resident_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct PbxHealth {
    pub name: String,
    pub line: crate::PbxLine,
    /// Changes that all phone systems told, per second over the last ten.
    pub events_per_s: u32,
    pub calls: u32,
    pub extensions: u32,
    /// Where the PBX's own records of calls are read from, and what is wrong with that.
    pub records: Option<String>,
    /// Sentences about rights of the AMI user.
    pub findings: Vec<String>,
}

/// How a contact source does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct SourceHealth {
    pub id: String,
    pub title: String,
    pub state: crate::ConnectorState,
    /// Questions that were answered since the server runs, and those that failed.
    pub answers: u64,
    pub errors: u64,
}

/// `GET /admin/connectors`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Connectors {
    /// What can be connected.
    pub kinds: Vec<crate::ConnectorKind>,
    /// In the order in which they are asked.
    pub connected: Vec<crate::Connector>,
}

/// `PUT /admin/connectors/{id}` connects a contact source or changes it; `POST /admin/connectors/{id}/test` tries it as
/// typed, before it is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorChange {
    /// As in [`ConnectorKind::file`](crate::ConnectorKind::file).
    pub file: String,
    pub enabled: bool,
    /// By [`FormField::name`](crate::FormField::name), without secrets.
    pub values: BTreeMap<String, String>,
    /// One that is left out stays as it is stored, one that is empty is forgotten.
    pub secrets: BTreeMap<String, crate::Token>,
    /// Its place among those that are set up here, 0 first; `None`: as it is, a new one last.
    pub place: Option<u32>,
}

/// `POST /people/find`: answered as [`Request::FindPeople`](crate::Request::FindPeople).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct FindPeople {
    /// Part of a name, company, address or number.
    pub text: String,
}

/// `PUT /calls/{id}/person`: this is who is at the other end of a call, running or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct LinkPerson {
    pub record: crate::Record,
    #[serde(default)]
    pub remember: crate::Remember,
}

/// `POST /people`: makes somebody in a contact source. The same id again is the same person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    pub id: String,
    /// As in [`PersonForm::source`](crate::PersonForm::source).
    pub source: String,
    /// The call that is linked to him.
    #[serde(default)]
    pub call: Option<String>,
    /// By the names of [`PersonForm::fields`](crate::PersonForm::fields).
    pub fields: BTreeMap<String, String>,
}

/// `GET /admin/config`: what the configuration file says, secrets left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct ConfigView {
    pub file: Option<String>,
    /// The whole configuration as TOML.
    pub toml: String,
}

/// `POST /admin/check`: the findings of `sidetone-server check`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Findings {
    pub findings: Vec<Finding>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Finding {
    pub passed: bool,
    /// `config`, `pbx main`, `store`, `disk` …
    pub what: String,
    pub words: String,
}

/// `GET /admin/log`: the last lines of the server's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct LogLines {
    pub lines: Vec<LogLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct LogLine {
    pub at: UnixMillis,
    /// `INFO`, `WARN` …
    pub level: String,
    pub words: String,
}

/// `GET /admin/webhooks`; `POST` makes one and tells its secret once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Webhook {
    pub id: String,
    pub url: String,
    /// `call.began`, `call.answered`, `call.ended`, `missed.opened`, `missed.closed`.
    pub events: Vec<String>,
    pub active: bool,
    pub waiting: u64,
    pub last_error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub secret: Option<crate::Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    pub url: String,
    pub events: Vec<String>,
}
