//! How often somebody may be wrong, by address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered; beyond it the calmest are forgotten.
const ADDRESSES: usize = 65_536;

/// Wrong tokens, codes and passwords of the last minute.
#[derive(Debug)]
pub(crate) struct Failures {
    most: u32,
    by_address: Mutex<HashMap<IpAddr, Wrong>>,
}

#[derive(Debug)]
struct Wrong {
    times: u32,
    since: Instant,
}

impl Failures {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most: most.max(1),
            by_address: Mutex::default(),
        }
    }

    /// How long this address has to wait, if it was wrong too often.
    pub(crate) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let mut known = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let wrong = known.get(&near(address))?;
        let left = (wrong.since + WINDOW).saturating_duration_since(now);
        if left.is_zero() {
            known.remove(&near(address));
            return None;
        }
        (wrong.times >= self.most).then_some(left)
    }

    pub(crate) fn wrong(&self, address: IpAddr, now: Instant) {
        let mut known = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES {
            known.retain(|_, wrong| now.saturating_duration_since(wrong.since) < WINDOW);
            if known.len() >= ADDRESSES {
                known.clear();
            }
        }
        let wrong = known.entry(near(address)).or_insert(Wrong {
            times: 0,
            since: now,
        });
        wrong.times = wrong.times.saturating_add(1);
    }
}

/// Of IPv6 a whole network: whoever has one address has 2^64.
fn near(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let mut parts = six.segments();
            parts[4..].fill(0);
            IpAddr::from(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_wrong_too_often_waits_and_nobody_else() {
        let (failures, now) = (Failures::new(3), Instant::now());
        let thief: IpAddr = "2001:db8::1".parse().expect("address");
        let thief_elsewhere: IpAddr = "2001:db8::ffff:2".parse().expect("address");
        let other: IpAddr = "2001:db9::1".parse().expect("address");
        for _ in 0..3 {
            assert_eq!(failures.wait(thief, now), None);
            failures.wrong(thief, now);
        }
        assert_eq!(failures.wait(thief_elsewhere, now), Some(WINDOW));
        assert_eq!(failures.wait(other, now), None);
        assert_eq!(failures.wait(thief, now + WINDOW), None);
    }
}
