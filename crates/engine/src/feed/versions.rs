//! The newest of each thing under a version number, from which any number of readers catch up at their own pace.

use std::collections::BTreeMap;

/// Counts every change since the start; 0 is before the first.
pub(super) type Version = u64;

/// How far one reader has come. It is all that a reader costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Everything up to here was read.
    seen: Version,
    /// Where it began from nothing: what was gone by then it never knew.
    began: Version,
}

/// Each thing once, at the version of its last change.
///
/// What is gone is remembered for readers who still have it, up to a number; a reader who is further behind than that
/// begins again from nothing.
#[derive(Debug)]
pub(super) struct Versions<K, V> {
    version: Version,
    things: BTreeMap<K, Thing<V>>,
    /// Every key of `things` once, in the order of its last change.
    order: BTreeMap<Version, K>,
    gone: usize,
    most_gone: usize,
    /// Of the youngest gone thing that is remembered no more.
    forgotten: Version,
}

#[derive(Debug)]
struct Thing<V> {
    version: Version,
    /// `None` when it is gone.
    value: Option<V>,
}

/// What a reader gets in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled<K, V> {
    /// The reader has to forget all that it had: it is new, or was too far behind.
    pub from_nothing: bool,
    /// Each thing at most once, with its newest value; `None` is gone.
    pub changes: Vec<(K, Option<V>)>,
    /// The limit was reached; pull again.
    pub has_more: bool,
}

impl<K: Ord + Clone, V: Clone + PartialEq> Versions<K, V> {
    pub(super) fn new(most_gone: usize) -> Self {
        Self {
            version: 0,
            things: BTreeMap::new(),
            order: BTreeMap::new(),
            gone: 0,
            most_gone,
            forgotten: 0,
        }
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Says whether that is news.
    pub(super) fn set(&mut self, key: K, value: Option<V>) -> bool {
        let next = self.version + 1;
        match self.things.get_mut(&key) {
            None if value.is_none() => return false,
            Some(thing) if thing.value == value => return false,
            Some(thing) => {
                self.gone += usize::from(value.is_none());
                self.gone -= usize::from(thing.value.is_none());
                self.order.remove(&thing.version);
                *thing = Thing {
                    version: next,
                    value,
                };
            }
            None => {
                let thing = Thing {
                    version: next,
                    value,
                };
                self.things.insert(key.clone(), thing);
            }
        }
        self.version = next;
        self.order.insert(next, key);
        if self.gone > self.most_gone {
            self.forget_oldest();
        }
        true
    }

    /// All else is gone.
    pub(super) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let there = self
            .things
            .iter()
            .filter(|(_, thing)| thing.value.is_some());
        let going: Vec<K> = there
            .map(|(key, _)| key.clone())
            .filter(|key| !keep(key))
            .collect();
        for key in going {
            self.set(key, None);
        }
    }

    /// The older half, so that this is rare.
    fn forget_oldest(&mut self) {
        let is_gone = |key: &K| {
            self.things
                .get(key)
                .is_some_and(|thing| thing.value.is_none())
        };
        let gone = self.order.iter().filter(|(_, key)| is_gone(key));
        let oldest: Vec<Version> = gone
            .map(|(version, _)| *version)
            .take(self.gone - self.most_gone / 2)
            .collect();
        for version in oldest {
            if let Some(key) = self.order.remove(&version) {
                self.things.remove(&key);
            }
            self.gone -= 1;
            self.forgotten = version;
        }
    }

    /// What has changed since `cursor`, at most `limit` things, the longest unchanged first; the cursor moves on.
    pub(super) fn pull(&self, cursor: &mut Cursor, limit: usize) -> Pulled<K, V> {
        let is_new = *cursor == Cursor::default();
        let has_missed = self.forgotten > cursor.seen.max(cursor.began);
        let from_nothing = is_new || has_missed;
        if from_nothing {
            *cursor = Cursor {
                seen: 0,
                began: self.version,
            };
        }
        let mut changes = Vec::new();
        let mut has_more = false;
        for (version, key) in self.order.range(cursor.seen + 1..) {
            let value = self.things.get(key).and_then(|thing| thing.value.clone());
            let is_known_gone = value.is_none() && *version <= cursor.began;
            if !is_known_gone {
                if changes.len() == limit {
                    has_more = true;
                    break;
                }
                changes.push((key.clone(), value));
            }
            cursor.seen = *version;
        }
        if !has_more {
            cursor.seen = self.version;
        }
        Pulled {
            from_nothing,
            changes,
            has_more,
        }
    }

