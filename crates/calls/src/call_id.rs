//! Our own name for a call, and where it comes from.

use std::{fmt, str::FromStr, time::Instant};

/// Names a call for its whole life, whatever happens to channels and Linkedids: a UUID of version 7 (RFC 9562),
/// so ids sort by the order in which calls were born.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u128);

/// What a [`CallTracker`](crate::CallTracker) makes its ids of, taken once by whoever has a clock.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// Milliseconds since 1970 at `at`.
    pub unix_ms: u64,
    pub at: Instant,
    /// Any random number: it keeps two programs apart.
    pub random: u64,
}

/// The text is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a call id")]
pub struct NoCallId;

/// Gives ids that never repeat and never go back, even if time does.
#[derive(Debug, Clone)]
pub(crate) struct CallIds {
    seed: Seed,
    random: u64,
    /// Milliseconds and a 12-bit counter within one, as they stand in the id.
    last: u64,
}

impl CallIds {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed,
            random: seed.random,
            last: 0,
        }
    }

    pub(crate) fn next(&mut self, now: Instant) -> CallId {
        let since = now.saturating_duration_since(self.seed.at).as_millis();
        let unix_ms = self
            .seed
            .unix_ms
            .saturating_add(u64::try_from(since).unwrap_or(u64::MAX));
        let stamp = (unix_ms & ((1 << 48) - 1)) << 12;
        self.last = stamp.max(self.last + 1);
        let (ms, counter) = (u128::from(self.last >> 12), u128::from(self.last & 0xfff));
        let random = u128::from(split_mix(&mut self.random) >> 2);
        CallId(ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random)
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0;
        let (time, version) = ((id >> 80) & 0xffff_ffff_ffff, (id >> 64) & 0xffff);
        let (variant, node) = ((id >> 48) & 0xffff, id & 0xffff_ffff_ffff);
        write!(
            f,
            "{:08x}-{:04x}-{version:04x}-{variant:04x}-{node:012x}",
            time >> 16,
            time & 0xffff
        )
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({self})")
    }
}

impl FromStr for CallId {
    type Err = NoCallId;

    fn from_str(text: &str) -> Result<Self, NoCallId> {
        let dash_at = |i| matches!(i, 8 | 13 | 18 | 23);
        let mut id = 0;
        for (i, byte) in text.bytes().enumerate() {
            if dash_at(i) {
                if byte != b'-' {
                    return Err(NoCallId);
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(NoCallId)?;
            id = id << 4 | u128::from(digit);
        }
        if text.len() == 36 {
            Ok(Self(id))
        } else {
            Err(NoCallId)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "time has to begin somewhere")]
    fn ids() -> (CallIds, Instant) {
        let at = Instant::now();
        (
            CallIds::new(Seed {
                unix_ms: 1_795_228_715_000,
                at,
                random: 7,
            }),
            at,
        )
    }

    #[test]
    fn ids_sort_by_birth_even_when_time_stands_still() {
        let (mut ids, now) = ids();
        let born: Vec<_> = (0..10_000)
            .map(|i| ids.next(now + Duration::from_millis(i % 3)))
            .collect();
        assert!(born.is_sorted());
    }

    #[test]
    fn the_text_of_an_id_is_a_version_7_uuid_and_reads_back() {
        let (mut ids, now) = ids();
        let id = ids.next(now);
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert!(text.starts_with("01a1fbf8-47f8-7"), "{text}");
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        for bad in [
            "",
            "-",
            "01a1f4b0",
            &text[1..],
            &text.replace('-', "0"),
            &format!("{text}0"),
        ] {
            assert_eq!(bad.parse::<CallId>(), Err(NoCallId), "{bad}");
        }
    }
}
