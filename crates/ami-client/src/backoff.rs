//! How long to wait before the next attempt.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Waits between attempts, with full jitter: a hundred desktops must not come back in step after a restart of the PBX.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    refusals: u32,
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// A refused login is tried again seldom: programs that watch logs lock out whoever fails often.
const FIRST_REFUSED: Duration = Duration::from_secs(60);
const LONGEST_REFUSED: Duration = Duration::from_secs(600);

impl Backoff {
    /// The connection stood: the next failure is the first again.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// How long to wait after a failure.
    pub(crate) fn failed(&mut self) -> Duration {
        let most = doubled(FIRST, self.failures, LONGEST);
        self.failures = self.failures.saturating_add(1);
        most.mul_f64(random_fraction())
    }

    /// How long to wait after user or secret was refused.
    pub(crate) fn refused(&mut self) -> Duration {
        let wait = doubled(FIRST_REFUSED, self.refusals, LONGEST_REFUSED);
        self.failures = self.failures.saturating_add(1);
        self.refusals = self.refusals.saturating_add(1);
        wait
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    2_u32
        .checked_pow(times)
        .map_or(longest, |factor| first.saturating_mul(factor))
        .min(longest)
}

/// A number from 0 to below 1.
fn random_fraction() -> f64 {
    f64::from(u32::try_from(random() >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
}

/// A number that no other connection of this or another program has; it keeps no secret.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(())
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
        backoff.succeeded();
        assert!(backoff.failed() <= FIRST);
    }

    #[test]
    fn waits_are_spread_over_the_whole_time() {
        let waits: Vec<_> = (0..1_000).map(|_| Backoff::default().failed()).collect();
        let below = |millis| {
            waits
                .iter()
                .filter(|wait| **wait < Duration::from_millis(millis))
                .count()
        };
        assert!((150..350).contains(&below(62)), "{}", below(62));
        assert!((400..600).contains(&below(125)), "{}", below(125));
    }

    #[test]
    fn refused_login_is_tried_again_in_minutes() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..6).map(|_| backoff.refused().as_secs()).collect();
        assert_eq!(waits, [60, 120, 240, 480, 600, 600]);
    }
}
