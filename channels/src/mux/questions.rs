//! What the peer asks.

use std::collections::VecDeque;

use crate::mux::limits::Limits;
use crate::mux::load::Load;
use crate::mux::looked::Looked;
use crate::mux::owed::{Owed, Ticket};
use crate::mux::request::Request;

/// Something that a peer can ask.
pub(super) trait Question {
    /// What an answer says.
    type Answer;

    /// The answer to what nobody knows.
    const REFUSED: Self::Answer;

    /// How much memory it holds beside its own size.
    fn weight(&self) -> usize;

    /// The same with memory of its own, so that it does not pin the buffer that its message
    /// came in.
    fn detached(self) -> Self;
}

/// Questions of the peer and the answers to them.
#[derive(Debug)]
pub(super) struct Questions<K: Question> {
    /// Not taken by the user.
    asked: VecDeque<Request<K>>,
    owed: Owed<K::Answer>,
    looked: Looked,
}

/// Who is to answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addressee {
    User,
    Nobody,
}

/// Whether the user is to be told that there is a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Tell,
    Quiet,
}

/// The peer goes on asking while this many answers are owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany(pub(super) usize);

impl<K: Question> Default for Questions<K> {
    fn default() -> Self {
        Self { asked: VecDeque::new(), owed: Owed::default(), looked: Looked::default() }
    }
}

impl<K: Question> Questions<K> {
    /// Takes a question in, while not more than `max_owed` answers are owed. What the user
    /// is not to decide is refused here and now, and so is what there is no memory for:
    /// nobody's slowness holds up an answer.
    pub(super) fn handle(
        &mut self,
        (kind, want_reply): (K, bool),
        addressee: Addressee,
        max_owed: usize,
        limits: &Limits,
        load: &mut Load,
    ) -> Result<Notice, TooMany> {
        if want_reply && self.owed.len() >= max_owed {
            return Err(TooMany(max_owed));
        }
        let requests = load.requests.saturating_add(weight(&kind));
        if addressee == Addressee::Nobody || requests > limits.request_budget {
            if want_reply {
                self.owed.settle(K::REFUSED);
            }
            return Ok(Notice::Quiet);
        }
        load.requests = requests;
        let ticket = want_reply.then(|| self.owed.ask());
        self.asked.push_back(Request { kind: kind.detached(), ticket });
        Ok(if self.looked.tell() { Notice::Tell } else { Notice::Quiet })
    }

    /// The oldest question that the user has not taken.
    pub(super) fn next(&mut self, load: &mut Load) -> Option<Request<K>> {
        let Some(request) = self.asked.pop_front() else {
            self.looked = Looked::InVain;
            return None;
        };
        load.requests = load.requests.saturating_sub(weight(&request.kind));
        Some(request)
    }

    pub(super) fn answer(&mut self, ticket: Ticket, answer: K::Answer) {
        self.owed.answer(ticket, answer);
    }

    pub(super) fn has_answer(&self) -> bool {
        self.owed.is_ready()
    }

    /// The next answer to send.
    pub(super) fn poll_answer(&mut self) -> Option<K::Answer> {
        self.owed.poll()
    }

    /// Drops the answers: the peer does not wait for them any more.
    pub(super) fn hush(&mut self) {
        self.owed = Owed::default();
    }

    /// Drops the questions that the user has not taken.
    pub(super) fn clear(&mut self, load: &mut Load) {
        while self.next(load).is_some() {}
    }
}

fn weight<K: Question>(kind: &K) -> usize {
    kind.weight().saturating_add(size_of::<Request<K>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A question of this weight.
    struct Ask(usize);

    impl Question for Ask {
        type Answer = char;
        const REFUSED: char = '-';
        fn weight(&self) -> usize {
            self.0
        }
        fn detached(self) -> Self {
            self
        }
    }

    #[derive(Default)]
    struct Asked {
        questions: Questions<Ask>,
        load: Load,
    }

    impl Asked {
        fn handle(&mut self, ask: (Ask, bool), addressee: Addressee) -> Result<Notice, TooMany> {
            self.questions.handle(ask, addressee, 100, &Limits::default(), &mut self.load)
        }

        fn next(&mut self) -> Option<Request<Ask>> {
            self.questions.next(&mut self.load)
        }
    }

    #[test]
    fn what_nobody_knows_is_refused_in_its_place() {
        let mut it = Asked::default();
        assert_eq!(it.handle((Ask(1), true), Addressee::User), Ok(Notice::Tell));
        assert_eq!(it.handle((Ask(1), true), Addressee::Nobody), Ok(Notice::Quiet));
        assert!(!it.questions.has_answer());
        let ticket = it.next().unwrap().ticket.unwrap();
        it.questions.answer(ticket, 'a');
        assert_eq!(it.questions.poll_answer(), Some('a'));
        assert_eq!(it.questions.poll_answer(), Some('-'));
        assert_eq!(it.questions.poll_answer(), None);
        assert_eq!(it.load, Load::default());
    }

    #[test]
    fn what_wants_no_reply_gets_none() {
        let mut it = Asked::default();
        it.handle((Ask(1), false), Addressee::Nobody).unwrap();
        it.handle((Ask(1), false), Addressee::User).unwrap();
        assert_eq!(it.next().unwrap().ticket, None);
        assert!(!it.questions.has_answer());
    }

    #[test]
    fn the_user_is_told_once_until_it_has_looked() {
        let mut it = Asked::default();
        assert_eq!(it.handle((Ask(1), false), Addressee::User), Ok(Notice::Tell));
        assert_eq!(it.handle((Ask(1), false), Addressee::User), Ok(Notice::Quiet));
        while it.next().is_some() {}
        assert_eq!(it.handle((Ask(1), false), Addressee::User), Ok(Notice::Tell));
    }

    #[test]
    fn a_peer_that_does_not_wait_for_answers_is_stopped() {
        let mut it = Asked::default();
        for _ in 0..100 {
            assert_eq!(it.handle((Ask(1), true), Addressee::Nobody), Ok(Notice::Quiet));
        }
        assert_eq!(it.handle((Ask(1), true), Addressee::Nobody), Err(TooMany(100)));
        assert_eq!(it.handle((Ask(1), false), Addressee::Nobody), Ok(Notice::Quiet));
    }

    #[test]
    fn questions_that_nobody_takes_are_refused_when_the_memory_is_used_up() {
        let mut it = Asked::default();
        let weight = Limits::default().request_budget / 10;
        for _ in 0..50 {
            it.handle((Ask(weight), true), Addressee::User).unwrap();
            assert!(it.load.requests <= Limits::default().request_budget);
        }
        assert_eq!((it.questions.asked.len(), it.questions.owed.len()), (9, 50));
        it.questions.clear(&mut it.load);
        assert_eq!(it.load, Load::default());
    }
}
