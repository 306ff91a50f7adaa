//! A table whose entries end by themselves.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// Entries that end at some time, of a bounded number. Where there is no room for another, the one
/// goes that would end first.
///
/// Each operation takes time in the logarithm of the number of entries, and drops those that have
/// ended.
#[derive(Debug)]
pub struct Deadlines<K, V> {
    entries: HashMap<K, Entry<V>>,
    by_end: BTreeSet<(Instant, K)>,
    most: usize,
}

/// A value, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<V> {
    /// When the entry ends.
    pub end: Instant,
    /// What it holds.
    pub value: V,
}

impl<K: Copy + Eq + Hash + Ord, V: Copy> Deadlines<K, V> {
    /// An empty table for so many entries.
    pub fn new(most: usize) -> Self {
        Self { entries: HashMap::new(), by_end: BTreeSet::new(), most }
    }

    /// The entry of this key, if it has not ended.
    pub fn get(&self, key: K, now: Instant) -> Option<Entry<V>> {
        self.entries.get(&key).copied().filter(|entry| entry.end > now)
    }

    /// Sets the entry of this key, in place of the one it had.
    pub fn set(&mut self, key: K, entry: Entry<V>, now: Instant) {
        self.forget_ended(now);
        if let Some(old) = self.entries.remove(&key) {
            self.by_end.remove(&(old.end, key));
        }
        if entry.end <= now || self.most == 0 {
            return;
        }
        while self.entries.len() >= self.most && self.forget_first() {}
        self.by_end.insert((entry.end, key));
        self.entries.insert(key, entry);
    }

    /// How many entries there are, among them some that have ended.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Has room for so many entries from now on.
    pub fn resize(&mut self, most: usize) {
        self.most = most;
        while self.entries.len() > most && self.forget_first() {}
    }

    fn forget_ended(&mut self, now: Instant) {
        while self.by_end.first().is_some_and(|(end, _)| *end <= now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) -> bool {
        match self.by_end.pop_first() {
            Some((_, key)) => self.entries.remove(&key).is_some(),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_is_there_until_it_ends() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut table = Deadlines::new(2);
        table.set('a', Entry { end: at(5), value: 1 }, at(0));
        assert_eq!(table.get('a', at(4)).map(|entry| entry.value), Some(1));
        assert_eq!(table.get('a', at(5)), None);
        table.set('b', Entry { end: at(9), value: 2 }, at(5));
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn where_there_is_no_room_the_entry_goes_that_ends_first() {
        let start = Instant::now();
        let end = |seconds| Entry { end: start + Duration::from_secs(seconds), value: () };
        let mut table = Deadlines::new(2);
        table.set('a', end(9), start);
        table.set('b', end(5), start);
        table.set('b', end(6), start);
        table.set('c', end(7), start);
        let there = |table: &Deadlines<char, ()>| {
            ['a', 'b', 'c'].map(|key| table.get(key, start).is_some())
        };
        assert_eq!(there(&table), [true, false, true]);
        table.resize(1);
        assert_eq!(there(&table), [true, false, false]);
        table.resize(0);
        table.set('b', end(5), start);
        assert!(table.is_empty());
    }

    proptest! {
        #[test]
        fn there_are_never_more_entries_than_allowed_and_both_indexes_agree(
            most in 0_usize..6,
            steps in prop::collection::vec((0_u8..10, 0_u64..20, 0_u64..3), 0..200),
        ) {
            let mut table = Deadlines::new(most);
            let mut now = Instant::now();
            for (key, length, pass) in steps {
                now += Duration::from_secs(pass);
                let end = now + Duration::from_secs(length);
                table.set(key, Entry { end, value: () }, now);
                prop_assert!(table.entries.len() <= most);
                prop_assert_eq!(table.entries.len(), table.by_end.len());
                for (end, key) in &table.by_end {
                    prop_assert_eq!(table.entries[key].end, *end);
                }
            }
        }
    }
}
