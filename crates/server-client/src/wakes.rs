//! When the network or the computer comes back: a line that waits is tried at once, and one that stands must show it.

#[cfg(not(target_os = "linux"))]
#[path = "wakes/elsewhere.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "wakes/linux.rs"]
mod system;

// Tried on every system, although Linux has better.
#[cfg(all(test, target_os = "linux"))]
mod elsewhere;

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, Sleep, sleep};
use wire::ServerAddress;

/// How often the clocks are compared.
const TICK: Duration = Duration::from_secs(1);
/// A tick that comes so much too late was slept through. A busy machine may be as late: then a ping too many is sent.
const SLEPT: Duration = Duration::from_secs(3);
/// A network comes back in many steps; they are one as far as they come together.
const TOGETHER: Duration = Duration::from_millis(250);

/// Tells of changes of the network and of wake-ups.
#[derive(Debug)]
pub(crate) struct Wakes {
    changes: system::Changes,
    clocks: Clocks,
    tick: Pin<Box<Sleep>>,
    /// Changes since then are one.
    told: Option<Instant>,
    /// A change came too soon after the last one to be told yet.
    held: Option<Pin<Box<Sleep>>>,
}

impl Wakes {
    pub(crate) fn new(server: &ServerAddress) -> Self {
        Self {
            changes: system::Changes::new(server),
            clocks: Clocks::now(),
            tick: Box::pin(sleep(TICK)),
            told: None,
            held: None,
        }
    }

    /// Ready when something came back. At most four times a second.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut is_new = false;
        while self.changes.poll(context).is_ready() {
            is_new = true;
        }
        while self.tick.as_mut().poll(context).is_ready() {
            is_new |= self.changes.look() || self.clocks.step(Clocks::now());
            self.tick.as_mut().reset(Instant::now() + TICK);
        }
        if is_new && self.held.is_none() {
            let wait = self.told.map_or(Duration::ZERO, |told| {
                TOGETHER.saturating_sub(told.elapsed())
            });
            self.held = Some(Box::pin(sleep(wait)));
        }
        let is_due = |held: &mut Pin<Box<Sleep>>| held.as_mut().poll(context).is_ready();
        if self.held.as_mut().is_some_and(is_due) {
            self.held = None;
            self.told = Some(Instant::now());
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// Two clocks: which of them stands still during sleep differs from system to system, so both are read.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    steady: std::time::Instant,
    wall: SystemTime,
}

impl Clocks {
    fn now() -> Self {
        Self {
            steady: std::time::Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Goes on to `now`; true if the computer slept since the last step.
    fn step(&mut self, now: Self) -> bool {
        let steady = now.steady.saturating_duration_since(self.steady);
        // A clock that was set back tells nothing.
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        *self = now;
        steady.max(wall) > TICK + SLEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_that_was_slept_through_is_seen_by_either_clock() {
        let first = Clocks::now();
        let later = |steady, wall| Clocks {
            steady: first.steady + Duration::from_secs(steady),
            wall: first.wall + Duration::from_secs(wall),
        };
        let slept = |mut clocks: Clocks, now| clocks.step(now);
        assert!(!slept(first, later(1, 1)));
        assert!(slept(first, later(1, 3600)));
        assert!(slept(first, later(3600, 3600)));
        let set_back = Clocks {
            wall: first.wall - Duration::from_secs(3600),
            ..later(1, 0)
        };
        assert!(!slept(first, set_back));
    }
}
