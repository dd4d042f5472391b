//! What the events of Asterisk mean: calls and their legs, the progress of a call that we placed, extension states.
//!
//! [`CallTracker`] is a pure state machine: events and the time go in, [`CallEvent`]s and the state come out.

mod call;
mod call_id;
mod cause;
mod extensions;
mod live_channel;
mod progress;
mod tracker;

pub use call::{
    Call, Direction, End, Leg, LegId, LegState, Parked, Party, QueueVisit, Role, Taken, Talk,
    Transfer, TransferKind, Transferred, Voicemail,
};
pub use call_id::{CallId, NoCallId, Seed};
pub use cause::Cause;
pub use live_channel::{LiveChannel, PbxLists};
pub use progress::{Originate, Progress};
pub use tracker::{CallEvent, CallTracker, Oddities, Room};

/// Maps whose keys the PBX chose; deterministic, since a pure crate has no source of randomness of its own.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::FixedState>;
