//! The descriptors that the streams of a program are joined to.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::session::traffic::Traffic;

/// The descriptors that the streams of a program are joined to.
#[derive(Debug)]
pub(crate) struct Ends {
    /// What it reads; nothing where that is at its end from the start.
    pub(crate) input: Option<OwnedFd>,
    /// What it says.
    pub(crate) output: OwnedFd,
    /// What it says to standard error.
    pub(crate) error: OwnedFd,
    /// Who counts what goes through them.
    pub(crate) traffic: Traffic,
}

/// Whether standard input is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It is.
    Read,
    /// It is left alone.
    Null,
}

impl Ends {
    /// Takes those of this process, with another standard error where one is given. Its standard input and output are empty from then on; what it
    /// says by itself still goes to standard error.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn take(reading: Reading, error: Option<OwnedFd>) -> io::Result<Self> {
        let input = match reading {
            Reading::Read => {
                let input = owned(rustix::stdio::stdin())?;
                rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
                Some(input)
            }
            Reading::Null => None,
        };
        let output = owned(rustix::stdio::stdout())?;
        rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        let error = match error {
            Some(error) => error,
            None => owned(rustix::stdio::stderr())?,
        };
        Ok(Self { input, output, error, traffic: Traffic::default() })
    }
}

fn owned(of: impl AsFd) -> io::Result<OwnedFd> {
    of.as_fd().try_clone_to_owned()
}
