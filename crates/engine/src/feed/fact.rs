//! What readers of the feed follow.

use std::sync::Arc;

use ami::Extension;
use calls::{
    Call, CallId, EndpointName, Hint, Interface, Known, Mailbox, MailboxName, Peer, Presence,
    Queue, QueueMember, QueueName, Room,
};

use crate::Connection;

/// What a [`Fact`] is about. Facts of one subject replace each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Connection,
    Call(CallId),
    Extension(Extension),
    Queue(QueueName),
    QueueMember(QueueName, Interface),
    /// A conference room by its name.
    Room(Box<str>),
    /// A parking lot and a space in it.
    Parking(Box<str>, Box<str>),
    Mailbox(MailboxName),
    Endpoint(EndpointName),
}

/// How something stands; cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Connection(Arc<Connection>),
    /// A call that goes on, or one of the last that ended.
    Call(Arc<Call>),
    Extension(Arc<ExtensionFact>),
    /// A queue without its members; who waits in it is with the calls.
    Queue(Arc<Known<Queue>>),
    QueueMember(Arc<MemberFact>),
    Room(Arc<Room>),
    Parked(ParkedFact),
    Mailbox(Known<Mailbox>),
    Endpoint(Arc<Known<Peer>>),
}

/// The lamp of an extension and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionFact {
    pub hint: Known<Hint>,
    /// `None` where nothing tells.
    pub do_not_disturb: Option<bool>,
    pub presence: Option<Presence>,
}

/// A member of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberFact {
    pub member: Known<QueueMember>,
    /// Whose phone it is.
    pub extension: Option<Extension>,
}

/// Who waits in a parking space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkedFact {
    pub call: CallId,
}
