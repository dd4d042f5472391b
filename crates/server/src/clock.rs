//! The clocks of the program, read in one place.

use presence::Now;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub(crate) fn now() -> Now {
    Now {
        instant: Instant::now(),
        unix_ms: unix_ms(),
    }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The same for the store, which counts in signed numbers.
pub(crate) fn store_ms() -> i64 {
    i64::try_from(unix_ms()).unwrap_or(i64::MAX)
}

/// Local time, minutes since midnight.
pub(crate) fn minute_of_day() -> u16 {
    let now = jiff::Zoned::now();
    let minutes = i32::from(now.hour()) * 60 + i32::from(now.minute());
    u16::try_from(minutes).unwrap_or_default()
}
