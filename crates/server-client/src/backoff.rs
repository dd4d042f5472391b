//! How long to wait before the next attempt.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits between attempts, with full jitter: a hundred desktops must not come back in step after a restart.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The connection stood, or the world is another one: the next failure is the first again.
    pub(crate) fn begin_again(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after a failure.
    pub(crate) fn failed(&mut self) -> Duration {
        let factor = 2_u32.checked_pow(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        FIRST
            .saturating_mul(factor)
            .min(LONGEST)
            .mul_f64(random_fraction())
    }
}

/// A number from 0 to below 1; the standard library's only source of randomness.
pub(crate) fn random_fraction() -> f64 {
    let random = RandomState::new().hash_one(()) >> 32;
    f64::from(u32::try_from(random).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_quarter_second_to_half_a_minute() {
        let mut backoff = Backoff::default();
        for most in [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let wait = backoff.failed();
            assert!(wait <= Duration::from_millis(most), "{wait:?} of {most} ms");
        }
        backoff.begin_again();
        assert!(backoff.failed() <= FIRST);
    }

    #[test]
    fn waits_are_spread_over_the_whole_time() {
        let below = (0..1_000)
            .filter(|_| Backoff::default().failed() < Duration::from_millis(125))
            .count();
        assert!((400..600).contains(&below), "{below}");
    }
}
