//! What the events of Asterisk mean: calls and their legs, the progress of a call that we placed, and the states of
//! everything that is not a call.
//!
//! [`CallTracker`] and [`States`] are pure state machines: events and the time go in, what has changed comes out, and the
//! state is read.

mod call;
mod call_id;
mod cause;
mod extensions;
mod live_channel;
mod progress;
mod states;
mod tracker;

pub use call::{
    Call, Direction, End, Leg, LegId, LegState, Parked, Party, QueueVisit, Role, Taken, Talk,
    Transfer, TransferKind, Transferred, Voicemail,
};
pub use call_id::{CallId, NoCallId, Seed};
pub use cause::Cause;
pub use live_channel::{LiveChannel, PbxLists};
pub use progress::{Originate, Progress};
pub use states::{
    Contact, DeviceName, EndpointName, Hint, HintKind, Interface, Known, Mailbox, MailboxName,
    Membership, Peer, PeerState, Presence, PresenceStatus, Presentity, Queue, QueueMember,
    QueueName, QueueParams, Skipped, StateChange, StateList, States, Waiting,
};
pub use tracker::{CallEvent, CallTracker, Oddities, Room};

/// Maps whose keys the PBX chose; deterministic, since a pure crate has no source of randomness of its own.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::FixedState>;
