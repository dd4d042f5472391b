//! The program itself, on a real Asterisk with real SIP phones, by SQLite and PostgreSQL.
#![cfg(target_os = "linux")]

mod calls;
mod client;
mod clients;
mod firm;
mod input;
mod lasting;
mod rights;
