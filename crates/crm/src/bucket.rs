//! How often a CRM may be asked: a bucket of tokens that fills with time, and quiet when it asks for that.

use crate::format::http::Rate;
use contacts::{SourceError, SourceErrorKind};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A slip of the CRM must not switch it off for a day.
const LONGEST_QUIET: Duration = Duration::from_secs(600);

/// `None`: as often as one likes.
#[derive(Debug)]
pub(crate) struct Bucket(Option<Mutex<Level>>);

#[derive(Debug)]
struct Level {
    rate: Rate,
    /// Below zero are those who wait for their turn.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self(rate.map(|rate| {
            Mutex::new(Level {
                rate,
                tokens: rate.burst,
                at: Instant::now(),
            })
        }))
    }

    /// How long to wait for one's turn, which is taken by that; `None`: it comes too late.
    pub(crate) fn reserve(&self, until: Instant) -> Option<Duration> {
        let Some(level) = &self.0 else {
            return Some(Duration::ZERO);
        };
        let mut level = level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let filled = now.duration_since(level.at).as_secs_f64() * level.rate.per_second;
        level.tokens = (level.tokens + filled).min(level.rate.burst);
        level.at = now;
        let missing = (1.0 - level.tokens).max(0.0);
        let wait = Duration::from_secs_f64((missing / level.rate.per_second).min(3600.0));
        if now + wait > until {
            return None;
        }
        level.tokens -= 1.0;
        Some(wait)
    }
}

/// Until when the CRM wants to be left alone, as it said.
#[derive(Debug, Default)]
pub(crate) struct Quiet(Mutex<Option<(Instant, SourceError)>>);

impl Quiet {
    /// Nobody asks before that time: some block who does.
    pub(crate) fn begin(&self, error: &SourceError) {
        let SourceErrorKind::Limited {
            retry_after: Some(time),
        } = error.kind
        else {
            return;
        };
        let mut quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = Some((Instant::now() + time.min(LONGEST_QUIET), error.clone()));
    }

    /// What it said, with the time that is left.
    pub(crate) fn now(&self) -> Option<SourceError> {
        let quiet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, error) = quiet.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| SourceError {
            kind: SourceErrorKind::Limited {
                retry_after: Some(left),
            },
            words: error.words.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_wants_to_be_left_alone_is_for_as_long_as_he_said() {
        let quiet = Quiet::default();
        assert_eq!(quiet.now(), None);
        quiet.begin(&SourceError {
            kind: SourceErrorKind::Limited {
                retry_after: Some(Duration::from_secs(60)),
            },
            words: "slow down".into(),
        });
        tokio::time::advance(Duration::from_secs(20)).await;
        let retry_after = Some(Duration::from_secs(40));
        let kind = quiet.now().map(|error| error.kind);
        assert_eq!(kind, Some(SourceErrorKind::Limited { retry_after }));
        tokio::time::advance(Duration::from_secs(41)).await;
        assert_eq!(quiet.now(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_one_after_the_other_and_those_too_late_are_refused() {
        let bucket = Bucket::new(Some(Rate {
            per_second: 2.0,
            burst: 2.0,
        }));
        let until = Instant::now() + Duration::from_secs(1);
        let waits: Vec<_> = (0..5).map(|_| bucket.reserve(until)).collect();
        let half = Duration::from_millis(500);
        assert_eq!(
            waits,
            [
                Some(Duration::ZERO),
                Some(Duration::ZERO),
                Some(half),
                Some(half * 2),
                None
            ]
        );
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(bucket.reserve(Instant::now()), Some(Duration::ZERO));
    }
}
