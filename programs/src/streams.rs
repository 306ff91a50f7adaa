//! The ends of a program's descriptors that stay here.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::orders::STREAMS;
use crate::terminal::Terminal;

/// The ends of a program's descriptors that stay here.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) input: pipe::Sender,
    pub(crate) output: pipe::Receiver,
    /// A terminal has none.
    pub(crate) errors: Option<pipe::Receiver>,
}

/// The ends that go to the program.
#[derive(Debug)]
pub(crate) struct Far([OwnedFd; STREAMS]);

impl Streams {
    /// Three pipes. Their descriptors are not passed on to programs by accident.
    pub(crate) fn pipes() -> io::Result<(Self, Far)> {
        let (input_far, input) = pipe_with(PipeFlags::CLOEXEC)?;
        let (output, output_far) = pipe_with(PipeFlags::CLOEXEC)?;
        let (errors, errors_far) = pipe_with(PipeFlags::CLOEXEC)?;
        let near = Self {
            input: pipe::Sender::from_owned_fd(input)?,
            output: pipe::Receiver::from_owned_fd(output)?,
            errors: Some(pipe::Receiver::from_owned_fd(errors)?),
        };
        Ok((near, Far([input_far, output_far, errors_far])))
    }

    /// A terminal for all three.
    pub(crate) fn terminal(terminal: &Terminal) -> io::Result<(Self, Far)> {
        let near = Self { input: terminal.sender()?, output: terminal.receiver()?, errors: None };
        Ok((near, Far([terminal.open()?, terminal.open()?, terminal.open()?])))
    }
}

impl Far {
    /// The descriptors, in the order of their numbers.
    pub(crate) fn borrow(&self) -> [BorrowedFd<'_>; STREAMS] {
        self.0.each_ref().map(AsFd::as_fd)
    }
}

/// Reads what there is; nothing is the end.
pub(crate) async fn read(output: &mut pipe::Receiver, into: &mut [u8]) -> io::Result<usize> {
    match output.read(into).await {
        // A terminal whose last user has gone says so by an error.
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(0),
        read => read,
    }
}
