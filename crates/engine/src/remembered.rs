//! What was asked for at each desk under an id, kept so that the same id again is known: bounded for each desk and for
//! all of them together.

use crate::DeskId;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
};

/// Ids that are known again at one desk; a person makes a few calls a minute.
pub(crate) const AT_ONE_DESK: usize = 256;
/// At all desks together.
pub(crate) const IN_ALL: usize = 32_768;

/// Names an entry; later ones are greater.
pub(crate) type Age = u64;

#[derive(Debug)]
pub(crate) struct Remembered<K, V> {
    entries: BTreeMap<Age, Entry<K, V>>,
    desks: HashMap<DeskId, AtDesk<K>>,
    next: Age,
}

#[derive(Debug)]
struct Entry<K, V> {
    desk: DeskId,
    key: K,
    value: V,
}

#[derive(Debug)]
struct AtDesk<K> {
    by_key: HashMap<K, Age>,
    ages: BTreeSet<Age>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            desks: HashMap::new(),
            next: 0,
        }
    }
}

impl<K: Eq + Hash + Clone, V> Remembered<K, V> {
    /// Makes room if there is none, and says what had to go: the oldest that `may_go`, else the oldest.
    pub(crate) fn make_room(&mut self, desk: DeskId, may_go: impl Fn(&V) -> bool) -> Vec<(Age, V)> {
        let mut gone = Vec::new();
        let here = self.desks.get(&desk).map(|here| &here.ages);
        if let Some(ages) = here.filter(|ages| ages.len() >= AT_ONE_DESK) {
            let mut ages = ages.iter().copied();
            let oldest = ages.clone().next();
            let over = ages.find(|age| self.at(*age).is_some_and(&may_go));
            gone.extend(over.or(oldest).and_then(|age| self.remove(age)));
        }
        if self.entries.len() >= IN_ALL {
            let over = self.entries.iter().find(|(_, entry)| may_go(&entry.value));
            let oldest = over.or_else(|| self.entries.first_key_value());
            let oldest = oldest.map(|(age, _)| *age);
            gone.extend(oldest.and_then(|age| self.remove(age)));
        }
        gone
    }

    /// In place of what the desk had under this key.
    pub(crate) fn insert(&mut self, desk: DeskId, key: K, value: V) -> Age {
        if let Some(age) = self.age(desk, &key) {
            self.remove(age);
        }
        let age = self.next;
        self.next += 1;
        let here = self.desks.entry(desk).or_insert_with(|| AtDesk {
            by_key: HashMap::new(),
            ages: BTreeSet::new(),
        });
        here.by_key.insert(key.clone(), age);
        here.ages.insert(age);
        self.entries.insert(age, Entry { desk, key, value });
        age
    }

    pub(crate) fn age(&self, desk: DeskId, key: &K) -> Option<Age> {
        self.desks.get(&desk)?.by_key.get(key).copied()
    }

    pub(crate) fn get(&self, desk: DeskId, key: &K) -> Option<&V> {
        self.at(self.age(desk, key)?)
    }

    pub(crate) fn at(&self, age: Age) -> Option<&V> {
        self.entries.get(&age).map(|entry| &entry.value)
    }

    pub(crate) fn at_mut(&mut self, age: Age) -> Option<&mut V> {
        self.entries.get_mut(&age).map(|entry| &mut entry.value)
    }

    /// What a desk has, the oldest first.
    pub(crate) fn of(&self, desk: DeskId) -> impl DoubleEndedIterator<Item = (Age, &V)> {
        let ages = self.desks.get(&desk).into_iter();
        let ages = ages.flat_map(|here| here.ages.iter().copied());
        ages.filter_map(|age| Some((age, self.at(age)?)))
    }

    fn remove(&mut self, age: Age) -> Option<(Age, V)> {
        let entry = self.entries.remove(&age)?;
        if let Some(here) = self.desks.get_mut(&entry.desk) {
            here.by_key.remove(&entry.key);
            here.ages.remove(&age);
            if here.ages.is_empty() {
                self.desks.remove(&entry.desk);
            }
        }
        Some((age, entry.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: DeskId = DeskId(1);
    const BERT: DeskId = DeskId(2);

    #[test]
    fn one_text_is_two_ids_at_two_desks() {
        let mut known = Remembered::default();
        known.insert(ANNA, "d", 1);
        known.insert(BERT, "d", 2);
        assert_eq!(
            (known.get(ANNA, &"d"), known.get(BERT, &"d")),
            (Some(&1), Some(&2))
        );
        assert_eq!(known.get(DeskId(3), &"d"), None);
    }

    #[test]
    fn who_asks_much_forgets_his_own_first_and_what_goes_on_last() {
        let mut known = Remembered::default();
        known.insert(BERT, 0, true);
        for number in 0..1_000 {
            let gone = known.make_room(ANNA, |is_over| *is_over);
            assert_eq!(gone.len(), usize::from(number >= AT_ONE_DESK));
            known.insert(ANNA, number, number != 0);
        }
        assert_eq!(known.of(ANNA).count(), AT_ONE_DESK);
        assert!(known.get(ANNA, &0).is_some() && known.get(ANNA, &1).is_none());
        assert!(known.get(ANNA, &999).is_some() && known.get(BERT, &0).is_some());
    }

    #[test]
    fn all_desks_together_are_bounded() {
        let mut known = Remembered::default();
        for number in 0..2 * IN_ALL {
            let desk = DeskId(u32::try_from(number % 1_000).unwrap());
            known.make_room(desk, |()| true);
            known.insert(desk, number, ());
        }
        assert_eq!(known.entries.len(), IN_ALL);
        let by_desk: usize = known.desks.values().map(|here| here.by_key.len()).sum();
        assert_eq!(by_desk, IN_ALL);
    }
}
