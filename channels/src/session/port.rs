//! One stream of a channel, polled.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;

use crate::mux::id::Id;
use crate::mux::stream::{Broken, Stream, Taken};
use crate::session::shared::Member;
use crate::session::state::State;
use crate::session::waiters::{Seat, Waiter};

/// One stream of a channel, as its only user polls it.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) member: Member,
    pub(super) id: Id,
    stream: Stream,
    /// Taken from the mux, and not read yet.
    chunk: Bytes,
    /// The length of the whole chunk, which is consumed when its last byte is read.
    taken: usize,
}

/// Writes of this length or more are copied before the lock is taken; shorter ones behind
/// what is there already, so that they share a message.
const COPY_FIRST: usize = 16 * 1024;
/// So much is copied before the lock is taken.
const COPY_MAX: usize = 64 * 1024;

impl Port {
    pub(super) fn new(member: Member, id: Id, stream: Stream) -> Self {
        Self { member, id, stream, chunk: Bytes::new(), taken: 0 }
    }

    /// The next piece of the stream, consumed with that; `None` is its end.
    pub(super) fn poll_chunk(&mut self, cx: &Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        ready!(self.fill(cx))?;
        let chunk = std::mem::take(&mut self.chunk);
        self.consume();
        Poll::Ready(Ok(Some(chunk).filter(|chunk| !chunk.is_empty())))
    }

    /// Another piece of the stream, consumed with that, where one has come already.
    pub(super) fn next_chunk(&mut self) -> Option<Bytes> {
        if self.chunk.has_remaining() {
            self.consume();
            return Some(std::mem::take(&mut self.chunk));
        }
        let (id, stream) = (self.id, self.stream);
        self.member.act(|state| match state.mux.take(id, stream) {
            Taken::Data(chunk) => {
                state.mux.consume(id, chunk.len());
                Some(chunk)
            }
            Taken::Nothing | Taken::End | Taken::Reset => None,
        })
    }

    /// Copies the next bytes of the stream; none are its end.
    pub(super) fn poll_read(
        &mut self,
        cx: &Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        ready!(self.fill(cx))?;
        let piece = self.chunk.split_to(self.chunk.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !self.chunk.has_remaining() {
            self.consume();
        }
        Poll::Ready(Ok(()))
    }

    /// Gets a chunk where there is none; without one afterwards, the stream is at its end.
    fn fill(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.chunk.has_remaining() {
            return Poll::Ready(Ok(()));
        }
        let (id, stream) = (self.id, self.stream);
        let seat = self.reader();
        let mut state = self.member.lock();
        match state.mux.take(id, stream) {
            Taken::Data(chunk) => {
                self.taken = chunk.len();
                self.chunk = chunk;
                Poll::Ready(Ok(()))
            }
            Taken::Nothing => {
                state.wait(id, seat, cx);
                Poll::Pending
            }
            Taken::End => Poll::Ready(Ok(())),
            Taken::Reset => Poll::Ready(Err(reset(&state))),
        }
    }

    fn reader(&self) -> fn(&mut Waiter) -> &mut Seat {
        match self.stream {
            Stream::Main => |it| &mut it.read,
            Stream::Stderr => |it| &mut it.stderr,
        }
    }

    /// Gives the credit for the chunk.
    fn consume(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if taken > 0 {
            self.member.act(|state| state.mux.consume(self.id, taken));
        }
    }

    /// Has bytes accepted, and says how many.
    pub(super) fn poll_write(&mut self, cx: &Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if data.len() >= COPY_FIRST {
            let room = self.member.lock().mux.room(self.id).unwrap_or(0);
            if room >= COPY_FIRST {
                let len = data.len().min(room).min(COPY_MAX);
                let (data, _) = data.split_at_checked(len).unwrap_or((data, &[]));
                return self.poll_write_chunk(cx, &mut Bytes::copy_from_slice(data));
            }
        }
        self.write(cx, data.len(), |state, id, stream| state.mux.write(id, stream, data))
    }

    /// Has bytes accepted, takes them off `chunk`, and says how many.
    pub(super) fn poll_write_chunk(
        &mut self,
        cx: &Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>> {
        let len = chunk.len();
        self.write(cx, len, |state, id, stream| state.mux.write_chunk(id, stream, chunk))
    }

    fn write(
        &mut self,
        cx: &Context<'_>,
        len: usize,
        write: impl FnOnce(&mut State, Id, Stream) -> Result<usize, Broken>,
    ) -> Poll<io::Result<usize>> {
        let (id, stream) = (self.id, self.stream);
        self.member.act(|state| match write(state, id, stream) {
            Ok(0) if len > 0 => {
                state.wait(id, |it| &mut it.write, cx);
                Poll::Pending
            }
            Ok(accepted) => Poll::Ready(Ok(accepted)),
            Err(broken) => Poll::Ready(Err(broken_pipe(state, broken))),
        })
    }
}

/// Why there is no more to be read, where the end of the file was not told.
fn reset(state: &State) -> io::Error {
    match state.cause() {
        Some(cause) => cause.into(),
        None => {
            let words = "the peer closed the channel before the end of the file";
            io::Error::new(io::ErrorKind::ConnectionReset, words)
        }
    }
}

/// Why nothing can be written.
pub(super) fn broken_pipe(state: &State, broken: Broken) -> io::Error {
    match state.cause() {
        Some(cause) => cause.into(),
        None => io::Error::new(io::ErrorKind::BrokenPipe, broken),
    }
}
