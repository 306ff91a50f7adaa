//! Streams in memory for tests: a connection with a bounded queue each way, which can be
//! finished, reset, stalled and gone deaf, without a clock and without the system.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::stream;

/// Two ends of a connection. Each way holds `capacity` bytes, and each read and each write
/// moves `chunk` bytes at most.
pub(crate) fn pair(capacity: usize, chunk: usize) -> (Stream, Stream) {
    let (one, two) = (Lane::new(capacity, chunk), Lane::new(capacity, chunk));
    (Stream::new(one.clone(), two.clone()), Stream::new(two, one))
}

/// One end of a connection. Dropped before both directions have ended, it resets it.
///
/// A reset is told once, as the system does for TCP: be it by a read or by a write, reads
/// after that yield nothing, which looks like a clean end.
pub(crate) struct Stream {
    read: Lane,
    write: Lane,
    ended: bool,
    finished: bool,
}

impl Stream {
    fn new(read: Lane, write: Lane) -> Self {
        Self { read, write, ended: false, finished: false }
    }

    /// Makes writes of the other end fail from now on, while its reads go on.
    pub(crate) fn go_deaf(&self) {
        self.read.update(|state| state.hears = Hears::Nothing);
    }

    /// How many bytes wait to be read here.
    pub(crate) fn waiting(&self) -> usize {
        self.read.lock().bytes.len()
    }
}

impl stream::Stream for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.ended && self.finished {
            self.read.update(|state| state.hears = Hears::Nothing);
        } else {
            self.read.update(|state| state.hears = Hears::Reset);
            self.write.update(|state| state.end(End::Reset));
        }
    }
}

#[derive(Clone)]
struct Lane(Arc<Mutex<State>>);

struct State {
    bytes: VecDeque<u8>,
    capacity: usize,
    chunk: usize,
    end: End,
    hears: Hears,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Finished,
    Reset,
}

/// Whether somebody reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hears {
    All,
    /// The reader does not want more.
    Nothing,
    /// The reader has reset the connection.
    Reset,
}

impl Lane {
    fn new(capacity: usize, chunk: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            bytes: VecDeque::new(),
            capacity,
            chunk,
            end: End::Open,
            hears: Hears::All,
            reader: None,
            writer: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.wake();
    }
}

impl State {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    /// Ends the lane. As with TCP, a reset does not take back a finish that came before it.
    fn end(&mut self, end: End) {
        if self.end == End::Open {
            self.end = end;
        }
    }

    fn read(&mut self, into: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        if self.bytes.is_empty() {
            return match self.end {
                End::Open => None,
                End::Finished => Some(Ok(())),
                End::Reset => {
                    self.end = End::Finished;
                    Some(Err(io::ErrorKind::ConnectionReset.into()))
                }
            };
        }
        let len = self.bytes.len().min(self.chunk).min(into.remaining());
        for byte in self.bytes.drain(..len) {
            into.put_slice(&[byte]);
        }
        self.wake();
        Some(Ok(()))
    }

    fn write(&mut self, bytes: &[u8]) -> Option<io::Result<usize>> {
        if self.end != End::Open || self.hears == Hears::Nothing {
            return Some(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.hears == Hears::Reset {
            self.hears = Hears::Nothing;
            return Some(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let space = self.capacity.saturating_sub(self.bytes.len()).min(self.chunk);
        if space == 0 {
            return None;
        }
        let len = space.min(bytes.len());
        self.bytes.extend(bytes.iter().take(len));
        self.wake();
        Some(Ok(len))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        let mut lane = this.read.lock();
        let Some(result) = lane.read(into) else {
            lane.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        this.ended = result.is_ok() && into.filled().len() == before;
        Poll::Ready(result)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut lane = self.write.lock();
        match lane.write(bytes) {
            Some(result) => {
                drop(lane);
                if result.as_ref().is_err_and(|it| it.kind() == io::ErrorKind::ConnectionReset) {
                    self.read.lock().end = End::Finished;
                }
                Poll::Ready(result)
            }
            None => {
                lane.writer = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.finished = true;
        this.write.update(|state| state.end(End::Finished));
        Poll::Ready(Ok(()))
    }
}
