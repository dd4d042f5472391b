//! What a person wants of a call besides dialling and hanging up.

use serde::{Deserialize, Serialize};

/// An order. Numbers are as a person writes them; the server's dial plan reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export, export_to = "../wire/"))]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Passes the other side on without asking the target first.
    BlindTransfer {
        to: String,
    },
    /// Rings the target while the other side waits; hanging up completes it.
    AttendedTransfer {
        to: String,
    },
    CancelTransfer,
    /// Connects the other side of this call with that of another one of ours, and leaves both.
    Join {
        with: String,
    },
    /// Lets a call that rings here ring at the target instead.
    Redirect {
        to: String,
    },
    Hold,
    Park,
    /// Rings one's own phone with a call that is parked, or rings at somebody else's.
    PickUp,
    /// Both sides into the conference room.
    Conference,
    /// The other side of this call into the room where one's phone is with another call.
    Add,
    /// Members are named by their channel's Uniqueid.
    MuteMember {
        member: String,
        on: bool,
    },
    Kick {
        member: String,
    },
    Tones {
        tones: String,
    },
    Record {
        on: bool,
    },
    Mute {
        on: bool,
    },
    QueueLogin {
        queue: String,
    },
    QueueLogout {
        queue: String,
    },
    /// In one queue, or in all of one's own.
    QueuePause {
        queue: Option<String>,
        paused: bool,
        reason: Option<String>,
    },
    DoNotDisturb {
        on: bool,
    },
}
