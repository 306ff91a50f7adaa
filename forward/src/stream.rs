//! What is carried: byte streams in both directions.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle as Runtime;

use crate::buffer::{self, Appetite};

/// A byte stream in both directions, each of which ends for itself.
///
/// Who implements it promises, beyond [`AsyncRead`] and [`AsyncWrite`]:
/// - `poll_shutdown` ends the direction that is written, and leaves the other open.
/// - A read of nothing is the clean end of the other side's words. A connection that broke
///   is an error, after what had arrived before was read.
/// - Dropping a stream before both directions have ended is a reset: where its protocol can
///   say so, the other side gets an error and never a clean end that did not happen.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The next bytes in one piece, no more than the appetite is unless they are in one already;
    /// `None` is the end. A stream that has its bytes in memory hands them out without a copy.
    ///
    /// # Errors
    /// As for reading.
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        appetite: Appetite,
    ) -> Poll<io::Result<Option<Bytes>>>
    where
        Self: Sized,
    {
        buffer::poll_chunk(cx, self, appetite)
    }

    /// Another chunk, where one is at hand in memory; `None` tells nothing of those to come.
    fn next_chunk(&mut self) -> Option<Bytes> {
        None
    }

    /// Writes from `chunk`, takes what was written off it, and says how much that was. A stream
    /// that keeps bytes in memory keeps them without a copy.
    ///
    /// # Errors
    /// As for writing.
    fn poll_write_chunk(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Bytes,
    ) -> Poll<io::Result<usize>>
    where
        Self: Sized,
    {
        let written = ready!(Pin::new(self).poll_write(cx, chunk))?;
        chunk.advance(written);
        Poll::Ready(Ok(written))
    }

    /// Ready when it is known that the other side takes nothing any more, whatever is written.
    ///
    /// It is asked only after the end of what the other side says was read: a protocol may tell
    /// this later than that, and to nobody who has nothing to write. One that cannot tell is
    /// never ready.
    fn poll_deaf(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Pending
    }

    /// Makes dropping it no reset where only the direction that is read has not ended: nobody
    /// wants to know what the other side has to say.
    fn forgo(&mut self) {}

    /// The runtime whose threads the stream's own work is done on, where that is known: what is
    /// joined to it is best moved by the same.
    fn home(&self) -> Option<&Runtime> {
        None
    }

    /// Has the runtime that this is called on tell when the stream is ready, in place of the one that
    /// it was made on.
    ///
    /// # Errors
    /// Where the system cannot; the stream is dropped then.
    fn settle(self) -> io::Result<Self>
    where
        Self: Sized,
    {
        Ok(self)
    }

    /// The program at the other end sends small segments at once, so that it need not be told
    /// soon what was received.
    fn is_sent_at_once(&mut self) {}
}
