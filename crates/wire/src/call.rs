//! Calls that touch one's own extension.

use crate::{People, Remembered, SourceReport, UnixMillis};
use serde::{Deserialize, Serialize};

/// A call of one's own, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Call {
    /// Our own id, a UUID; also in the call log.
    pub id: String,
    pub direction: Direction,
    /// Both ends are extensions of this PBX.
    pub internal: bool,
    /// What one's own phone does in it.
    pub mine: Mine,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub state: CallState,
    /// The other end.
    pub party: Party,
    /// What to hand to [`Request::Dial`](crate::Request::Dial) to call back; `None`: withheld.
    pub call_back: Option<String>,
    pub people: People,
    /// Where that was asked, in the order of the sources.
    #[serde(default)]
    pub sources: Vec<SourceReport>,
    /// Somebody told earlier which of several people this number is.
    #[serde(default)]
    pub remembered: Option<Remembered>,
    /// What the caller dialled, if that was not this extension: the DID, a group, a queue.
    pub line: Option<String>,
    pub since: UnixMillis,
    /// When somebody (not an IVR) answered.
    pub answered: Option<UnixMillis>,
    pub ended: Option<UnixMillis>,
    /// The dial that made this call.
    pub dial: Option<String>,
    /// When the server read the event that made the phone ring; microseconds since 1970, to measure the way.
    pub event_read_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Incoming,
    Outgoing,
}

/// What one's own phone does in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Mine {
    Ringing,
    Up,
    Gone,
}

/// Where a call stands. Only `ended` of the call is final: a call that a colleague took may ring here again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    Ringing,
    Talking,
    AnsweredElsewhere {
        by: String,
    },
    Missed,
    Ended {
        words: String,
        by: Option<Side>,
    },
    /// The server lost its line to the PBX: nobody knows.
    Unknown {
        words: String,
    },
}

/// Who hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Me,
    Them,
}

/// An end of a call; texts come from outside and are shown as text only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
pub struct Party {
    /// As a person reads it; `None`: withheld. Masked (`+7…67`) where the reader may not see numbers.
    pub number: Option<String>,
    pub name: Option<String>,
}
