//! What was seen so far, in order, with waiting for what is still to come.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// A growing list that other threads wait on. It lives as long as one test and holds what that test caused.
#[derive(Debug)]
pub struct Record<T> {
    seen: Mutex<Vec<T>>,
    news: Condvar,
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self {
            seen: Mutex::new(Vec::new()),
            news: Condvar::new(),
        }
    }
}

impl<T: Clone> Record<T> {
    /// Adds an entry and wakes who waits.
    pub fn push(&self, entry: T) {
        self.lock().push(entry);
        self.news.notify_all();
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<T> {
        self.lock().clone()
    }

    /// How much there is so far: the place from which [`Self::wait_after`] looks.
    pub fn mark(&self) -> usize {
        self.lock().len()
    }

    /// The first entry, past or still to come, that is accepted.
    pub fn wait_for(&self, limit: Duration, accept: impl FnMut(&T) -> bool) -> Result<T> {
        self.wait_after(0, limit, accept)
    }

    /// The first entry after a [`Self::mark`] that is accepted.
    pub fn wait_after(
        &self,
        mark: usize,
        limit: Duration,
        mut accept: impl FnMut(&T) -> bool,
    ) -> Result<T> {
        let until = Instant::now() + limit;
        let mut next = mark;
        let mut seen = self.lock();
        loop {
            if let Some(found) = seen.iter().skip(next).find(|entry| accept(entry)) {
                return Ok(found.clone());
            }
            next = next.max(seen.len());
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                bail!("nothing of the kind within {limit:?}");
            };
            seen = self
                .news
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
