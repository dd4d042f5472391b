//! A map that holds so much and no more: what was put in longest ago goes first.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    ages: BTreeMap<u64, K>,
    next_age: u64,
    most: usize,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            most,
        }
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Makes it the newest. Returns what had to go for it.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<K> {
        self.next_age += 1;
        if let Some((age, _)) = self.entries.insert(key.clone(), (self.next_age, value)) {
            self.ages.remove(&age);
        }
        self.ages.insert(self.next_age, key);
        if self.entries.len() <= self.most {
            return None;
        }
        let (_, oldest) = self.ages.pop_first()?;
        self.entries.remove(&oldest);
        Some(oldest)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (age, value) = self.entries.remove(key)?;
        self.ages.remove(&age);
        Some(value)
    }

    /// The oldest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.ages.values().filter_map(|key| self.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_what_is_put_in_again_is_new() {
        let mut map = Bounded::new(2);
        assert_eq!(map.insert("a", 1), None);
        assert_eq!(map.insert("b", 2), None);
        assert_eq!(map.insert("a", 3), None);
        assert_eq!(map.insert("c", 4), Some("b"));
        assert_eq!(map.values().collect::<Vec<_>>(), [&3, &4]);
        assert_eq!(map.remove(&"a"), Some(3));
        assert_eq!((map.get(&"a"), map.get(&"c")), (None, Some(&4)));
    }
}
