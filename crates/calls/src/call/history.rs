//! What happened to a call on its way: talks, transfers, queues, parking, voicemail.

use std::time::{Duration, Instant};

use ami::Extension;
use smallvec::SmallVec;

use super::LegId;

/// Two or more parties hear each other, Local pairs between them folded away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// In the order of the legs' birth.
    pub legs: SmallVec<[LegId; 2]>,
    pub from: Instant,
    /// `None` while it goes on.
    pub until: Option<Instant>,
}

/// Somebody passed the call on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub at: Instant,
    pub kind: TransferKind,
    /// Who did; `None` for a line outside.
    pub by: Option<Extension>,
    /// With which of his phones, if the PBX let him.
    pub by_leg: Option<LegId>,
    /// What was dialled for it.
    pub to: Option<Box<str>>,
    pub outcome: Transferred,
}

/// How a call is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// Without asking first.
    Blind,
    /// After a talk with the target, or at least a try of it.
    Attended,
}

/// What became of a transfer. Asterisk calls one a success as soon as the call has left the transferer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transferred {
    /// The target has not answered yet.
    Pending,
    /// Somebody took the call, an extension or a line outside; or it was parked.
    Reached(Option<Extension>),
    /// Asterisk refused it, or the call ended before anybody took it.
    Failed,
}

/// A stay in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueVisit {
    pub queue: Box<str>,
    pub joined: Instant,
    pub left: Option<Instant>,
    /// The place at which the caller came in, from 1.
    pub position: u32,
    /// The members who were tried, each once, by extension or by the name of their interface.
    pub offered: Vec<Box<str>>,
    pub outcome: Option<Taken>,
}

/// How a stay in a queue ended; without one the queue's time ran out or the dialplan took the caller away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// A member took the call, or whoever picked it up in his place; as in [`QueueVisit::offered`].
    By(Box<str>),
    /// The caller gave up.
    Abandoned,
}

/// The call waits in a parking lot, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub lot: Box<str>,
    /// What to dial to get it back.
    pub space: Box<str>,
    /// Who waits there, where that is a phone or a line.
    pub leg: Option<LegId>,
    pub since: Instant,
    /// When it was fetched, rang back or was given up; `None` while it waits.
    pub until: Option<Instant>,
    /// Nobody fetched it in time, and the PBX took it back.
    pub timed_out: bool,
}

/// The caller was sent to a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voicemail {
    pub since: Instant,
    /// `104@default`, as far as known.
    pub mailbox: Option<Box<str>>,
    /// A message was left.
    pub message: bool,
}

impl Talk {
    /// Until its end or `now`.
    #[must_use]
    pub fn duration(&self, now: Instant) -> Duration {
        self.until
            .unwrap_or(now)
            .saturating_duration_since(self.from)
    }
}
