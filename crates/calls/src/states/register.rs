//! Entries under names, whose changes are reported once each, however often they happen in between.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, VecDeque},
    ops::{Bound, Deref},
};

/// What the PBX last said of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<V> {
    value: V,
    /// False since the link was lost and until the PBX names it again.
    pub certain: bool,
}

impl<V> Deref for Known<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

/// A name under which the PBX speaks of something.
pub(super) trait Key: Clone + Ord + Borrow<str> + for<'a> From<&'a str> {}

impl<K: Clone + Ord + Borrow<str> + for<'a> From<&'a str>> Key for K {}

/// Sorted by key, so that what is read from it does not depend on the order of events.
#[derive(Debug, Clone)]
pub(super) struct Register<K, V> {
    slots: BTreeMap<K, Slot<V>>,
    /// Every key at most once: as `Slot::queued` says.
    changed: VecDeque<K>,
    /// Counts the complete lists that were begun.
    list: u32,
    listing: bool,
    /// A list came to its end since the link was made.
    complete: bool,
    most: usize,
}

#[derive(Debug, Clone)]
struct Slot<V> {
    /// `None` once it is gone, until that is polled.
    known: Option<Known<V>>,
    queued: bool,
    /// The list during or after which it was last named.
    heard: u32,
}

/// What came of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Born,
    Changed,
    Same,
    /// No room for one more.
    Full,
}

