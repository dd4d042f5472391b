//! What somebody may call, and how often. Pure: the time comes with the question.

use phone_number::{Kind, PhoneNumber, Region};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use wire::rest::Policy;

/// A minute, for the limit per minute.
const MINUTE: Duration = Duration::from_secs(60);

/// Hours of a day in which outside numbers may be called, as minutes since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    from: u16,
    until: u16,
}

impl Hours {
    /// Reads `08:00-18:30`; nothing is always. A range over midnight is `22:00-06:00`.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let clock = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour <= 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let range = text.split_once('-');
        let range = range.and_then(|(from, until)| Some((clock(from)?, clock(until)?)));
        match range {
            Some((from, until)) => Ok(Some(Self { from, until })),
            None => Err(format!("“{text}” are no hours such as 08:00-18:30")),
        }
    }

    fn has(self, minute: u16) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// What somebody has dialled of late.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    dialled: VecDeque<Instant>,
}

/// A wish to call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub number: &'a PhoneNumber,
    pub kind: Kind,
    /// Calls that this person placed and that go on.
    pub running: usize,
    pub now: Instant,
    /// Local time of the server, minutes since midnight.
    pub minute_of_day: u16,
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It never will be; the sentence says what forbids it.
    Forbidden(String),
    /// After this it may be asked again.
    TooMany { words: String, wait: Duration },
}

/// Decides, and counts what is let through. Emergency numbers always are.
///
/// # Errors
/// [`Denied`] with a sentence for the person.
pub(crate) fn decide(policy: &Policy, pace: &mut Pace, wish: Wish<'_>) -> Result<(), Denied> {
    if wish.kind == Kind::Emergency {
        return Ok(());
    }
    let is_outside = wish.kind != Kind::Internal;
    if is_outside {
        may_call(policy, wish)?;
    }
    pace.may_dial(policy, wish)?;
    pace.dialled.push_back(wish.now);
    Ok(())
}

fn may_call(policy: &Policy, wish: Wish<'_>) -> Result<(), Denied> {
    let forbidden = |words: &str| Err(Denied::Forbidden(words.to_owned()));
    let number = wish.number.e164().unwrap_or(wish.number.digits());
    let longest = |prefixes: &[String]| {
        let fits = prefixes
            .iter()
            .filter(|prefix| number.starts_with(prefix.as_str()));
        fits.map(String::len).max()
    };
    let (allowed, denied) = (longest(&policy.allow), longest(&policy.deny));
    if denied > allowed {
        return forbidden("Not called: your administrator does not allow numbers that begin so.");
    }
    if allowed.is_none() && !policy.allow.is_empty() {
        return forbidden("Not called: this number is not among those that you may call.");
    }
    if wish.kind == Kind::FeatureCode && allowed.is_none() && !policy.countries.is_empty() {
        return forbidden("Not called: you may call numbers of some countries only.");
    }
    if allowed.is_none() && !policy.countries.is_empty() && !is_of(number, &policy.countries) {
        return forbidden("Not called: you may not call this country.");
    }
    let hours = Hours::parse(&policy.hours).unwrap_or_default();
    if hours.is_some_and(|hours| !hours.has(wish.minute_of_day)) {
        let words = format!(
            "Not called: you may call outside numbers from {} only.",
            policy.hours
        );
        return Err(Denied::Forbidden(words));
    }
    Ok(())
}

/// By calling code: `US` stands for all of the North American plan.
fn is_of(number: &str, countries: &[String]) -> bool {
    let codes = countries
        .iter()
        .filter_map(|country| country.parse::<Region>().ok());
    let mut codes = codes.map(|region| format!("+{}", region.calling_code()));
    codes.any(|code| number.starts_with(&code))
}

impl Pace {
    fn may_dial(&mut self, policy: &Policy, wish: Wish<'_>) -> Result<(), Denied> {
        let begin = wish.now.checked_sub(MINUTE);
        while self
            .dialled
            .front()
            .is_some_and(|at| begin.is_some_and(|begin| *at <= begin))
        {
            self.dialled.pop_front();
        }
        if wish.running >= usize::from(policy.parallel) {
            return Err(Denied::TooMany {
                words: format!("Not called: you have {} calls already.", wish.running),
                wait: Duration::from_secs(1),
            });
        }
        if self.dialled.len() >= usize::from(policy.per_minute) {
            let oldest = self.dialled.front().copied().unwrap_or(wish.now);
            let wait = (oldest + MINUTE).saturating_duration_since(wish.now);
            return Err(Denied::TooMany {
                words: format!(
                    "Not called: {} calls a minute are allowed; try again in {} s.",
                    policy.per_minute,
                    wait.as_secs() + 1
                ),
                wait,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phone_number::DialPlan;

    fn asked(policy: &Policy, pace: &mut Pace, text: &str, at: Instant) -> Result<(), Denied> {
        let plan = DialPlan::new(Region::GB);
        let Ok(resolved) = plan.resolve(text) else {
            panic!("{text} is no number")
        };
        let wish = Wish {
            number: &resolved.number,
            kind: resolved.kind,
            running: 0,
            now: at,
            minute_of_day: 12 * 60,
        };
        decide(policy, pace, wish)
    }

    fn may(policy: &Policy, text: &str) -> bool {
        asked(policy, &mut Pace::default(), text, Instant::now()).is_ok()
    }

    #[test]
    fn the_longer_prefix_decides() {
        let policy = Policy {
            allow: vec!["+44".into(), "+4490912".into()],
            deny: vec!["+44909".into()],
            ..Policy::default()
        };
        assert!(may(&policy, "+442079460958"));
        assert!(!may(&policy, "+449097234567"));
        assert!(may(&policy, "+449091200000"));
        assert!(!may(&policy, "+12125550100"), "not among the allowed");
        assert!(may(&policy, "102"), "inside always");
    }

    #[test]
    fn emergency_numbers_are_never_kept_back() {
        let policy = Policy {
            deny: vec!["9".into(), "1".into(), "+".into()],
            countries: vec!["DE".into()],
            hours: "03:00-03:01".into(),
            per_minute: 0,
            parallel: 0,
            ..Policy::default()
        };
        assert!(may(&policy, "999"));
        assert!(may(&policy, "112"));
        assert!(!may(&policy, "+442079460958"));
    }

    #[test]
    fn only_so_many_a_minute() {
        let (policy, mut pace, start) = (Policy::default(), Pace::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let through = (0..1_000)
            .filter(|_| asked(&policy, &mut pace, "+442079460958", at(0)).is_ok())
            .count();
        assert_eq!(through, usize::from(policy.per_minute));
        let denied = asked(&policy, &mut pace, "102", at(45)).expect_err("still too many");
        let Denied::TooMany { wait, .. } = denied else {
            panic!("{denied:?}")
        };
        assert_eq!(wait, Duration::from_secs(15));
        assert_eq!(asked(&policy, &mut pace, "102", at(60)), Ok(()));
    }

    #[test]
    fn hours_may_pass_midnight() {
        let night = Hours::parse("22:00-06:00").expect("hours").expect("some");
        assert!(night.has(23 * 60) && night.has(0) && !night.has(6 * 60) && !night.has(12 * 60));
        assert_eq!(Hours::parse(" "), Ok(None));
        assert!(Hours::parse("8-18").is_err());
    }
}
