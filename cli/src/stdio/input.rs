//! Standard input, read on a thread of its own.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::thread;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc;

/// How much is read at a time: what a pipe holds.
const CHUNK: usize = 64 * 1024;

/// How many chunks may be under way to whoever takes them.
const UNDER_WAY: usize = 2;

/// Standard input, read on a thread of its own, ahead by a few chunks.
#[derive(Debug)]
pub(crate) struct Input {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
}

impl Input {
    /// Takes standard input: nothing else in this process can read it from then on.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn take() -> io::Result<Self> {
        let file = File::from(rustix::stdio::stdin().try_clone_to_owned()?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let (hand, chunks) = mpsc::channel(UNDER_WAY);
        thread::Builder::new().name("stdin".to_owned()).spawn(move || feed(file, &hand))?;
        Ok(Self { chunks })
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
fn feed(mut file: File, hand: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let chunk = match file.read(&mut buffer) {
            Ok(0) => return,
            // Copied, so that a few bytes pin no more than themselves.
            Ok(len) => buffer.get(..len).map(Bytes::copy_from_slice).ok_or_else(wrong),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Whoever shares the descriptor has it so.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => match wait(&file) {
                Ok(()) => continue,
                Err(error) => Err(error),
            },
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

/// Waits until there is something to read.
fn wait(file: &File) -> io::Result<()> {
    poll(&mut [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)], None)?;
    Ok(())
}
