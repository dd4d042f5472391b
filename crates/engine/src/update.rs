//! What the engine reports.

use crate::{CallId, Capabilities, DialId, OrderId, Outcome};
use std::time::{Duration, Instant};
use wire::{People, Remembered, SourceReport};

/// A fact. Each replaces what was said before about the same thing, so a slow reader misses steps, never the outcome.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one answers a question that a person asks now and then"
)]
pub enum Update {
    Connection(Connection),
    Phone(PhoneState),
    Call(Box<CallUpdate>),
    Dial(Box<DialUpdate>),
    /// What became of an order.
    Order {
        order: OrderId,
        outcome: Outcome,
    },
    /// What can be done on this phone system; told after each login.
    Capabilities(Box<Capabilities>),
    WhoIs {
        key: u64,
        people: People,
    },
    Tested {
        key: u64,
        report: TestReport,
    },
}

/// How the line to the PBX stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Connection {
    #[default]
    NotSetUp,
    /// `attempt` counts from 1 since the last time it was up.
    Connecting { attempt: u32 },
    Connected {
        /// The host.
        pbx: String,
        /// What the banner tells, for example `Asterisk 22`.
        version: String,
        /// Round trip of the last ping.
        lag: Option<Duration>,
    },
    /// Lost or not reached; tried again by itself.
    Away { words: String, retry_in: Duration },
    /// Needs a person: wrong user or secret, bad certificate, settings that cannot work.
    Refused { words: String },
}

/// Own phone, as far as the PBX tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhoneState {
    /// `None`: not known (no hint, no right to ask, no connection).
    pub registered: Option<bool>,
    pub in_use: bool,
    pub ringing: bool,
    pub busy: bool,
    pub on_hold: bool,
}

/// A call that touches our extension.
#[derive(Clone, Debug, PartialEq)]
pub struct CallUpdate {
    pub call: CallId,
    pub direction: Direction,
    /// Both ends are extensions of this PBX.
    pub internal: bool,
    /// What our own phone does in it.
    pub mine: Mine,
    pub phase: Phase,
    /// The other end.
    pub remote: Remote,
    /// Who has that number.
    pub people: People,
    /// Where that was asked, in the order of the configuration.
    pub sources: Vec<SourceReport>,
    /// Somebody said earlier which of several people it is.
    pub remembered: Option<Remembered>,
    /// What the caller dialled, if that was not our extension: the DID, a group, a queue.
    pub line: Option<String>,
    pub since: Instant,
    /// When somebody (not an IVR) answered.
    pub answered: Option<Instant>,
    pub ended: Option<Instant>,
    /// When the bytes that made our phone ring (or began our call) were read from the socket.
    pub event_read: Instant,
    /// The dial that made this call.
    pub dial: Option<DialId>,
}

/// Seen from our phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Incoming,
    Outgoing,
}

/// What our own phone does in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mine {
    Ringing,
    /// Off the hook in this call: talking, on hold, or (outgoing) waiting for the other end.
    Up,
    /// Does not ring any more, or has hung up, or was transferred away.
    Gone,
}

/// Where a call stands, for the person at our phone. Only [`CallUpdate::ended`] is final: a call that a colleague
/// took may ring here again after a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Incoming: our phone rings. Outgoing: nobody has answered yet.
    Ringing,
    Talking,
    AnsweredElsewhere {
        /// Extension of the colleague, or what else is known of him.
        by: String,
    },
    /// Rang here and nobody answered.
    Missed,
    /// Over. Was it talked? See [`CallUpdate::answered`].
    Ended {
        words: String,
        by: Option<Side>,
    },
    /// The line to the PBX was lost: nobody knows how it stands, or (with `ended`) how it ended.
    Unknown {
        words: String,
    },
}

/// Who hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Me,
    Them,
}

/// The other end of a call. Texts come from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// `None`: withheld.
    pub number: Option<RemoteNumber>,
    /// What the PBX gives as name, if it says more than the number.
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteNumber {
    /// As a person reads it, for example `+7 916 111-22-33`.
    pub display: String,
    /// What to hand to the dial plan to call back.
    pub dial_back: String,
}

/// How far an outgoing call is.
#[derive(Clone, Debug, PartialEq)]
pub struct DialUpdate {
    pub dial: DialId,
    /// Known once a channel exists.
    pub call: Option<CallId>,
    pub progress: Progress,
    /// When this step was reached.
    pub at: Instant,
    pub people: People,
    pub stamps: DialStamps,
}

/// When an outgoing call passed the hops that are not steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialStamps {
    pub asked: Instant,
    /// The Originate was handed to the socket.
    pub sent: Option<Instant>,
    /// The PBX said "queued".
    pub queued: Option<Instant>,
    pub phone_rings: Option<Instant>,
}

/// The steps of an outgoing call as the PBX showed them; some may be left out, none comes twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Asked for; nothing rings yet.
    Queued,
    RingingYourPhone,
    YouPickedUp,
    Calling,
    RingingThere,
    Answered,
    /// `words` is a sentence for the person who dialled.
    Ended {
        end: End,
        words: String,
    },
}

/// How an outgoing call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    ByThem,
    ByYou,
    Busy,
    NoAnswer,
    YourPhoneOffline,
    YouDidNotPickUp,
    YouRejected,
    Cancelled,
    NoSuchNumber,
    /// The PBX or the engine did not want to; nothing was dialled.
    Refused,
    Failed,
    /// The line to the PBX was lost. It is not dialled again.
    Unknown,
}

/// What a test of the settings found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// Connected, logged in, and the AMI user may do what we need.
    pub connection: Verdict,
    /// Own phone is registered.
    pub phone: Verdict,
}

/// A tick with a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub passed: bool,
    pub words: String,
}
