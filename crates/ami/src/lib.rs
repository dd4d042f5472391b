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
mod refusal;
mod rights;
mod session;
mod value;

pub use action::{
    Action, ActionName, Audio, CallerId, Confbridge, ConfbridgeOrder, CustomState, Database,
    DtmfDigit, EventFilter, ExtensionAddress, LoginSecret, Originate, Park, PlayDtmf,
    PresenceStatus, QueueAdd, QueueMembership, Recording, RecordingFile, Redirect, Setvar,
    Variable,
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
pub use refusal::Refusal;
pub use rights::{Missing, Rights, RightsReport, WriteClass, write_classes};
pub use session::{
    Login, LoginMethod, OLDEST_ASTERISK, SendError, Session, SessionConfig, SessionEvent, Transmit,
};
pub use value::{Charset, Value};
