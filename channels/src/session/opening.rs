//! The channels that the peer asks for.

use std::task::{Context, Poll};

use adit_proto::message::channel_open::{Kind, Reason};

use crate::mux::class::Class;
use crate::mux::offer::Offer;
use crate::session::channel::Channel;
use crate::session::shared::Member;
use crate::session::state::Listener;

/// The channels that the peer asks for, in their order.
///
/// Dropping it refuses all that are asked for and will be.
#[derive(Debug)]
pub struct Openings {
    member: Member,
}

impl Openings {
    pub(super) fn new(member: Member) -> Self {
        Self { member }
    }

    /// The next; `None` when the session has ended. How many may wait for an answer is a
    /// [limit](crate::mux::Limits::offers), so each should soon have one.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Opening>> {
        let mut state = self.member.lock();
        if state.cause().is_some() {
            return Poll::Ready(None);
        }
        if let Some(offer) = state.mux.next_offer() {
            drop(state);
            return Poll::Ready(Some(Opening { member: self.member.clone(), offer }));
        }
        state.openings.wait(cx);
        Poll::Pending
    }

    /// As [`poll_next`](Self::poll_next). Cancel safe.
    pub async fn next(&mut self) -> Option<Opening> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for Openings {
    fn drop(&mut self) {
        self.member.act(|state| {
            state.openings = Listener::Gone;
            state.refuse_openings();
        });
    }
}

/// A channel that the peer asks for. Dropping it refuses it.
#[derive(Debug)]
pub struct Opening {
    member: Member,
    offer: Offer,
}

impl Opening {
    /// What the channel is for.
    pub fn kind(&self) -> &Kind {
        &self.offer.kind
    }

    /// Says what the channel is for, as far as the turns of what it sends go.
    pub fn set_class(&self, class: Class) {
        self.member.act(|state| state.mux.set_class(self.offer.id, class));
    }

    /// Grants it. The channel can be written to at once. Where the session has ended
    /// meanwhile, the channel says so.
    pub fn accept(self) -> Channel {
        let id = self.offer.id;
        self.member.act(|state| {
            state.waiters.add(id);
            state.mux.accept(id);
        });
        Channel::new(self.member.clone(), id)
    }

    /// Refuses it. The description is for people, at the other side.
    pub fn refuse(self, reason: Reason, description: &str) {
        self.member.act(|state| state.mux.refuse(self.offer.id, reason, description));
    }
}

impl Drop for Opening {
    /// Does nothing where it was answered: then the mux offers it no more.
    fn drop(&mut self) {
        let reason = Reason::CONNECT_FAILED;
        let id = self.offer.id;
        self.member.act(|state| state.mux.refuse(id, reason, "the channel was not taken"));
    }
}
