//! The call log: what a call was, and the promise that each is there once.
//!
//! A call is known by its channels. Whoever writes a record that shares a channel with one that is there writes that
//! one, under whatever id; so the server may die at any moment and see the same call again.

mod cdr;
mod export;
mod merge;
mod numbers;
mod read;
mod search;
mod write;

pub use cdr::{CdrRow, Disposition};
pub use export::ExportError;
pub use search::{CallCursor, CallFilter, CallPage, Visible};
pub use write::PutCalls;

pub(crate) use numbers::digits;

use crate::CallId;
use serde::{Deserialize, Serialize};

/// Which way a call went, seen from the firm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Incoming,
    Outgoing,
    Internal,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Answered,
    Missed,
    Busy,
    NoAnswer,
    Cancelled,
    Voicemail,
    Failed,
    /// It goes on, or it ended while nobody was watching.
    Unknown,
}

/// Who told of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Live,
    Cdr,
    LiveAndCdr,
}

/// One end of a call, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// In the normal form: an extension, or E.164 with its plus.
    pub number: Option<String>,
    pub name: Option<String>,
}

/// A channel of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRecord {
    pub uniqueid: String,
    pub channel: String,
    pub extension: Option<String>,
    pub number: Option<String>,
    /// A word of the server's: caller, callee, member, …
    pub role: String,
    pub ringing: Option<i64>,
    pub answered: Option<i64>,
    pub gone: Option<i64>,
    pub cause: Option<u16>,
}

/// A call in the log. One without `ended` goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    pub id: CallId,
    pub pbx: String,
    pub direction: Direction,
    pub caller: Party,
    pub callee: Party,
    pub dialled: Option<String>,
    /// The trunk or line it came or went by.
    pub line: Option<String>,
    pub did: Option<String>,
    pub queues: Vec<String>,
    pub started: i64,
    pub answered: Option<i64>,
    pub ended: Option<i64>,
    pub ring_ms: i64,
    pub wait_ms: i64,
    pub talk_ms: i64,
    pub outcome: Outcome,
    /// The outcome for people.
    pub outcome_words: String,
    /// The extension that answered.
    pub answered_by: Option<String>,
    pub ended_by: Option<String>,
    /// Q.850.
    pub cause: Option<u16>,
    /// The extensions it went through, in order.
    pub way: Vec<String>,
    pub recording: Option<String>,
    pub source: Source,
    pub legs: Vec<LegRecord>,
    pub linkedid: Option<String>,
    /// Missed, it belongs on the board: it came to a queue or a line of several.
    pub counts_as_missed: bool,
    /// Who was at the other end.
    #[serde(default)]
    pub person: Option<CallPerson>,
}

/// A person or company of a contact book, directory or CRM, as far as the log tells of him.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPerson {
    /// The id of the source in the configuration.
    pub source: String,
    /// What the source calls it: `contact`, `company`.
    pub kind: String,
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub company: Option<String>,
    /// Opens the record.
    #[serde(default)]
    pub url: Option<String>,
}

impl CallRecord {
    /// The number outside the firm.
    pub fn peer(&self) -> Option<&str> {
        match self.direction {
            Direction::Incoming => self.caller.number.as_deref(),
            Direction::Outgoing => self.callee.number.as_deref().or(self.dialled.as_deref()),
            Direction::Internal => None,
        }
    }

    /// Whether it belongs on the board of missed calls.
    pub fn is_missed(&self) -> bool {
        self.counts_as_missed
            && self.ended.is_some()
            && self.direction == Direction::Incoming
            && matches!(
                self.outcome,
                Outcome::Missed | Outcome::NoAnswer | Outcome::Cancelled
            )
    }

    /// Whether people talked, or still do.
    pub fn is_answered(&self) -> bool {
        match self.outcome {
            Outcome::Answered => true,
            Outcome::Unknown => self.answered.is_some(),
            Outcome::Missed
            | Outcome::Busy
            | Outcome::NoAnswer
            | Outcome::Cancelled
            | Outcome::Voicemail
            | Outcome::Failed => false,
        }
    }
}

crate::words::words!(Direction {
    Incoming = "incoming",
    Outgoing = "outgoing",
    Internal = "internal",
});
crate::words::words!(Outcome {
    Answered = "answered",
    Missed = "missed",
    Busy = "busy",
    NoAnswer = "no_answer",
    Cancelled = "cancelled",
    Voicemail = "voicemail",
    Failed = "failed",
    Unknown = "unknown",
});
crate::words::words!(Source {
    Live = "live",
    Cdr = "cdr",
    LiveAndCdr = "live_and_cdr",
});
