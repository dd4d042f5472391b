//! Caller cards, people and the list of recent calls.

use crate::UnixMillis;
use serde::{Deserialize, Serialize};
use wire::{People, Person, Remembered, SourceReport};

/// The far end of a call as the PBX gives it. Both texts come from outside and are shown as text only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Party {
    /// As a person reads it ("+7 916 111-22-33"); `None`: withheld.
    pub number: Option<String>,
    /// The caller name that the PBX knows, if it says more than the number.
    pub name: Option<String>,
}

/// Where a card's call stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum CardPhase {
    Ringing,
    Talking {
        talking_since: UnixMillis,
    },
    /// A colleague has taken it: "Answered by 102".
    AnsweredElsewhere {
        by: String,
    },
    Missed,
    /// It was talked; `words` say who ended it and why.
    Ended {
        words: String,
    },
    /// The line to the PBX was lost meanwhile and the call was gone when it came back.
    Unknown {
        words: String,
    },
}

/// A caller card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Card {
    /// Our own call id.
    pub call: String,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub phase: CardPhase,
    pub party: Party,
    pub people: People,
    /// Where that was asked, and how long it took.
    pub sources: Vec<SourceReport>,
    /// The person was chosen for this number before.
    pub remembered: Option<Remembered>,
    /// What was dialled: the line, DID or group; `None`: this extension directly.
    pub line: Option<String>,
    pub extension: String,
    pub since: UnixMillis,
    pub can_hang_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Incoming,
    Outgoing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RecentOutcome {
    Talked { seconds: u32 },
    Missed,
    AnsweredElsewhere { by: String },
    NotReached { words: String },
    Unknown { words: String },
}

/// A line of the list of recent calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Recent {
    pub call: String,
    pub direction: Direction,
    pub party: Party,
    /// Whoever was found or chosen; `None`: nobody, or one of several.
    pub person: Option<Person>,
    /// As in [`Card::line`].
    pub line: Option<String>,
    pub at: UnixMillis,
    #[serde(flatten)]
    #[cfg_attr(feature = "ts", ts(flatten))]
    pub outcome: RecentOutcome,
    /// What to dial to call back; `None`: number withheld.
    pub call_back: Option<String>,
}
