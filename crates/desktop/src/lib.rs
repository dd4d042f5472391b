//! The brain of the desktop without a face: what becomes of a click, a ring, a key press.
//!
//! [`Controller`] owns everything that is shown. It gets [`Input`]s one at a time, does no IO and never waits; what it
//! wants done leaves through [`Shell`]. The program `sidetone` is one shell, the tests are another.
#![forbid(unsafe_code)]

mod cards;
mod confirm;
mod controller;
mod convert;
mod dialler;
mod history;
mod hops;
mod outbox;
mod plan;
mod remote;
mod shell;
mod tray;

pub use controller::Controller;
pub use plan::{dial_plan, engine_config, explain};
pub use shell::{
    AboutCall, ClientId, ConnectorCommand, ConnectorNews, Input, Keep, Notification,
    NotificationAction, Now, PeopleWish, SecretOutcome, ServerCommand, ServerEvent, Shell,
};
pub use tray::{MenuItem, Tray, TrayAction};
