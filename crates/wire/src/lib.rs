//! What the integration server and its clients say to each other; the only types that cross between them.
//!
//! JSON over one WebSocket: [`ClientMessage`] one way, [`ServerMessage`] the other. A client says hello with its token,
//! gets a snapshot of what it asked to follow and from then on numbered changes. `docs/protocol.md` is the text for
//! people who write a client. The bodies of the REST interface are in [`rest`].
#![forbid(unsafe_code)]

mod address;
mod call;
mod connector;
mod dial;
mod error;
mod fact;
mod message;
mod order;
mod person;
pub mod rest;

pub use address::{AddressError, EnrolCode, EnrolError, EnrolLink, Plain, ServerAddress};
pub use call::{Call, CallState, Direction, Mine, Party, Side};
pub use connector::{Connector, ConnectorKind, ConnectorSettings, ConnectorState};
pub use dial::{Dial, DialEnd, DialPlan, InternalLength, Progress, Rule, RuleAction, SendAs};
pub use error::{ErrorCode, Failure};
pub use fact::{
    Extension, Fact, Lamp, LampCall, LampCallState, Me, Membership, MissedCall, Parked, PbxLine,
    Phone, Presence, Queue, QueueMember, Rights, Role, WaitingCaller,
};
pub use message::{
    Answer, Client, ClientMessage, Explained, Interest, Names, Request, ServerMessage, Token,
    VERSION,
};
pub use order::Order;
pub use person::{
    FieldKind, FormField, People, Person, PersonFact, PersonForm, Record, Remember, Remembered,
    SourceReport, SourceState,
};

/// Milliseconds since 1970-01-01 UTC.
pub type UnixMillis = u64;
