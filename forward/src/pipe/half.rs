//! One direction of a pipe.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::pipe::buffer;
use crate::pipe::meter::Count;

/// Buffers that one direction moves before it lets others have the thread.
const TURNS: usize = 8;

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
    /// What was read; without capacity while there is nothing.
    buffer: Vec<u8>,
    /// How much of it is written.
    written: usize,
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
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        for _ in 0..TURNS {
            ready!(self.poll_write(cx, to, count)).map_err(Fault::Write)?;
            match self.state {
                State::Carrying | State::LastWords => match self.poll_read(cx, from) {
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
        self.buffer.is_empty()
    }

    /// How many bytes of memory it holds.
    #[cfg(test)]
    pub(super) fn holds(&self) -> usize {
        self.buffer.capacity()
    }

    /// Writes what is in the buffer; empties it then.
    fn poll_write<W>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        count: &Count,
    ) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        while let Some(rest) = self.buffer.get(self.written..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut *to).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            count.add(written);
            self.written = self.written.saturating_add(written);
            self.flush = Flush::Due;
        }
        self.buffer.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Reads into the buffer, which must be empty.
    fn poll_read<R>(&mut self, cx: &mut Context<'_>, from: &mut R) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
    {
        if self.buffer.capacity() == 0 {
            self.buffer = buffer::take();
        }
        let read = pin!(from.read_buf(&mut self.buffer)).poll(cx);
        if self.buffer.is_empty() {
            buffer::give(std::mem::take(&mut self.buffer));
        }
        if ready!(read)? == 0 {
            self.state = match self.state {
                State::LastWords => State::Finished,
                _ => State::Finishing,
            };
        }
        Poll::Ready(Ok(()))
    }

    /// Lets the writer send what it holds, as nothing more is at hand. Whether it can do so
    /// at once does not matter: it has been asked, and the waker is known to it.
    fn flush<W>(&mut self, cx: &mut Context<'_>, to: &mut W) -> io::Result<()>
    where
        W: AsyncWrite + Unpin,
    {
        if self.flush == Flush::Due
            && let Poll::Ready(flushed) = Pin::new(to).poll_flush(cx)
        {
            flushed?;
            self.flush = Flush::Done;
        }
        Ok(())
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if self.buffer.capacity() > 0 {
            buffer::give(std::mem::take(&mut self.buffer));
        }
    }
}
