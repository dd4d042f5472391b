//! Telephone scenarios played on a real Asterisk by real phones.
//!
//! A [`Stage`] is one running Asterisk with its phones; playing a [`Scenario`] on it gives a [`Recording`]:
//! what the manager interface said and what the phones saw.
#![cfg(target_os = "linux")]

mod company;
mod scenarios;
mod stage;
mod take;

pub use company::play_all;
pub use scenarios::{SCENARIOS, Scenario, find};
pub use stage::{Recording, Stage};
pub use take::{Line, Take, click_id};
