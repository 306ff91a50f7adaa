//! What a mux has carried.

/// What a mux has carried since it was made, in bytes of data, those of all its channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Given to the pipe.
    pub sent: u64,
    /// Taken from the pipe.
    pub received: u64,
}

impl Traffic {
    /// Both together.
    pub fn sum(self) -> u64 {
        self.sent.saturating_add(self.received)
    }

    pub(super) fn count_sent(&mut self, len: usize) {
        self.sent = self.sent.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }

    pub(super) fn count_received(&mut self, len: usize) {
        self.received = self.received.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }
}
