//! Going to the background.
//!
//! A process that has threads cannot be split in two, so this program is started again, with the
//! same words and what it has open, and keeps the terminal for its questions. Once it says that it
//! is ready, whoever started it ends.
//!
//! ```text
//!  in front      start --------- waits -----------> ends, or goes on
//!                   \                      ^
//!  behind            '--> enters --> leaves terminal, goes on
//! ```
//!
//! What it says so by is a socket in the place of its standard input, which nobody in the background
//! reads.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

use rustix::process::setsid;

/// This program, as the system knows it, whatever it was called by.
const SELF: &str = "/proc/self/exe";

/// What is said by whoever is ready.
const READY: &[u8] = b".";

/// What became of a process in the background.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is ready, and goes on.
    Ready,
    /// It has ended before.
    Ended(ExitStatus),
}

/// Starts this program with these words, and waits until it is ready or has ended. `error` is
/// its standard error; its standard output is that of this process.
///
/// # Errors
/// Where it cannot be started.
pub(crate) fn start(words: &[OsString], error: OwnedFd) -> io::Result<Begun> {
    let (mut here, there) = UnixStream::pair()?;
    let mut command = Command::new(SELF);
    command.arg0("adit").args(words).stdin(OwnedFd::from(there)).stderr(error);
    let mut child = command.spawn()?;
    // It holds the other end of the socket.
    drop(command);
    let mut said = Vec::new();
    here.by_ref().take(1).read_to_end(&mut said)?;
    if said == READY { Ok(Begun::Ready) } else { child.wait().map(Begun::Ended) }
}

/// Whoever waits in front for this process to be ready.
#[derive(Debug)]
pub(crate) struct Front(OwnedFd);

/// Whether a process in the background still says something on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// It does.
    Kept,
    /// It does not.
    Lost,
}

impl Front {
    /// Takes it from standard input, which is empty from then on.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn take() -> io::Result<Self> {
        let socket = rustix::stdio::stdin().try_clone_to_owned()?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        Ok(Self(socket))
    }

    /// Leaves the terminal and the standard streams, and tells that all is ready.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn leave(self, voice: Voice) -> io::Result<()> {
        setsid()?;
        let null = File::options().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdout(&null)?;
        if voice == Voice::Lost {
            rustix::stdio::dup2_stderr(&null)?;
        }
        match rustix::io::write(&self.0, READY) {
            // Whoever has ended meanwhile waits no more.
            Ok(_) | Err(rustix::io::Errno::PIPE) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
