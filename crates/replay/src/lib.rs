//! Recordings of Asterisk's manager interface: the story that the tracker tells of one, and what the phones saw of it.
//!
//! For tests, and for whoever looks into a recording from the field by `cargo xtask story`.
#![forbid(unsafe_code)]

pub mod pbx;
pub mod phones;
pub mod recording;
pub mod story;

pub use recording::Recording;
pub use story::Story;
