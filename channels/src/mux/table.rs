//! The table of channels, by number.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use adit_proto::message::channel_id::ChannelId;

use crate::mux::id::{self, Id};

/// Holds something for each channel.
///
/// A number that was given back is given out again after all others that are free, so that
/// late messages of a careless peer seldom meet a new channel.
#[derive(Debug)]
pub(super) struct Table<T> {
    slots: Vec<Slot<T>>,
    free: VecDeque<u32>,
    /// How often a channel was looked up; tests hold the mux to a constant number for each
    /// message.
    #[cfg(test)]
    pub(super) lookups: u64,
}

#[derive(Debug)]
struct Slot<T> {
    generation: NonZeroU32,
    content: Option<Box<T>>,
}

impl<T> Table<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: VecDeque::new(),
            #[cfg(test)]
            lookups: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len().saturating_sub(self.free.len())
    }

    /// Puts something in. `None` where all numbers are taken.
    pub(super) fn insert(&mut self, content: T) -> Option<Id> {
        let content = Some(Box::new(content));
        if let Some(number) = self.free.pop_front() {
            let slot = self.slots.get_mut(id::slot(number))?;
            slot.content = content;
            return Some(Id::new(number, slot.generation));
        }
        let number = u32::try_from(self.slots.len()).ok()?;
        self.slots.push(Slot { generation: NonZeroU32::MIN, content });
        Some(Id::new(number, NonZeroU32::MIN))
    }

    pub(super) fn get(&self, id: Id) -> Option<&T> {
        let slot = self.slots.get(id.slot())?;
        if slot.generation == id.generation() { slot.content.as_deref() } else { None }
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        #[cfg(test)]
        {
            self.lookups += 1;
        }
        let slot = self.slots.get_mut(id.slot())?;
        if slot.generation == id.generation() { slot.content.as_deref_mut() } else { None }
    }

    /// The channel that has this number now.
    pub(super) fn find(&self, number: ChannelId) -> Option<Id> {
        let slot = self.slots.get(id::slot(number.0))?;
        slot.content.as_ref().map(|_| Id::new(number.0, slot.generation))
    }

    /// Takes something out and sets its number free.
    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        let slot = self.slots.get_mut(id.slot())?;
        if slot.generation != id.generation() {
            return None;
        }
        let content = slot.content.take()?;
        slot.generation = slot.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push_back(id.number().0);
        Some(*content)
    }

    /// All that are in the table, for the end of a connection.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        (0_u32..).zip(&self.slots).filter_map(|(number, slot)| {
            slot.content.as_ref().map(|_| Id::new(number, slot.generation))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_outlives_its_channel_names_nothing() {
        let mut table = Table::new();
        let old = table.insert('a').unwrap();
        assert_eq!(table.remove(old), Some('a'));
        let new = table.insert('b').unwrap();
        assert_eq!(new.number(), old.number());
        assert_eq!((table.get(old), table.get(new)), (None, Some(&'b')));
        assert_eq!((table.remove(old), table.len()), (None, 1));
        assert_eq!(table.find(old.number()), Some(new));
    }

    #[test]
    fn a_number_that_was_given_back_is_the_last_to_be_used_again() {
        let mut table = Table::new();
        let ids: Vec<Id> = (0..3).map(|_| table.insert(()).unwrap()).collect();
        table.remove(ids[1]);
        table.remove(ids[0]);
        let numbers: Vec<u32> = (0..3).map(|_| table.insert(()).unwrap().number().0).collect();
        assert_eq!(numbers, [1, 0, 3]);
    }

    #[test]
    fn a_number_that_nobody_has_finds_nothing() {
        let mut table = Table::new();
        let id = table.insert(()).unwrap();
        assert_eq!(table.find(ChannelId(1)), None);
        assert_eq!(table.find(ChannelId(u32::MAX)), None);
        table.remove(id);
        assert_eq!(table.find(ChannelId(0)), None);
        assert_eq!(table.ids().count(), 0);
    }
}
