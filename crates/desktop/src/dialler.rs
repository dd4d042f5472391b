//! One click, one call: what was asked for lately, and how much is too much.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Two wishes for the same target within this time are one double click.
const DOUBLE_CLICK: Duration = Duration::from_secs(2);
/// A request id is remembered this long.
const REMEMBERED: Duration = Duration::from_secs(60);
/// More dials than this in a minute are not a person's.
pub(crate) const A_MINUTE: usize = 10;
/// Running dials at once.
pub(crate) const AT_ONCE: usize = 3;

#[derive(Debug)]
struct Wish {
    request_id: String,
    target: String,
    dial: String,
    at: Instant,
    /// A test of the same target after its end is a new wish.
    running: bool,
}

/// Remembers the dials of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Dialler {
    wishes: VecDeque<Wish>,
    counter: u64,
}

/// What to do with a wish to dial.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A new call with this id.
    New(String),
    /// The same click again: this is its dial.
    Same(String),
    TooMany,
}

impl Dialler {
    pub(crate) fn wish(
        &mut self,
        request_id: &str,
        target: &str,
        now: Instant,
        unix_us: u64,
    ) -> Verdict {
        self.wishes
            .retain(|wish| wish.running || wish.is_recent(now));
        if let Some(wish) = self
            .wishes
            .iter()
            .find(|wish| wish.is_same(request_id, target, now))
        {
            return Verdict::Same(wish.dial.clone());
        }
        let lately = self
            .wishes
            .iter()
            .filter(|wish| wish.is_recent(now))
            .count();
        let running = self.wishes.iter().filter(|wish| wish.running).count();
        if lately >= A_MINUTE || running >= AT_ONCE {
            return Verdict::TooMany;
        }
        self.counter += 1;
        let dial = format!("d{unix_us:x}-{}", self.counter);
        let wish = Wish {
            request_id: request_id.into(),
            target: target.into(),
            dial: dial.clone(),
            at: now,
            running: true,
        };
        self.wishes.push_back(wish);
        Verdict::New(dial)
    }

    /// The dial of a request id that was seen before.
    pub(crate) fn known(&self, request_id: &str) -> Option<&str> {
        self.wishes
            .iter()
            .find(|wish| wish.request_id == request_id)
            .map(|wish| wish.dial.as_str())
    }

    pub(crate) fn ended(&mut self, dial: &str) {
        if let Some(wish) = self.wishes.iter_mut().find(|wish| wish.dial == dial) {
            wish.running = false;
        }
    }
}

impl Wish {
    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < REMEMBERED
    }

    fn is_same(&self, request_id: &str, target: &str, now: Instant) -> bool {
        self.request_id == request_id
            || (self.target == target && now.saturating_duration_since(self.at) < DOUBLE_CLICK)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the tests bring the clock
mod tests {
    use super::*;

    #[test]
    fn a_double_click_is_one_call() {
        let (mut dialler, now) = (Dialler::default(), Instant::now());
        let Verdict::New(dial) = dialler.wish("r1", "102", now, 1) else {
            panic!("a first wish is new")
        };
        assert_eq!(
            dialler.wish("r2", "102", now + Duration::from_millis(300), 2),
            Verdict::Same(dial.clone())
        );
        assert_eq!(
            dialler.wish("r1", "102", now + Duration::from_secs(30), 3),
            Verdict::Same(dial)
        );
        assert!(matches!(
            dialler.wish("r3", "102", now + Duration::from_secs(3), 4),
            Verdict::New(_)
        ));
    }

    #[test]
    fn a_thousand_wishes_in_a_second_are_few_calls() {
        let (mut dialler, now) = (Dialler::default(), Instant::now());
        let new = (0..1000)
            .filter(|n| {
                matches!(
                    dialler.wish(&n.to_string(), &n.to_string(), now, 0),
                    Verdict::New(_)
                )
            })
            .count();
        assert_eq!(new, AT_ONCE);
    }

    #[test]
    fn long_calls_count_as_long_as_they_last() {
        let (mut dialler, now) = (Dialler::default(), Instant::now());
        for n in 0..AT_ONCE {
            dialler.wish(&n.to_string(), &n.to_string(), now, 0);
        }
        let later = now + REMEMBERED * 5;
        assert_eq!(dialler.wish("x", "x", later, 0), Verdict::TooMany);
    }

    #[test]
    fn a_minute_later_one_may_dial_again() {
        let (mut dialler, now) = (Dialler::default(), Instant::now());
        for n in 0..A_MINUTE {
            let Verdict::New(dial) = dialler.wish(&n.to_string(), &n.to_string(), now, 0) else {
                panic!("within the limit")
            };
            dialler.ended(&dial);
        }
        assert_eq!(dialler.wish("x", "x", now, 0), Verdict::TooMany);
        assert!(matches!(
            dialler.wish("x", "x", now + REMEMBERED, 0),
            Verdict::New(_)
        ));
    }
}
