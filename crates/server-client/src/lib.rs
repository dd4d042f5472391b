//! The client's end of the line to the integration server: hello, snapshot, numbered changes, reconnect.
//!
//! [`Session`] is the dialogue without any IO: messages in, events and messages out, time as an argument. [`Link`] runs
//! it over WebSockets and makes the line again whenever it breaks. [`Rest`] is for what is asked once: to enrol and to
//! sign in.
#![forbid(unsafe_code)]

mod backoff;
mod config;
mod connect;
mod error;
mod http;
mod link;
mod rest;
mod session;
mod tls;
mod wakes;

pub use config::{Config, Fingerprint, Trust};
pub use error::LinkError;
pub use link::{Link, LinkEvent, NotSent};
pub use rest::{Rest, RestError};
pub use session::{Session, SessionEvent, TooMany, Why};
