//! Asterisk Manager Interface without IO: decoder, encoder, session.
//!
//! Bytes go in by [`Decoder::feed`] or [`Session::handle_input`]; [`Message`]s and typed [`Event`]s come out, borrowed
//! from the input. Nothing that arrives is an error: what cannot be read is counted and skipped.
#![forbid(unsafe_code)]

mod action;
mod decoder;
mod event;
mod field;
mod id;
mod message;
mod rights;
mod session;
mod value;

pub use action::{
    Action, ActionName, CallerId, ExtensionAddress, LoginSecret, Originate, Variable,
};
pub use decoder::{Counts, Decoder, Incoming, Limits};
pub use event::{
    AttendedTransfer, BlindTransfer, Bridge, Channel, ChannelListing, ChannelState,
    ConfbridgeMember, DeviceStatus, DialProgress, DialStatus, Event, ExtensionState,
    ExtensionStatus, MessageWaiting, OriginateResponse, Party, Presence, QueueCall, QueueEntry,
    QueueMember, QueueParams,
};
pub use field::{EncodeError, FieldError, FieldValue};
pub use id::{ActionId, BridgeId, ChannelName, Extension, Linkedid, Uniqueid};
pub use message::{Banner, Message, Response};
pub use rights::Rights;
pub use session::{
    Login, LoginMethod, OLDEST_ASTERISK, SendError, Session, SessionConfig, SessionEvent, Transmit,
};
pub use value::{Charset, Value};
