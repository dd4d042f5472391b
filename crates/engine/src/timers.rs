//! What is due when: one time for each key.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// Setting, clearing and looking for the next all cost the logarithm of how many there are.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    at: BTreeMap<K, Instant>,
    order: BTreeSet<(Instant, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self {
            at: BTreeMap::new(),
            order: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// In place of an earlier time of the same key.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        self.clear(&key);
        self.order.insert((at, key.clone()));
        self.at.insert(key, at);
    }

    pub(crate) fn clear(&mut self, key: &K) {
        if let Some((key, at)) = self.at.remove_entry(key) {
            self.order.remove(&(at, key));
        }
    }

    pub(crate) fn clear_all(&mut self) {
        self.at.clear();
        self.order.clear();
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The keys whose time has come, the earliest first; their times are cleared.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<K> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now)
            && let Some((_, key)) = self.order.pop_first()
        {
            self.at.remove(&key);
            due.push(key);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_later_time_takes_the_place_of_the_earlier_and_comes_once() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut timers = Timers::default();
        timers.set('a', after(1));
        timers.set('b', after(2));
        timers.set('c', after(3));
        timers.set('a', after(4));
        timers.clear(&'c');
        assert_eq!(timers.next(), Some(after(2)));
        assert!(timers.take_due(after(1)).is_empty());
        assert_eq!(timers.take_due(after(5)), ['b', 'a']);
        assert_eq!(timers.next(), None);
    }
}
