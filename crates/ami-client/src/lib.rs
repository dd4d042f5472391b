//! The tokio adapter around `ami::Session`: connect, TLS, reconnect, lag.
#![forbid(unsafe_code)]

mod config;
mod error;
mod link;

pub use config::{Fingerprint, LinkConfig, Transport, Trust};
pub use error::{LinkError, SendError};
pub use link::{Link, LinkEvent};
