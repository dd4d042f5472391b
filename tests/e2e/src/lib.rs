//! The whole product on a real Asterisk: what the tests, the demo, the bench and the pictures set up alike.
#![cfg(target_os = "linux")]

pub mod crm;
pub mod panel;
pub mod scene;
pub mod server;
pub mod sidetone;

pub use scene::{Scene, Setup, Through};
pub use server::Server;
pub use sidetone::Sidetone;