impl<K: Key, V> Register<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            slots: BTreeMap::new(),
            changed: VecDeque::new(),
            list: 0,
            listing: false,
            complete: false,
            most,
        }
    }

    /// Takes news of one thing: `change` says whether it changed anything. Allocates nothing when nothing changes.
    pub(super) fn hear(
        &mut self,
        key: &str,
        make: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> bool,
    ) -> News {
        let Some(slot) = self.slots.get_mut(key) else {
            return self.bear(key, make());
        };
        slot.heard = self.list;
        let news = match &mut slot.known {
            None => {
                slot.known = Some(Known::new(make()));
                News::Born
            }
            Some(known) => {
                let was_certain = std::mem::replace(&mut known.certain, true);
                match change(&mut known.value) | !was_certain {
                    true => News::Changed,
                    false => News::Same,
                }
            }
        };
        if news != News::Same && !std::mem::replace(&mut slot.queued, true) {
            self.changed.push_back(K::from(key));
        }
        news
    }

    fn bear(&mut self, key: &str, value: V) -> News {
        if self.slots.len() >= self.most {
            return News::Full;
        }
        let slot = Slot {
            known: Some(Known::new(value)),
            queued: true,
            heard: self.list,
        };
        self.slots.insert(K::from(key), slot);
        self.changed.push_back(K::from(key));
        News::Born
    }

    /// Changes what is known already, without taking it for a word of the PBX about the whole of it.
    pub(super) fn amend(&mut self, key: &str, change: impl FnOnce(&mut V) -> bool) {
        let known = self.slots.get_mut(key).and_then(|slot| slot.known.as_mut());
        if known.is_some_and(|known| change(&mut known.value)) {
            self.touch(key);
        }
    }

    /// Reports something as changed because of what lies outside of it.
    pub(super) fn touch(&mut self, key: &str) {
        if let Some(slot) = self.slots.get_mut(key)
            && !std::mem::replace(&mut slot.queued, true)
        {
            self.changed.push_back(K::from(key));
        }
    }

    /// Forgets something; that it is gone is reported.
    pub(super) fn remove(&mut self, key: &str) -> Option<V> {
        let value = self.slots.get_mut(key)?.known.take()?.value;
        self.touch(key);
        Some(value)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Known<V>> {
        self.slots.get(key)?.known.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &Known<V>)> {
        self.slots
            .iter()
            .filter_map(|(key, slot)| Some((key, slot.known.as_ref()?)))
    }

    /// What stands behind `key` in the order of keys, itself not.
    pub(super) fn after(&self, key: &str) -> impl Iterator<Item = (&K, &Known<V>)> {
        self.slots
            .range::<str, _>((Bound::Excluded(key), Bound::Unbounded))
            .filter_map(|(key, slot)| Some((key, slot.known.as_ref()?)))
    }

    /// The next key of which there is news.
    pub(super) fn poll(&mut self) -> Option<K> {
        let key = self.changed.pop_front()?;
        if let Some(slot) = self.slots.get_mut(key.borrow()) {
            slot.queued = false;
            if slot.known.is_none() {
                self.slots.remove(key.borrow());
            }
        }
        Some(key)
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn begin_list(&mut self) {
        self.list = self.list.wrapping_add(1);
        self.listing = true;
    }

    /// Forgets what the list has not named; nothing happens when no list was begun on this link.
    pub(super) fn end_list(&mut self, mut removed: impl FnMut(&K, V)) {
        if !std::mem::take(&mut self.listing) {
            return;
        }
        self.complete = true;
        let list = self.list;
        for (key, slot) in &mut self.slots {
            if slot.heard == list {
                continue;
            }
            if let Some(known) = slot.known.take() {
                removed(key, known.value);
                if !std::mem::replace(&mut slot.queued, true) {
                    self.changed.push_back(key.clone());
                }
            }
        }
    }

    /// All that is known may have changed since, and is reported as uncertain.
    pub(super) fn link_lost(&mut self) {
        self.listing = false;
        self.complete = false;
        for (key, slot) in &mut self.slots {
            let Some(known) = &mut slot.known else {
                continue;
            };
            if std::mem::replace(&mut known.certain, false)
                && !std::mem::replace(&mut slot.queued, true)
            {
                self.changed.push_back(key.clone());
            }
        }
    }
}

impl<V> Known<V> {
    fn new(value: V) -> Self {
        Self {
            value,
            certain: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Counts = Register<Box<str>, u32>;

    fn hear(register: &mut Counts, key: &str, value: u32) -> News {
        register.hear(key, || value, |old| std::mem::replace(old, value) != value)
    }

    fn polled(register: &mut Counts) -> Vec<(String, Option<u32>)> {
        std::iter::from_fn(|| {
            let key = register.poll()?;
            let value = register.get(&key).map(|known| **known);
            Some((key.into(), value))
        })
        .collect()
    }

    #[test]
    fn changes_of_one_key_are_one_report_of_the_newest() {
        let mut register = Counts::new(8);
        for value in [1, 2, 3] {
            hear(&mut register, "a", value);
            hear(&mut register, "b", 7);
        }
        assert_eq!(
            polled(&mut register),
            [("a".into(), Some(3)), ("b".into(), Some(7))]
        );
        assert_eq!(hear(&mut register, "a", 3), News::Same);
        assert!(!register.has_changes());
    }

    #[test]
    fn coming_and_going_unpolled_takes_one_place() {
        let mut register = Counts::new(1);
        for _ in 0..1_000 {
            assert_eq!(hear(&mut register, "a", 1), News::Born);
            assert_eq!(register.remove("a"), Some(1));
        }
        assert_eq!((register.slots.len(), register.changed.len()), (1, 1));
        assert_eq!(hear(&mut register, "b", 1), News::Full);
        assert_eq!(polled(&mut register), [("a".into(), None)]);
        assert!(register.slots.is_empty());
        assert_eq!(hear(&mut register, "b", 1), News::Born);
    }

    #[test]
    fn complete_list_removes_what_it_does_not_name() {
        let mut register = Counts::new(8);
        hear(&mut register, "a", 1);
        hear(&mut register, "b", 1);
        register.link_lost();
        polled(&mut register);
        assert!(!register.get("a").unwrap().certain);
        // The end of a list that was asked for on the old link.
        register.end_list(|_, _| panic!("nothing was listed"));
        register.begin_list();
        hear(&mut register, "b", 1);
        hear(&mut register, "c", 2);
        let mut removed = Vec::new();
        register.end_list(|_, value| removed.push(value));
        assert_eq!(removed, [1]);
        assert_eq!(
            polled(&mut register),
            [
                ("b".into(), Some(1)),
                ("c".into(), Some(2)),
                ("a".into(), None)
            ]
        );
        assert!(register.get("b").unwrap().certain);
    }
}
