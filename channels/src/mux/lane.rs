//! Turns among the channels of one class.

use crate::mux::id::Id;
use crate::mux::line::Line;

/// The channels of one class that have data to send, in the order of their turns.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Those with little, which have not been served yet.
    first: Line,
    /// All others.
    round: Line,
    /// What other classes have sent while this one waited, less what it was served for that.
    passed: u64,
}

impl Lane {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.round.is_empty()
    }

    pub(super) fn contains(&self, id: Id) -> bool {
        self.first.contains(id) || self.round.contains(id)
    }

    /// Lets a channel wait ahead of those in the round.
    pub(super) fn join_first(&mut self, id: Id) {
        self.first.join(id);
    }

    /// Lets a channel wait at the end of the round.
    pub(super) fn join_round(&mut self, id: Id) {
        self.round.join(id);
    }

    /// The channel whose turn it is.
    pub(super) fn turn(&self) -> Option<Id> {
        self.first.first().or_else(|| self.round.first())
    }

    /// Whether a channel waits ahead of the round.
    pub(super) fn is_first(&self, id: Id) -> bool {
        self.first.contains(id)
    }

    /// Takes a channel out.
    pub(super) fn leave(&mut self, id: Id) {
        self.first.leave(id);
        self.round.leave(id);
        if self.is_empty() {
            self.passed = 0;
        }
    }

    /// A channel goes to the end of the round, wherever it stands.
    pub(super) fn step_back(&mut self, id: Id) {
        self.first.leave(id);
        self.round.leave(id);
        self.round.join(id);
    }

    /// Another class has sent so many bytes. It counts while somebody waits here.
    pub(super) fn pass(&mut self, len: u64) {
        if !self.is_empty() {
            self.passed = self.passed.saturating_add(len);
        }
    }

    /// What other classes have sent while this one waited.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// This class was served for so many bytes of others.
    pub(super) fn settle(&mut self, len: u64) {
        self.passed = self.passed.saturating_sub(len);
    }
}
