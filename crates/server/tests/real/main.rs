//! The program itself, on a real Asterisk with real SIP phones, by SQLite and PostgreSQL.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "what a run has measured")]

mod calls;
mod client;
mod clients;
mod crm;
mod firm;
mod input;
mod lasting;
mod people;
mod rights;
