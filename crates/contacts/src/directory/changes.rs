//! Which numbers have news, for listeners that each have read up to somewhere else.

use std::collections::{BTreeSet, VecDeque};

/// Who lags by more is told that anything may have changed.
const KEPT: usize = 4096;

/// Of which numbers the directory may say something new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Any number.
    All,
    /// These, in their normal form, without extensions; each once, in order.
    Numbers(Vec<String>),
}

/// The newest changes, numbered.
#[derive(Debug, Default)]
pub(super) struct Changes {
    recent: VecDeque<(u64, String)>,
    last: u64,
    /// Up to here, everything may have changed.
    all: u64,
}

impl Changes {
    /// The place of somebody who has read everything.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn push(&mut self, number: String) -> u64 {
        self.last += 1;
        self.recent.push_back((self.last, number));
        if self.recent.len() > KEPT
            && let Some((lost, _)) = self.recent.pop_front()
        {
            self.all = lost;
        }
        self.last
    }

    pub(super) fn push_all(&mut self) -> u64 {
        self.last += 1;
        self.all = self.last;
        self.recent.clear();
        self.last
    }

    /// What came after `read`; nothing where all is read.
    pub(super) fn since(&self, read: u64) -> Option<Changed> {
        if read >= self.last {
            return None;
        }
        if read < self.all {
            return Some(Changed::All);
        }
        let newer = self.recent.iter().filter(|(at, _)| *at > read);
        let numbers: BTreeSet<&String> = newer.map(|(_, number)| number).collect();
        Some(Changed::Numbers(numbers.into_iter().cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_changes_often_is_told_once_and_who_lags_is_told_so() {
        let mut changes = Changes::default();
        assert_eq!(changes.since(0), None);
        for number in ["+72", "+71", "+72"] {
            changes.push(number.into());
        }
        let two = vec!["+71".to_owned(), "+72".to_owned()];
        assert_eq!(changes.since(0), Some(Changed::Numbers(two)));
        let read = changes.last();
        assert_eq!(changes.since(read), None);
        for number in 0..=KEPT {
            changes.push(number.to_string());
        }
        assert_eq!(changes.since(read), Some(Changed::All));
        assert_eq!(
            changes.since(changes.last() - 1),
            Some(Changed::Numbers(vec![KEPT.to_string()]))
        );
        let read = changes.last();
        changes.push_all();
        assert_eq!(changes.since(read), Some(Changed::All));
    }
}
