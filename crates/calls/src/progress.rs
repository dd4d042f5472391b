//! How far a call that we placed has come, told honestly: what the PBX has shown, not what it was asked.

use ami::{ChannelName, Uniqueid};

use crate::{CallId, End};

/// The steps of a click-to-call. Only [`Progress::Ended`] is final; steps may be left out, none is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Asterisk has been asked; nothing rings yet.
    Queued,
    RingingYourPhone,
    YouPickedUp,
    /// The other party is being dialled.
    Calling,
    RingingThere,
    /// The other party answered. Your own phone being up is not this.
    Answered,
    Ended(End),
}

/// An Originate that was announced to the tracker and has not been reported as ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Originate {
    /// The ChannelId that was sent with the action; the first channel has it as its Uniqueid.
    pub id: Uniqueid,
    pub progress: Progress,
    /// The call that came of it, once a channel exists.
    pub call: Option<CallId>,
    /// What to hang up, by name: the first channel while it lives, after that (a Local one optimizes itself away) the
    /// phone that was rung first.
    pub channel: Option<ChannelName>,
}

impl Progress {
    /// Its place in the order of steps.
    pub(crate) fn step(&self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::RingingYourPhone => 1,
            Self::YouPickedUp => 2,
            Self::Calling => 3,
            Self::RingingThere => 4,
            Self::Answered => 5,
            Self::Ended(_) => 6,
        }
    }
}
