//! A conversation that led to no target.

use std::io;

use crate::conversation::Unheard;
use crate::proxy::fault::Fault;

/// A conversation that led to no target.
#[derive(Debug)]
pub(super) enum Rejection {
    /// The client is gone.
    Lost(io::Error),
    /// It speaks no protocol in which it could be told anything.
    Untold(Fault),
    /// It is told so, by these words, and let go.
    Told(Vec<u8>, Fault),
}

impl Rejection {
    /// What to tell a client that was not understood.
    pub(super) fn of<F: Into<Fault> + Copy, W: Into<Vec<u8>>>(
        unheard: Unheard<F>,
        words: impl FnOnce(F) -> W,
    ) -> Self {
        match unheard {
            Unheard::Lost(error) => Self::Lost(error),
            Unheard::Wrong(fault) => Self::Told(words(fault).into(), fault.into()),
        }
    }
}

impl From<io::Error> for Rejection {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}
