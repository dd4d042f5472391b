//! A real Asterisk, real SIP phones and a private desktop session for tests and the demo.
//!
//! Everything that is started here ends when its value is dropped and also when the process that
//! started it is killed: see [`ProcessGroup`]. Calls block; every wait has a deadline.

#[cfg(target_os = "linux")]
pub mod amagi;
#[cfg(target_os = "linux")]
mod apt;
#[cfg(target_os = "linux")]
pub mod asterisk;
#[cfg(target_os = "linux")]
pub mod bitrix;
#[cfg(target_os = "linux")]
pub mod browser;
#[cfg(target_os = "linux")]
mod cache;
#[cfg(target_os = "linux")]
pub mod fault_proxy;
#[cfg(target_os = "linux")]
mod group;
#[cfg(target_os = "linux")]
pub mod http;
#[cfg(target_os = "linux")]
pub mod mariadb;
#[cfg(target_os = "linux")]
pub mod npm;
#[cfg(target_os = "linux")]
pub mod odoo;
#[cfg(target_os = "linux")]
pub mod oidc_provider;
#[cfg(target_os = "linux")]
pub mod phones;
#[cfg(target_os = "linux")]
mod ports;
#[cfg(target_os = "linux")]
pub mod postgres;
#[cfg(target_os = "linux")]
pub mod processes;
#[cfg(target_os = "linux")]
pub mod python;
#[cfg(target_os = "linux")]
pub mod radicale;
#[cfg(target_os = "linux")]
pub mod record;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod service;
#[cfg(target_os = "linux")]
pub mod session;
#[cfg(target_os = "linux")]
pub mod slapd;
#[cfg(target_os = "linux")]
pub mod tryton;
#[cfg(target_os = "linux")]
pub mod webdriver;

#[cfg(target_os = "linux")]
pub use amagi::Amagi;
#[cfg(target_os = "linux")]
pub use asterisk::{Asterisk, AsteriskProgram};
#[cfg(target_os = "linux")]
pub use bitrix::Bitrix;
#[cfg(target_os = "linux")]
pub use group::ProcessGroup;
#[cfg(target_os = "linux")]
pub use mariadb::Mariadb;
#[cfg(target_os = "linux")]
pub use odoo::Odoo;
#[cfg(target_os = "linux")]
pub use oidc_provider::OidcProvider;
#[cfg(target_os = "linux")]
pub use phones::Phones;
#[cfg(target_os = "linux")]
pub use postgres::Postgres;
#[cfg(target_os = "linux")]
pub use radicale::Radicale;
#[cfg(target_os = "linux")]
pub use session::DesktopSession;
#[cfg(target_os = "linux")]
pub use slapd::Slapd;
#[cfg(target_os = "linux")]
pub use tryton::Tryton;
