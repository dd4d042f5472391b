//! The program itself, on a real Asterisk with real SIP phones, by SQLite and PostgreSQL.
#![cfg(target_os = "linux")]
#![expect(
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::needless_pass_by_value,
    reason = "a seed and what was measured belong into the output; what a test does not look for it passes over"
)]

mod calls;
mod client;
mod clients;
mod firm;
mod input;
mod lasting;
mod rights;
