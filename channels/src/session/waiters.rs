//! Who waits for what.

use std::collections::VecDeque;
use std::task::{Context, Waker};

use tokio::sync::oneshot;

use crate::mux::id::Id;
use crate::mux::request::Verdict;
use crate::session::refusal::Refusal;

/// Who waits for something of any channel.
#[derive(Debug, Default)]
pub(super) struct Waiters(Vec<Waiter>);

/// Who waits for something of one channel.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    pub(super) read: Seat,
    pub(super) stderr: Seat,
    pub(super) write: Seat,
    pub(super) request: Seat,
    pub(super) close: Seat,
    pub(super) open: Option<oneshot::Sender<Result<(), Refusal>>>,
    /// In the order of the requests.
    pub(super) answers: VecDeque<oneshot::Sender<Verdict>>,
}

/// A place for one task that waits.
#[derive(Debug, Default)]
pub(super) struct Seat(Option<Waker>);

impl Seat {
    /// The task of this context waits from now on, in place of any other.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.0 {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.0 = Some(cx.waker().clone()),
        }
    }

    /// Whether somebody waits.
    pub(super) fn is_taken(&self) -> bool {
        self.0.is_some()
    }

    /// Nobody waits from now on; who did is to be woken.
    pub(super) fn vacate(&mut self) -> Option<Waker> {
        self.0.take()
    }
}

impl Waiter {
    /// Everybody is to be woken: the channel was closed.
    pub(super) fn vacate(&mut self, wakers: &mut Vec<Waker>) {
        let Self { read, stderr, write, request, close, open, answers } = self;
        for seat in [read, stderr, write, request, close] {
            wakers.extend(seat.vacate());
        }
        *open = None;
        *answers = VecDeque::new();
    }
}

impl Waiters {
    /// Makes room for those of a new channel.
    pub(super) fn add(&mut self, id: Id) {
        let slot = id.slot();
        if self.0.len() <= slot {
            self.0.resize_with(slot.saturating_add(1), Waiter::default);
        }
    }

    /// Those of a channel that is held.
    pub(super) fn of(&mut self, id: Id) -> Option<&mut Waiter> {
        self.0.get_mut(id.slot())
    }

    /// Forgets those of a channel that was let go.
    pub(super) fn remove(&mut self, id: Id) {
        if let Some(waiter) = self.of(id) {
            *waiter = Waiter::default();
        }
    }

    /// Those of all channels, for the end of a session.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Waiter> {
        self.0.drain(..)
    }
}
