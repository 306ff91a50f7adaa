//! Two streams joined.

mod chunks;
mod half;
mod meter;

use std::fmt;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::pipe::half::{Fault, Half};
use crate::stream::Stream;

pub use crate::buffer::Appetite;
pub use crate::pipe::meter::{Meter, Traffic};

/// How long a side that no longer takes bytes may go without sending any, before its
/// connection is given up. It bounds the wait for last words that never come.
const QUIET: Duration = Duration::from_secs(1);

/// Joins two streams: what is read from one is written to the other, until both directions
/// have ended.
///
/// Each direction ends for itself, and its end is handed on. None waits for the other. The
/// bytes delivered are counted in `meter` as they go, so they are known also while the pipe
/// runs and after it was dropped. In each direction what one read yields is under way at most, or
/// 128 KiB and a chunk where it comes in smaller ones; while nothing is, no buffer is held.
///
/// ```text
///            read a                          write b
///  a --------------------> [ a to b ] --------------------> b
///    <-------------------- [ b to a ] <--------------------
///            write a                         read b
///
///  read yields nothing     end the other's direction too; done when both have ended
///  read fails              that side was reset: reset the other
///  write fails             that side takes no more: hand on what it had said before it
///                          broke, then reset the other
///  takes no more, and      has ended: let the other go in peace, while it is silent
///  all it said was read
/// ```
///
/// To reset a stream is to drop it, see [`Stream`].
///
/// # Errors
/// [`Broken`], where a side was reset or failed. Both streams are gone then.
///
/// # Cancel safety
/// Dropping the future resets both streams.
pub async fn pipe<A: Stream, B: Stream>(a: A, b: B, meter: &Meter) -> Result<Traffic, Broken> {
    Pipe { a, b, meter, forth: Half::default(), back: Half::default(), broken: None, quiet: None }
        .await
}

/// One of the two sides of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first stream.
    A,
    /// The second stream.
    B,
}

/// One side of a pipe broke, and the other was reset.
#[derive(Debug)]
pub struct Broken {
    /// The side that broke.
    pub side: Side,
    /// How.
    pub error: io::Error,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::A => "first",
            Side::B => "second",
        };
        write!(f, "the {side} side broke: {}", self.error)
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        broken.error
    }
}

struct Pipe<'a, A, B> {
    a: A,
    b: B,
    meter: &'a Meter,
    /// From a to b.
    forth: Half,
    /// From b to a.
    back: Half,
    /// A side that takes no more, but whose last words may be under way.
    broken: Option<Broken>,
    quiet: Option<Pin<Box<Sleep>>>,
}

impl<A: Stream, B: Stream> Future for Pipe<'_, A, B> {
    type Output = Result<Traffic, Broken>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.broken.is_none() {
            ready!(this.poll_halves(cx))?;
        }
        match &this.broken {
            None => Poll::Ready(Ok(this.meter.traffic())),
            Some(broken) => {
                ready!(this.poll_last_words(broken.side, cx));
                Poll::Ready(this.broken.take().map_or_else(|| Ok(this.meter.traffic()), Err))
            }
        }
    }
}

impl<A: Stream, B: Stream> Pipe<'_, A, B> {
    /// Runs both directions: ready when both have ended, or one cannot write any more.
    fn poll_halves(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let forth = self.forth.poll(cx, &mut self.a, &mut self.b, &self.meter.a_to_b);
        if let Poll::Ready(Err(fault)) = forth {
            return Poll::Ready(self.handle_fault(fault, Side::A, Side::B));
        }
        let back = self.back.poll(cx, &mut self.b, &mut self.a, &self.meter.b_to_a);
        if let Poll::Ready(Err(fault)) = back {
            return Poll::Ready(self.handle_fault(fault, Side::B, Side::A));
        }
        match (forth, back) {
            (Poll::Ready(_), Poll::Ready(_)) => Poll::Ready(Ok(())),
            (Poll::Ready(_), Poll::Pending) => {
                poll_unheard(cx, &self.back, &mut self.b, &mut self.a)
            }
            (Poll::Pending, Poll::Ready(_)) => {
                poll_unheard(cx, &self.forth, &mut self.a, &mut self.b)
            }
            (Poll::Pending, Poll::Pending) => Poll::Pending,
        }
    }

    /// Takes note of a failure in the direction from one side to another.
    ///
    /// A system tells of a reset once. Where a write has heard of it, reads will go on with
    /// what came before it, and then show an end as if it were a clean one. A broken pipe is
    /// different: the side said no more than that it takes nothing, or ended before it broke.
    fn handle_fault(&mut self, fault: Fault, from: Side, to: Side) -> Result<(), Broken> {
        let error = match fault {
            Fault::Read(error) => return Err(Broken { side: from, error }),
            Fault::Write(error) => error,
        };
        if error.kind() != ErrorKind::BrokenPipe {
            match to {
                Side::A => self.forth.distrust_end(),
                Side::B => self.back.distrust_end(),
            }
        }
        self.broken = Some(Broken { side: to, error });
        Ok(())
    }

    /// Hands on what a side said before it broke: ready at its end, or when it falls quiet.
    fn poll_last_words(&mut self, side: Side, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.meter.traffic();
        let half = match side {
            Side::A => &mut self.forth,
            Side::B => &mut self.back,
        };
        let words = match side {
            Side::A => half.poll(cx, &mut self.a, &mut self.b, &self.meter.a_to_b),
            Side::B => half.poll(cx, &mut self.b, &mut self.a, &self.meter.b_to_a),
        };
        if words.is_ready() {
            return Poll::Ready(());
        }
        if !half.is_empty() || self.meter.traffic() != before {
            self.quiet = None;
        }
        if !half.is_empty() {
            return Poll::Pending;
        }
        self.quiet.get_or_insert_with(|| Box::pin(sleep(QUIET))).as_mut().poll(cx)
    }
}

/// Ready when `speaker` has nobody to speak to any more: `listener` has said all, and takes
/// nothing. A speaker that is silent would not learn it, and so stay for ever. It is let go as
/// by a program that closes after its last words, which the speaker can still read.
fn poll_unheard<S: Stream, L: Stream>(
    cx: &mut Context<'_>,
    half: &Half,
    speaker: &mut S,
    listener: &mut L,
) -> Poll<Result<(), Broken>> {
    // What is under way to it finds out by itself.
    if !half.is_empty() {
        return Poll::Pending;
    }
    ready!(listener.poll_deaf(cx));
    speaker.forgo();
    Poll::Ready(Ok(()))
}

#[cfg(test)]
mod tests;
