//! Outgoing calls: what will be dialled and why, and how far it is.

use crate::UnixMillis;
use serde::{Deserialize, Serialize};
use wire::People;

/// What kind of target a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Internal,
    National,
    International,
    Emergency,
    /// Feature codes such as `*21#`.
    FeatureCode,
    Short,
}

/// A line of the answer to "why this number?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct WhyStep {
    /// What was done, for example `outside line “9”`.
    pub what: String,
    /// The number after it.
    pub result: String,
}

/// What a text would dial, or why it would not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and mostly the large one"
)]
pub enum Explanation {
    Dials {
        kind: Kind,
        /// As a person reads it.
        display: String,
        /// Exactly what goes to the PBX.
        dials: String,
        steps: Vec<WhyStep>,
        /// A sentence that must be agreed to first (feature codes and other odd targets).
        question: Option<String>,
        people: People,
    },
    Refused {
        words: String,
        steps: Vec<WhyStep>,
    },
}

/// Asks before a link from outside dials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Confirm {
    pub id: String,
    /// The program the link came from, if known ("Chromium").
    pub program: Option<String>,
    pub text: String,
    pub explanation: Explanation,
    pub from_extension: String,
    /// Why it cannot be called just now (PBX away), or nothing.
    pub trouble: Option<String>,
}

/// The steps of an outgoing call, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum DialStep {
    Queued,
    RingingYourPhone,
    YouPickedUp,
    Calling,
    RingingThere,
    Answered,
    Ended { end: DialEnd, words: String },
}

/// How an outgoing call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
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
    /// The line to the PBX was lost; nobody knows what became of the call, and it is not dialled again.
    Unknown,
}

/// When a step was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct StepTime {
    pub words: String,
    pub at: UnixMillis,
}

/// An outgoing call that was asked for here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Dial {
    pub id: String,
    /// The number as a person reads it.
    pub display: String,
    pub dials: String,
    pub people: People,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub step: DialStep,
    /// When this step began.
    pub since: UnixMillis,
    /// Every step so far, for the progress line.
    pub reached: Vec<StepTime>,
    pub can_cancel: bool,
}
