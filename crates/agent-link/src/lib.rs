//! The local socket between the agent, its windows and its command line: one JSON object a line, for this user alone.
//!
//! The agent is a [`Server`]. The command line asks with a [`Client`], which blocks and needs no runtime, so that it
//! ends within milliseconds; the windows hold a [`connect`]ion. Whoever connects says [`view::Hello`] first.
#![forbid(unsafe_code)]

mod client;
mod frame;
mod place;
mod server;
mod socket;
mod windows;

pub use client::{AskError, Client};
pub use frame::{FROM_AGENT, FROM_CLIENT};
pub use place::{Place, PlaceError};
pub use server::{BindError, ClientId, Server, ServerEvent};
pub use windows::{ConnectError, Receiver, Sender, connect};
