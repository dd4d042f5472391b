//! The tokio adapter around `ami::Session`: connect, TLS, reconnect, lag.
//!
//! [`Link`] keeps one connection up. It promises: after any end of the connection everything is unknown and is told so
//! by [`LinkEvent::Down`]; an action is sent once or never, on the connection that was up when it was handed over.
#![forbid(unsafe_code)]

mod backoff;
mod config;
mod connect;
mod error;
mod link;
mod tls;

pub use ami::SendError;
pub use config::{Fingerprint, LinkConfig, Transport, Trust};
pub use connect::{Connecting, Connector, Io};
pub use error::LinkError;
pub use link::{Link, LinkEvent};