    /// Things that are remembered, gone ones included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.things.len(), self.order.len());
        self.things.len()
    }
}

impl Cursor {
    pub(super) fn seen(self) -> Version {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOST_GONE: usize = 4;

    /// One who keeps what it was given.
    #[derive(Default)]
    struct Reader {
        cursor: Cursor,
        things: BTreeMap<u8, u8>,
    }

    impl Reader {
        /// True while there is more.
        fn pull(&mut self, versions: &Versions<u8, u8>, limit: usize) -> bool {
            let pulled = versions.pull(&mut self.cursor, limit);
            assert!(pulled.changes.len() <= limit);
            if pulled.from_nothing {
                self.things.clear();
            }
            for (key, value) in pulled.changes {
                match value {
                    Some(value) => self.things.insert(key, value),
                    None => self.things.remove(&key),
                };
            }
            pulled.has_more
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set(u8, Option<u8>),
        Pull { reader: usize, limit: usize },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let set =
            (0..12_u8, prop::option::of(0..3_u8)).prop_map(|(key, value)| Step::Set(key, value));
        let pull =
            (0..3_usize, 1..6_usize).prop_map(|(reader, limit)| Step::Pull { reader, limit });
        prop::collection::vec(prop_oneof![4 => set, 1 => pull], 0..300)
    }

    proptest! {
        #[test]
        fn who_pulls_at_any_moments_ends_with_what_is(steps in steps()) {
            let mut versions = Versions::new(MOST_GONE);
            let mut truth = BTreeMap::new();
            let mut at_once = Reader::default();
            let mut readers: [Reader; 3] = Default::default();
            for step in steps {
                match step {
                    Step::Set(key, value) => {
                        versions.set(key, value);
                        match value {
                            Some(value) => truth.insert(key, value),
                            None => truth.remove(&key),
                        };
                        while at_once.pull(&versions, usize::MAX) {}
                        prop_assert_eq!(&at_once.things, &truth);
                    }
                    Step::Pull { reader, limit } => {
                        readers[reader].pull(&versions, limit);
                    }
                }
                prop_assert!(versions.len() <= truth.len() + MOST_GONE);
            }
            for reader in &mut readers {
                while reader.pull(&versions, 2) {}
                prop_assert_eq!(&reader.things, &truth);
                prop_assert_eq!(reader.cursor, Cursor { began: reader.cursor.began, ..at_once.cursor });
            }
        }
    }

    #[test]
    fn what_stays_the_same_is_no_news() {
        let mut versions = Versions::new(MOST_GONE);
        assert!(versions.set(1, Some(1)));
        assert!(!versions.set(1, Some(1)));
        assert!(!versions.set(2, None));
        assert_eq!(versions.version(), 1);
    }

    #[test]
    fn reader_who_lags_gets_the_newest_of_each_thing_once() {
        let mut versions = Versions::new(MOST_GONE);
        let mut reader = Reader::default();
        versions.set(1, Some(0));
        versions.set(2, Some(0));
        reader.pull(&versions, usize::MAX);
        for value in 1..100 {
            versions.set(1, Some(value));
        }
        let pulled = versions.pull(&mut reader.cursor, usize::MAX);
        assert_eq!(
            pulled,
            Pulled {
                from_nothing: false,
                changes: vec![(1, Some(99))],
                has_more: false
            }
        );
    }

    #[test]
    fn reader_who_missed_too_much_begins_from_nothing() {
        let mut versions = Versions::new(MOST_GONE);
        let mut reader = Reader::default();
        versions.set(0, Some(0));
        versions.set(1, Some(1));
        reader.pull(&versions, usize::MAX);
        versions.set(0, None);
        for key in 10..20 {
            versions.set(key, Some(0));
            versions.set(key, None);
        }
        let pulled = versions.pull(&mut reader.cursor, usize::MAX);
        assert!(pulled.from_nothing);
        assert_eq!(pulled.changes, [(1, Some(1))]);
    }
}
