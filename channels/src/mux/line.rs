//! A line in which channels wait for their turn.

use crate::mux::id::Id;

/// Channels in the order in which they came, each at most once. Joining, leaving from
/// anywhere and being served cost the same however many wait.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: Vec<Place>,
    ends: Option<Ends>,
}

#[derive(Debug, Clone, Copy)]
struct Ends {
    first: Id,
    last: Id,
}

/// What the line knows of one slot of the table.
#[derive(Debug, Clone, Copy, Default)]
enum Place {
    #[default]
    Out,
    In {
        before: Option<Id>,
        after: Option<Id>,
    },
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_none()
    }

    pub(super) fn first(&self) -> Option<Id> {
        self.ends.map(|ends| ends.first)
    }

    pub(super) fn contains(&self, id: Id) -> bool {
        matches!(self.places.get(id.slot()), Some(Place::In { .. }))
    }

    /// Lets a channel join at the end, where it is not in the line already.
    pub(super) fn join(&mut self, id: Id) {
        if self.contains(id) {
            return;
        }
        let before = self.ends.map(|ends| ends.last);
        self.put(id, Place::In { before, after: None });
        if let Some(Place::In { after, .. }) = before.and_then(|last| self.place(last)) {
            *after = Some(id);
        }
        let first = self.first().unwrap_or(id);
        self.ends = Some(Ends { first, last: id });
    }

    /// Takes a channel out, wherever it stands.
    pub(super) fn leave(&mut self, id: Id) {
        let Some(&Place::In { before, after }) = self.places.get(id.slot()) else {
            return;
        };
        self.put(id, Place::Out);
        if let Some(Place::In { after: link, .. }) = before.and_then(|it| self.place(it)) {
            *link = after;
        }
        if let Some(Place::In { before: link, .. }) = after.and_then(|it| self.place(it)) {
            *link = before;
        }
        self.ends = self.ends.and_then(|ends| {
            let first = if ends.first == id { after } else { Some(ends.first) };
            let last = if ends.last == id { before } else { Some(ends.last) };
            Some(Ends { first: first?, last: last? })
        });
    }

    /// Takes the first channel out.
    pub(super) fn serve(&mut self) -> Option<Id> {
        let id = self.first()?;
        self.leave(id);
        Some(id)
    }

    fn place(&mut self, id: Id) -> Option<&mut Place> {
        self.places.get_mut(id.slot())
    }

    fn put(&mut self, id: Id, place: Place) {
        let slot = id.slot();
        if self.places.len() <= slot {
            self.places.resize(slot.saturating_add(1), Place::Out);
        }
        if let Some(it) = self.places.get_mut(slot) {
            *it = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn id(number: u32) -> Id {
        Id::new(number, NonZeroU32::MIN)
    }

    proptest! {
        #[test]
        fn a_line_behaves_as_a_queue_without_duplicates(
            operations in proptest::collection::vec((0_u8..3, 0_u32..6), 0..60),
        ) {
            let mut line = Line::default();
            let mut model: VecDeque<Id> = VecDeque::new();
            for (operation, number) in operations {
                let id = id(number);
                match operation {
                    0 => {
                        line.join(id);
                        if !model.contains(&id) {
                            model.push_back(id);
                        }
                    }
                    1 => {
                        line.leave(id);
                        model.retain(|it| *it != id);
                    }
                    _ => prop_assert_eq!(line.serve(), model.pop_front()),
                }
                prop_assert_eq!(line.first(), model.front().copied());
                prop_assert_eq!(line.is_empty(), model.is_empty());
                prop_assert_eq!(line.contains(id), model.contains(&id));
            }
            while let Some(id) = line.serve() {
                prop_assert_eq!(Some(id), model.pop_front());
            }
            prop_assert!(model.is_empty());
        }
    }
}
