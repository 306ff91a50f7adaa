//! Answers that are owed to the peer.

use std::collections::VecDeque;

/// Answers in the order of the questions. The protocol names no question in its answer, so
/// one that is decided early waits for those before it.
#[derive(Debug)]
pub(super) struct Owed<A> {
    /// The ticket of the first.
    first: u64,
    answers: VecDeque<Option<A>>,
}

/// Names a question of the peer that waits for an answer of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

impl<A> Default for Owed<A> {
    fn default() -> Self {
        Self { first: 0, answers: VecDeque::new() }
    }
}

impl<A> Owed<A> {
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    /// A question whose answer is to come.
    pub(super) fn ask(&mut self) -> Ticket {
        let place = u64::try_from(self.answers.len()).unwrap_or(u64::MAX);
        self.answers.push_back(None);
        Ticket(self.first.saturating_add(place))
    }

    /// A question that has its answer already.
    pub(super) fn settle(&mut self, answer: A) {
        self.answers.push_back(Some(answer));
    }

    /// Answers a question. A second answer is ignored.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: A) {
        let place = ticket.0.checked_sub(self.first).and_then(|it| usize::try_from(it).ok());
        if let Some(slot @ None) = place.and_then(|place| self.answers.get_mut(place)) {
            *slot = Some(answer);
        }
    }

    /// Whether the next answer is decided.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.answers.front(), Some(Some(_)))
    }

    /// The next answer, where it is decided.
    pub(super) fn poll(&mut self) -> Option<A> {
        if !self.is_ready() {
            return None;
        }
        self.first = self.first.saturating_add(1);
        let answer = self.answers.pop_front().flatten();
        if self.answers.is_empty() {
            self.answers = VecDeque::new();
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_keep_the_order_of_the_questions() {
        let mut owed = Owed::default();
        let first = owed.ask();
        owed.settle('b');
        let third = owed.ask();
        owed.answer(third, 'c');
        assert_eq!((owed.poll(), owed.len()), (None, 3));
        owed.answer(first, 'a');
        assert_eq!([owed.poll(), owed.poll(), owed.poll()], [Some('a'), Some('b'), Some('c')]);
        assert_eq!((owed.poll(), owed.len()), (None, 0));
    }

    #[test]
    fn a_question_is_answered_once() {
        let mut owed = Owed::default();
        let ticket = owed.ask();
        owed.answer(ticket, 'a');
        owed.answer(ticket, 'b');
        assert_eq!(owed.poll(), Some('a'));
        owed.ask();
        owed.answer(ticket, 'c');
        assert_eq!(owed.poll(), None);
    }
}
