//! What a person wants of a call besides dialling and hanging up, and what becomes of it.

use crate::CallId;
use ami::Uniqueid;
use phone_number::{Dialable, Tones};
use std::fmt;

/// Names one order. The same id is carried out once, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderId(pub String);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<String>> From<T> for OrderId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

/// Something wanted of a call, or of our place in the firm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Passes the other side on without asking the target first. A target that is busy loses the caller, with every PBX.
    BlindTransfer {
        to: Dialable,
    },
    /// Rings the target while the other side hears music, by the feature code of the PBX. Hanging up completes it.
    /// Where there is no feature code: dial the target as a second call, then [`Order::Join`].
    AttendedTransfer {
        to: Dialable,
    },
    /// Gives up an attended transfer whose target has not answered.
    CancelTransfer,
    /// Connects the other side of this call with the other side of another one of ours, and leaves both.
    Join {
        with: CallId,
    },
    /// Lets a call that rings here ring at the target instead.
    Redirect {
        to: Dialable,
    },
    /// Asterisk's manager interface cannot do this; the answer says what can be done.
    Hold,
    /// Lets the other side wait in a parking lot, where any phone gets it back.
    Park,
    /// Rings our phone with a call that is parked, or that rings at somebody else's and nobody has answered.
    PickUp,
    /// Both sides into the conference room.
    Conference,
    /// The other side of this call into the room where our phone is with another call.
    Add,
    /// Silences a member of our room, or lets it be heard again. Members are named by their channel.
    MuteMember {
        member: Uniqueid,
        on: bool,
    },
    /// Throws a member out of our room.
    Kick {
        member: Uniqueid,
    },
    /// Presses keys, for the other side or for the announcement that we hear.
    Tones {
        tones: Tones,
    },
    /// Records our side of the call and the other, or stops.
    Record {
        on: bool,
    },
    /// Silences our microphone on the PBX, or lets it be heard again.
    Mute {
        on: bool,
    },
    /// Calls of the queue are offered to us.
    QueueLogin {
        queue: String,
    },
    QueueLogout {
        queue: String,
    },
    /// In one queue, or in all of ours.
    QueuePause {
        queue: Option<String>,
        paused: bool,
        reason: Option<String>,
    },
    /// Calls do not ring here.
    DoNotDisturb {
        on: bool,
    },
}

/// What became of an order. None is ever carried out a second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The PBX has done it, or has begun to.
    Done,
    /// It was not done; the sentence says why, and what would help.
    Refused { words: String },
    /// The PBX did not say. What the phones do tells.
    Unknown { words: String },
}
