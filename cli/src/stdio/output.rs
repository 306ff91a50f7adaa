//! Standard output, written on a thread of its own.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{Shutdown, shutdown};
use tokio::sync::{mpsc, oneshot};

/// How many chunks may be under way to the thread.
const UNDER_WAY: usize = 2;

/// Standard output, written on a thread of its own.
#[derive(Debug)]
pub(crate) struct Output {
    /// None once it is finished.
    chunks: Option<mpsc::Sender<Bytes>>,
    /// How the thread ended.
    ended: oneshot::Receiver<io::Result<()>>,
}

/// How an output ends that is a socket, and may stand for other streams too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The other side of the socket is told.
    Shutdown,
    /// Only the descriptor is closed.
    Close,
}

impl Output {
    /// Takes standard output: nothing else in this process can write to it from then on.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn take() -> io::Result<Self> {
        let output = rustix::stdio::stdout().try_clone_to_owned()?;
        rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        Self::of(output, Ending::Shutdown)
    }

    /// Writes to a descriptor.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn of(output: OwnedFd, ending: Ending) -> io::Result<Self> {
        let file = File::from(output);
        let (chunks, taken) = mpsc::channel(UNDER_WAY);
        let (tell, ended) = oneshot::channel();
        thread::Builder::new().name("stdout".to_owned()).spawn(move || {
            // Whoever has gone does not want to know.
            let _ = tell.send(drain(file, taken, ending));
        })?;
        Ok(Self { chunks: Some(chunks), ended })
    }

    /// Writes behind what is under way; waits for room.
    ///
    /// # Errors
    /// Where an earlier write failed.
    pub(crate) async fn write(&mut self, chunk: Bytes) -> io::Result<()> {
        match &self.chunks {
            Some(chunks) if chunks.send(chunk).await.is_ok() => Ok(()),
            _ => self.end().await,
        }
    }

    /// Closes it behind all that was written, and waits for that.
    ///
    /// # Errors
    /// Where a write failed.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.chunks = None;
        self.end().await
    }

    async fn end(&mut self) -> io::Result<()> {
        (&mut self.ended).await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

/// Writes all that comes, and then closes.
fn drain(mut file: File, mut chunks: mpsc::Receiver<Bytes>, ending: Ending) -> io::Result<()> {
    while let Some(chunk) = chunks.blocking_recv() {
        write_all(&mut file, &chunk)?;
    }
    // A socket may be standard input as well, so that closing one of the two ends nothing. All
    // else is no socket, and closed by what follows.
    if ending == Ending::Shutdown {
        let _ = shutdown(&file, Shutdown::Write);
    }
    Ok(())
}

fn write_all(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => bytes = bytes.get(len..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whoever shares the descriptor has it so.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
