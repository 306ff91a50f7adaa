//! Standard input, read on a thread of its own.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::mpsc;

/// How much is read at a time: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// How many chunks may be under way to whoever takes them.
const UNDER_WAY: usize = 2;

/// Standard input, read on a thread of its own, ahead by a few chunks. Once this is dropped,
/// nothing more is read: it may be another's turn.
#[derive(Debug)]
pub(crate) struct Input {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    /// Closed with this, which the thread sees.
    _held: OwnedFd,
}

impl Input {
    /// Takes standard input: nothing else in this process can read it from then on.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn take() -> io::Result<Self> {
        let input = rustix::stdio::stdin().try_clone_to_owned()?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        Self::of(input)
    }

    /// Reads a descriptor.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn of(input: OwnedFd) -> io::Result<Self> {
        let (released, held) = pipe_with(PipeFlags::CLOEXEC)?;
        let (hand, chunks) = mpsc::channel(UNDER_WAY);
        let file = File::from(input);
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || feed(file, &released, &hand))?;
        Ok(Self { chunks, _held: held })
    }

    /// The next bytes; `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.chunks.recv().await.transpose()
    }
}

/// Reads to the end, or until nobody takes any more.
fn feed(mut file: File, released: &OwnedFd, hand: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let chunk = match wait(&file, released) {
            Ok(Wait::Released) => return,
            Ok(Wait::Ready) => file.read(&mut buffer),
            Err(error) => Err(error),
        };
        let chunk = match chunk {
            Ok(0) => return,
            // Copied, so that a few bytes pin no more than themselves.
            Ok(len) => buffer.get(..len).map(Bytes::copy_from_slice).ok_or_else(wrong),
            // Another may have been faster, where the descriptor is shared and does not block.
            Err(error) if is_passing(&error) => continue,
            Err(error) => Err(error),
        };
        let end = chunk.is_err();
        if hand.blocking_send(chunk).is_err() || end {
            return;
        }
    }
}

fn wrong() -> io::Error {
    io::Error::other("more was read than there is room for")
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

/// What was waited for.
enum Wait {
    /// There is something to read, or an end, or an error.
    Ready,
    /// Nobody takes any more.
    Released,
}

/// Waits until there is something to read, or nobody takes any more.
fn wait(file: &File, released: &OwnedFd) -> io::Result<Wait> {
    let mut both = [
        PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(released.as_fd(), PollFlags::IN),
    ];
    poll(&mut both, None)?;
    let [_, released] = &both;
    Ok(if released.revents().is_empty() { Wait::Ready } else { Wait::Released })
}
