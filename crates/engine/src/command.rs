//! What the engine can be told to do.

use crate::{CallId, Config, Desk, Order, OrderId, Pbx};
use phone_number::{Dialable, Tones};
use std::{fmt, time::Instant};

/// Names an outgoing call that was asked for at one desk. One id is dialled once, however often it is sent from there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialId(pub String);

impl fmt::Display for DialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<String>> From<T> for DialId {
    fn from(id: T) -> Self {
        Self(id.into())
    }
}

/// A wish; what becomes of it comes as [`Update`](crate::Update)s.
#[derive(Debug)]
pub enum Command {
    /// Connects with this from now on, and seats [`DeskId::OWN`](crate::DeskId::OWN). Where that is another PBX, login or
    /// phone, an open connection is given up, and calls and dials of it become unknown.
    Configure(Box<Config>),
    /// The same without a desk of one's own: [`Command::Seat`] tells whom there is. Desks stay seated.
    Connect(Box<Pbx>),
    /// The desk that this is sent to is so from now on; `None`: there is no such desk any more, and nothing more is told
    /// of it. Calls that touch it already are told at once. With the extension and channel that it has, its calls and
    /// dials stay as they are; with others they are over for it.
    Seat(Option<Box<Desk>>),
    Disconnect,
    Dial {
        dial: DialId,
        target: Dialable,
        /// The number as a person would write it, by which the person is looked up.
        number: String,
        /// Pressed when the other side has answered: the extension behind the number.
        tones: Option<Tones>,
        /// When the person asked.
        asked: Instant,
    },
    /// Gives up an outgoing call, whatever step it has reached.
    Cancel {
        dial: DialId,
    },
    /// Hangs up our own phone in this call; `None`: in the call that is talked, else in the newest that rings.
    HangUp {
        call: Option<CallId>,
    },
    /// Wants something of a call; `None`: of the one that is talked, else of the newest that rings. Answered by
    /// [`Update::Order`](crate::Update::Order).
    Order {
        order: OrderId,
        call: Option<CallId>,
        what: Order,
    },
    /// Who has this number? Answered by [`Update::WhoIs`](crate::Update::WhoIs) with the same `key`.
    WhoIs {
        key: u64,
        number: String,
    },
    /// Tries these settings over a connection of its own, without dialling.
    /// Answered by [`Update::Tested`](crate::Update::Tested) with the same `key`.
    Test {
        key: u64,
        config: Box<Config>,
    },
    /// Connects now instead of at the end of the wait.
    RetryNow,
    Shutdown,
}
