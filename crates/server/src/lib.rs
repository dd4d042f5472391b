//! The integration server: one line to each phone system, any number of desktops and browsers.
//!
//! The hub owns all live state; `http` and `socket` are its edges to clients, `pbx` to the phone systems, `journal` to
//! the store. The program is `sidetone-server`.
#![forbid(unsafe_code)]

mod apart;
mod app;
mod callers;
mod check;
mod cli;
mod clock;
mod config;
mod counters;
mod http;
mod hub;
mod journal;
mod limits;
mod logs;
mod mailbox;
mod notify;
mod pbx;
mod policy;
mod run;
mod socket;
mod staff;
mod tokens;
mod webhooks;

use presence::convert;

/// The program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    cli::main()
}
