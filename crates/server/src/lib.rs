//! The integration server: one line to each phone system, any number of desktops and browsers.
//!
//! [`hub`] owns all live state; [`http`] and [`socket`] are its edges to clients, [`pbx`] to the phone systems,
//! [`journal`] to the store. The program is `sidetone-server`.
#![forbid(unsafe_code)]

pub mod config;
pub mod policy;
