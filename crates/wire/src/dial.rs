//! Outgoing calls that were asked for by this person, and the site's dial plan.

use crate::{People, UnixMillis};
use serde::{Deserialize, Serialize};

/// How far an outgoing call is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Dial {
    /// The id of the request that asked for it.
    pub id: String,
    /// Known once a channel exists.
    pub call: Option<String>,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub progress: Progress,
    /// When this step was reached.
    pub at: UnixMillis,
    /// As a person reads it.
    pub display: String,
    pub people: People,
    /// Microseconds since 1970: when the server took the request, handed the Originate to the PBX, heard "queued",
    /// and the phone rang.
    pub asked_us: u64,
    pub sent_us: Option<u64>,
    pub queued_us: Option<u64>,
    pub phone_rings_us: Option<u64>,
}

/// The steps of an outgoing call as the PBX showed them; some may be left out, none comes twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Progress {
    Queued,
    RingingYourPhone,
    YouPickedUp,
    Calling,
    RingingThere,
    Answered,
    Ended { end: DialEnd, words: String },
}

/// How an outgoing call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum DialEnd {
    ByThem,
    ByYou,
    Busy,
    NoAnswer,
    YourPhoneOffline,
    YouDidNotPickUp,
    YouRejected,
    Cancelled,
    NoSuchNumber,
    Refused,
    Failed,
    /// The line to the PBX was lost. It is not dialled again.
    Unknown,
}

/// What is dialled for what at this site, so that a client can say why before it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct DialPlan {
    /// ISO 3166 country in which the PBX stands.
    pub country: String,
    /// Completes local numbers; empty where nobody leaves it out.
    pub area_code: String,
    /// Dialled before every outside number; empty: nothing.
    pub outside_prefix: String,
    /// What stands for `+` when numbers are sent the national way; empty: the country's own.
    pub international_prefix: String,
    /// What stands before a national number; empty: the country's own.
    pub national_prefix: String,
    pub internal_length: InternalLength,
    pub send_as: SendAs,
    /// Exceptions by prefix; the longest that fits wins.
    pub rules: Vec<Rule>,
}

/// Digits of an internal number, shortest and longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct InternalLength {
    pub min: u8,
    pub max: u8,
}

/// The form in which an outside number is sent to the PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum SendAs {
    E164,
    E164Digits,
    National,
    AsDialled,
}

/// What to do with numbers that start so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Rule {
    /// Leading part of the E.164 form (`+7495`), or without `+` of the digits as written.
    pub prefix: String,
    pub action: RuleAction,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    /// Sent in this form, with this instead of the plan's outside prefix if given.
    Send {
        send_as: SendAs,
        #[serde(default)]
        outside_prefix: Option<String>,
    },
    /// The prefix is replaced and the rest is dialled as it then stands.
    Replace { with: String },
    /// Never dialled, for this reason.
    Refuse { reason: String },
}
