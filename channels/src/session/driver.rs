//! What moves the messages.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tracing::debug;

use crate::pipe::Pipe;
use crate::session::cause::Cause;
use crate::session::config::Config;
use crate::session::parking::{Park, Resume, Room};
use crate::session::shared::{Shared, wake};
use crate::session::state::State;

/// Moves messages between the pipe and the mux until the session ends, and yields why.
///
/// It waits for the pipe, for the clock and for something to send, and for nothing else: no
/// user of a channel can hold it up. It is a future, and does not spawn anything.
///
/// Dropping it ends the session at once, without a word to the peer. A peer that neither
/// reads nor breaks off is noticed by [`Keepalive`](crate::mux::Keepalive) and nothing else.
#[must_use = "a session does nothing unless its driver is run"]
pub struct Driver<P: Pipe> {
    pipe: P,
    config: Config,
    shared: Arc<Shared>,
    /// When the mux wants to know the time.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Tasks to be woken when the lock is free.
    wakers: Vec<Waker>,
    /// How many bytes may wait in the pipe for now.
    backlog: usize,
    turn: Turn,
    stage: Stage,
}

/// Whether the driver has let others go first.
#[derive(PartialEq, Eq)]
enum Turn {
    Now,
    /// Those who were ready have had theirs when it is polled again.
    Deferred,
}

enum Stage {
    Running,
    /// The last words are under way, and may take so long.
    Leaving(Cause, Pin<Box<Sleep>>),
    Over(Cause),
}

/// How far the messages of the peer were moved.
enum Received {
    All,
    /// There may be more.
    Some,
}

/// So often the driver moves a burst in each direction before other tasks get a chance.
const ROUNDS: usize = 2;

/// How many bytes may wait in a pipe that does not take them at once.
const LEAST: usize = 64 * 1024;

// Nothing in it is pinned in place.
impl<P: Pipe> Unpin for Driver<P> {}

impl<P: Pipe> Driver<P> {
    pub(super) fn new(pipe: P, config: Config, shared: Arc<Shared>) -> Self {
        let stage = Stage::Running;
        let backlog = config.backlog;
        Self {
            pipe,
            config,
            shared,
            alarm: None,
            wakers: Vec::new(),
            backlog,
            turn: Turn::Now,
            stage,
        }
    }

    /// Moves messages until nothing moves, or it is time to let others run. Yields why the
    /// session ends.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Cause> {
        self.shared.settle();
        let turn = mem::replace(&mut self.turn, Turn::Now);
        // Whoever has roused the driver has something to send, and so may those who are ready too,
        // by the same call.
        if turn == Turn::Now && self.shared.lock().is_roused() {
            return self.give_way(cx);
        }
        for _ in 0..ROUNDS {
            if self.shared.lock().resume() == Resume::Leave {
                return Poll::Ready(Cause::Disconnected);
            }
            if self.shared.lock().wants_keys() {
                self.pipe.rekey();
            }
            if let Err(cause) = self.watch(cx) {
                return Poll::Ready(cause);
            }
            self.give();
            match self.receive(cx) {
                Ok(Received::Some) => continue,
                Ok(Received::All) => {}
                Err(cause) => return Poll::Ready(cause),
            }
            match self.shared.park(self.room(), cx) {
                Park::Busy => {}
                Park::Parked => return Poll::Pending,
                Park::Deserted => return Poll::Ready(Cause::Disconnected),
            }
        }
        self.give_way(cx)
    }

    /// Lets those who are ready by now have their turn first.
    fn give_way(&mut self, cx: &Context<'_>) -> Poll<Cause> {
        self.turn = Turn::Deferred;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Moves messages to the pipe while it has room: more and more of them while all is written
    /// at once, which costs the less the more that is, and few where some has to wait.
    fn give(&mut self) {
        self.backlog = match self.pipe.backlog() {
            0 => self.backlog.saturating_mul(2).min(self.config.backlog),
            _ => LEAST.min(self.config.backlog),
        };
        for _ in 0..self.config.burst {
            if self.room() == Room::None {
                return;
            }
            let message = self.act(|state| state.mux.poll_message());
            match message {
                Some(message) => self.pipe.send(&message),
                None => return,
            }
        }
    }

    /// Does something, and tells everybody whom concerns what has happened.
    fn act<T>(&mut self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.shared.lock();
        let result = act(&mut state);
        state.tell(&mut self.wakers);
        let idle = state.is_idle();
        drop(state);
        wake(self.wakers.drain(..));
        if idle {
            self.shared.tell_idle();
        }
        result
    }

    /// Whether the pipe has room.
    fn room(&self) -> Room {
        if self.pipe.backlog() < self.backlog { Room::Some } else { Room::None }
    }

    /// Moves messages from the pipe, which writes what it has on the way.
    fn receive(&mut self, cx: &mut Context<'_>) -> Result<Received, Cause> {
        let now = Instant::now().into_std();
        for _ in 0..self.config.burst {
            let message = match self.pipe.poll_message(cx) {
                Poll::Pending => return Ok(Received::All),
                Poll::Ready(Ok(Some(message))) => message,
                Poll::Ready(Ok(None)) => return Err(Cause::PeerLeft),
                Poll::Ready(Err(error)) => return Err(Cause::Pipe(Arc::new(error))),
            };
            let result = self.act(|state| state.mux.handle_message(now, message));
            result.map_err(Cause::Violation)?;
        }
        Ok(Received::Some)
    }

    /// Tells the mux the time when it wants to know it.
    fn watch(&mut self, cx: &mut Context<'_>) -> Result<(), Cause> {
        loop {
            let Some(alarm) = &mut self.alarm else {
                let Some(deadline) = self.shared.lock().mux.poll_timeout() else {
                    return Ok(());
                };
                self.alarm = Some(Box::pin(sleep_until(deadline.into())));
                continue;
            };
            // A message of the peer moves the deadline, and the alarm finds out when it rings.
            if alarm.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            let mut state = self.shared.lock();
            let now = Instant::now().into_std();
            state.mux.handle_timeout(now).map_err(Cause::Unresponsive)?;
            match state.mux.poll_timeout() {
                Some(deadline) => alarm.as_mut().reset(deadline.into()),
                None => self.alarm = None,
            }
        }
    }

    /// Ends the session, for the users at once and for the peer when it has been told.
    fn leave(&mut self, cause: Cause) {
        debug!("the session ends: {cause}");
        self.shared.end(cause.clone());
        self.alarm = None;
        self.stage = match cause.farewell() {
            Some((reason, words)) => {
                self.pipe.disconnect(reason, &words);
                Stage::Leaving(cause, Box::pin(sleep(self.config.linger)))
            }
            None => Stage::Over(cause),
        };
    }
}

impl<P: Pipe> Future for Driver<P> {
    type Output = Cause;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Cause> {
        let this = self.get_mut();
        loop {
            match &mut this.stage {
                Stage::Running => match this.run(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(cause) => this.leave(cause),
                },
                Stage::Leaving(cause, linger) => {
                    let flushed = this.pipe.poll_flush(cx).is_ready();
                    if !flushed && linger.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.stage = Stage::Over(cause.clone());
                }
                Stage::Over(cause) => return Poll::Ready(cause.clone()),
            }
        }
    }
}

impl<P: Pipe> Drop for Driver<P> {
    fn drop(&mut self) {
        self.shared.end(Cause::Abandoned);
    }
}

impl<P: Pipe> fmt::Debug for Driver<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("shared", &self.shared).finish_non_exhaustive()
    }
}
