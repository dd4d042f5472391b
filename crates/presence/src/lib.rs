//! Lamps, queues and parked calls of a phone system as people see them: facts of the engine's feed in, facts of the wire
//! out, each in as many versions as there are kinds of readers.
//!
//! [`Board`] is pure: the time comes with what it is told, and it says which things have to be drawn anew.
#![forbid(unsafe_code)]

mod board;
pub mod convert;
mod lamp;
mod parties;
mod queues;

pub use board::{Board, Colleague, Sight, Thing, key};

use std::time::Instant;

/// The two clocks, read at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub instant: Instant,
    /// Milliseconds since 1970.
    pub unix_ms: u64,
}

impl Now {
    /// When `past` was, by the wall clock.
    #[must_use]
    pub fn unix_ms_of(self, past: Instant) -> u64 {
        let ago = self.instant.saturating_duration_since(past);
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        self.unix_ms.saturating_sub(ago)
    }
}
