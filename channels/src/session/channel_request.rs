//! What the peer asks on a channel.

use adit_proto::message::channel_request::Kind;

use crate::mux::id::Id;
use crate::mux::owed::Ticket;
use crate::mux::request::{Request, Verdict};
use crate::session::shared::Member;

/// What the peer asks on a channel. Dropping it refuses it, where an answer is wanted.
#[derive(Debug)]
pub struct ChannelRequest {
    member: Member,
    id: Id,
    kind: Kind,
    ticket: Option<Ticket>,
}

impl ChannelRequest {
    pub(super) fn new(member: Member, id: Id, request: Request<Kind>) -> Self {
        Self { member, id, kind: request.kind, ticket: request.ticket }
    }

    /// What is asked.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Grants it.
    pub fn grant(mut self) {
        self.answer(Verdict::Granted);
    }

    /// Refuses it.
    pub fn refuse(self) {}

    fn answer(&mut self, verdict: Verdict) {
        if let Some(ticket) = self.ticket.take() {
            self.member.act(|state| state.mux.answer(self.id, ticket, verdict));
        }
    }
}

impl Drop for ChannelRequest {
    fn drop(&mut self) {
        self.answer(Verdict::Refused);
    }
}
