//! Why a program at the server did not run to its end.

use std::io;

use adit_channels::session::OpenError;

use crate::failure::{Exit, Failure};

/// Why a program at the server did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// There is no channel for it.
    #[error("no session: {0}")]
    Opening(OpenError),
    /// The server refuses to run it.
    #[error("the server refuses {0}")]
    Refused(&'static str),
    /// The channel broke, with the connection.
    #[error("{0}")]
    Channel(io::Error),
    /// The streams here cannot be used.
    #[error("standard input and output cannot be used: {0}")]
    Ends(io::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let exit = match fault {
            Fault::Channel(_) | Fault::Opening(OpenError::Ended(_)) => Exit::Lost,
            _ => Exit::Other,
        };
        Self::new(exit, fault)
    }
}
