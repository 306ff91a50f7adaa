//! What the peer asks of the connection.

use std::task::{Context, Poll};

use adit_proto::message::global_request::Kind;
use bytes::Bytes;

use crate::mux::owed::Ticket;
use crate::mux::request::{Answer, Request};
use crate::session::shared::Member;
use crate::session::state::Listener;

/// What the peer asks of the connection, `tcpip-forward` for instance. Answers go in the
/// order of the requests, in whatever order they are given here.
///
/// Dropping it refuses all that is asked and will be.
#[derive(Debug)]
pub struct GlobalRequests {
    member: Member,
}

impl GlobalRequests {
    pub(super) fn new(member: Member) -> Self {
        Self { member }
    }

    /// The next; `None` when the session has ended. Requests that nobody knows do not come
    /// here; they are refused.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<GlobalRequest>> {
        let mut state = self.member.lock();
        if state.cause().is_some() {
            return Poll::Ready(None);
        }
        if let Some(request) = state.mux.next_global_request() {
            drop(state);
            return Poll::Ready(Some(GlobalRequest::new(self.member.clone(), request)));
        }
        state.global_requests.wait(cx);
        Poll::Pending
    }

    /// As [`poll_next`](Self::poll_next). Cancel safe.
    pub async fn next(&mut self) -> Option<GlobalRequest> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Drop for GlobalRequests {
    fn drop(&mut self) {
        self.member.act(|state| {
            state.global_requests = Listener::Gone;
            state.refuse_global_requests();
        });
    }
}

/// One thing that the peer asks of the connection. Dropping it refuses it, where an answer is
/// wanted.
#[derive(Debug)]
pub struct GlobalRequest {
    member: Member,
    kind: Kind,
    ticket: Option<Ticket>,
}

impl GlobalRequest {
    fn new(member: Member, request: Request<Kind>) -> Self {
        Self { member, kind: request.kind, ticket: request.ticket }
    }

    /// What is asked.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Grants it with what the answer has to hold: for `tcpip-forward` of port 0 the port,
    /// as a `uint32`, for most others nothing.
    pub fn grant(mut self, data: Bytes) {
        self.answer(Answer::Granted(data));
    }

    /// Refuses it.
    pub fn refuse(self) {}

    fn answer(&mut self, answer: Answer) {
        if let Some(ticket) = self.ticket.take() {
            self.member.act(|state| state.mux.answer_global(ticket, answer));
        }
    }
}

impl Drop for GlobalRequest {
    fn drop(&mut self) {
        self.answer(Answer::Refused);
    }
}
