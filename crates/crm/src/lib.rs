//! CRMs described by a text file: who calls, people by name, making somebody new, writing calls down, test.
//!
//! [`File::parse`] reads and checks a file, [`File::connector`] puts it to work with what the admin filled in, and the
//! [`Connector`] is a [`contacts::Source`]. `docs/crm/format.md` says how files are written.

mod asking;
mod bucket;
mod bundled;
pub mod cases;
pub mod cli;
mod connector;
mod format;
mod live;
mod login;
mod near;
mod notes;
mod pointer;
mod redact;
mod render;
mod template;
mod values;
pub mod watch;
mod world;

pub use bundled::bundled;
pub use connector::{
    CallFacts, CallPerson, Connector, Direction, Finding, Inbound, InboundAnswer, InboundRequest,
    LogRef, Options, Outcome, Target, User,
};
pub use format::{File, FileError};
pub use login::{SecretStore, SignIn};
pub use values::{Secrets, ValueError, Values};
