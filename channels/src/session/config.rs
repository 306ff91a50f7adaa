//! How a session runs.

use std::time::Duration;

use crate::mux::limits::Limits;

/// How a session runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What its mux may use.
    pub limits: Limits,
    /// How many bytes may wait in the pipe before no more is taken from the mux, where the pipe
    /// takes all at once; where it does not, it is 64 KiB at most. What is in the pipe has its
    /// place: the smaller this is, the sooner a small message passes the bulk of other channels;
    /// too small and each write to the socket carries too little.
    pub backlog: usize,
    /// How many messages are moved in one direction before it is the other's turn, and,
    /// after two turns, that of other tasks. It bounds how long a task on the same thread
    /// waits for the driver: each message may have to be sealed or opened.
    pub burst: usize,
    /// How long the last words to the peer may take when the session ends.
    pub linger: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            backlog: 512 * 1024,
            burst: 16,
            linger: Duration::from_secs(1),
        }
    }
}

impl Config {
    /// The same with what would stand still removed: no room in the pipe, no message moved.
    pub(super) fn settled(mut self) -> Self {
        self.backlog = self.backlog.max(1);
        self.burst = self.burst.max(1);
        self
    }
}
