//! One direction of a pipe.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio_util::io::poll_write_buf;

use crate::buffer::Appetite;
use crate::pipe::chunks::Chunks;
use crate::pipe::meter::Count;
use crate::stream::Stream;

/// Chunks that one direction moves before it lets others have the thread.
const TURNS: usize = 8;

/// Beyond so many bytes no more chunks are gathered for one write: two of the largest segments of
/// TCP, each of which goes through the system by itself.
const GATHER: usize = 128 * 1024;

/// One direction of a pipe.
///
/// ```text
///        .-- something: write it all --.
///        v                             |
///     Carrying --------- read ---------'
///        |                 |
///   distrust_end        nothing
///        |                 v
///        |             Finishing -- shut down the writer --> Finished
///        v                                                      ^
///     LastWords -- read, as before, until there is nothing -----'
/// ```
#[derive(Debug, Default)]
pub(super) struct Half {
    /// What was read and is not written yet.
    chunks: Chunks,
    /// How much the next read takes.
    appetite: Appetite,
    flush: Flush,
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Carrying,
    /// The end will not be a clean one, even if it looks like it.
    LastWords,
    Finishing,
    Finished,
}

/// Whether the writer may still hold on to something that was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Flush {
    #[default]
    Done,
    Due,
}

/// Which of its two streams failed a direction.
#[derive(Debug)]
pub(super) enum Fault {
    Read(io::Error),
    Write(io::Error),
}

impl Half {
    /// Carries as much as can be: ready once it has ended.
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        count: &Count,
    ) -> Poll<Result<(), Fault>>
    where
        R: Stream,
        W: Stream,
    {
        for _ in 0..TURNS {
            ready!(self.poll_write(cx, to, count)).map_err(Fault::Write)?;
            match self.state {
                State::Carrying | State::LastWords => match self.poll_read(cx, from, to) {
                    Poll::Ready(read) => read.map_err(Fault::Read)?,
                    Poll::Pending => {
                        self.flush(cx, to).map_err(Fault::Write)?;
                        return Poll::Pending;
                    }
                },
                State::Finishing => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Fault::Write)?;
                    self.state = State::Finished;
                }
                State::Finished => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Makes that an end which has not been read so far is not handed on.
    pub(super) fn distrust_end(&mut self) {
        if self.state == State::Carrying {
            self.state = State::LastWords;
        }
    }

    /// Whether all that was read is written.
    pub(super) fn is_empty(&self) -> bool {
        !self.chunks.has_remaining()
    }

    /// How many bytes it holds.
    #[cfg(test)]
    pub(super) fn holds(&self) -> usize {
        self.chunks.remaining()
    }

    /// Writes what was read.
    fn poll_write<W: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        count: &Count,
    ) -> Poll<io::Result<()>> {
        while self.chunks.has_remaining() {
            let written = match self.chunks.single() {
                Some(chunk) => ready!(to.poll_write_chunk(cx, chunk))?,
                None => ready!(poll_write_buf(Pin::new(&mut *to), cx, &mut self.chunks))?,
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            count.add(written);
            self.flush = Flush::Due;
        }
        // An empty rest would still pin the memory of the whole.
        self.chunks = Chunks::default();
        Poll::Ready(Ok(()))
    }

    /// Reads a chunk, there must be none, and what is at hand behind it, where one write takes
    /// it all.
    fn poll_read<R: Stream, W: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &W,
    ) -> Poll<io::Result<()>> {
        match ready!(from.poll_chunk(cx, self.appetite))? {
            Some(chunk) => {
                self.appetite = self.appetite.after(chunk.len());
                self.chunks.push(chunk);
            }
            None if self.state == State::LastWords => self.state = State::Finished,
            None => self.state = State::Finishing,
        }
        while to.is_write_vectored()
            && self.chunks.remaining() < GATHER
            && let Some(chunk) = from.next_chunk()
        {
            self.chunks.push(chunk);
        }
        Poll::Ready(Ok(()))
    }

    /// Lets the writer send what it holds, as nothing more is at hand. Whether it can do so
    /// at once does not matter: it has been asked, and the waker is known to it.
    fn flush<W: Stream>(&mut self, cx: &mut Context<'_>, to: &mut W) -> io::Result<()> {
        if self.flush == Flush::Due
            && let Poll::Ready(flushed) = Pin::new(to).poll_flush(cx)
        {
            flushed?;
            self.flush = Flush::Done;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
    use tokio::net::UnixStream;

    use super::*;

    /// Chunks that are all at hand, and an end behind them.
    struct AtHand(Vec<Bytes>);

    impl Stream for AtHand {
        fn poll_chunk(
            &mut self,
            _: &mut Context<'_>,
            _: Appetite,
        ) -> Poll<io::Result<Option<Bytes>>> {
            Poll::Ready(Ok(self.next_chunk()))
        }

        fn next_chunk(&mut self) -> Option<Bytes> {
            self.0.pop()
        }
    }

    impl AsyncRead for AtHand {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for AtHand {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn what_is_at_hand_is_gathered_up_to_a_bound_and_pins_nothing_when_it_is_written() {
        let whole = Bytes::from(vec![7; 40 * 1024]);
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let (mut half, count) = (Half::default(), Count::default());
        let mut from = AtHand(vec![whole.clone(); 9]);
        let written = std::future::poll_fn(|cx| {
            assert!(half.poll_read(cx, &mut from, &near).is_ready());
            Poll::Ready(half.poll_write(cx, &mut near, &count))
        })
        .await;
        assert!(matches!(written, Poll::Ready(Ok(()))));
        assert_eq!((from.0.len(), half.holds()), (5, 0), "four are 128 KiB and some");
        from.0.clear();
        assert!(whole.is_unique());
        far.read_exact(&mut vec![0; 4 * 40 * 1024]).await.unwrap();
        assert!(far.try_read(&mut [0]).is_err());
    }
}
