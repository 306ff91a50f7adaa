//! The requests that concern no channel, in both directions.

use std::collections::VecDeque;

use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::global_reply::{RequestFailure, RequestSuccess};
use adit_proto::message::global_request::{GlobalRequest, Kind};
use adit_proto::wire::Rest;
use bytes::Bytes;

use crate::mux::limits::Limits;
use crate::mux::load::Load;
use crate::mux::owed::Ticket;
use crate::mux::questions::{Addressee, Notice, Question, Questions, TooMany};
use crate::mux::request::{Answer, Reply, Request};

/// Global requests in both directions,
/// [RFC 4254 section 4](https://www.rfc-editor.org/rfc/rfc4254#section-4).
#[derive(Debug, Default)]
pub(super) struct Globals {
    questions: Questions<Kind>,
    /// Asked by this side and not sent.
    outgoing: VecDeque<(Asker, Kind, Reply)>,
    /// Who waits for the answers of the peer, in the order in which they come.
    awaited: VecDeque<Asker>,
}

/// Who on this side asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    User,
    /// Nobody is told the answer; that there is one is what counts.
    Keepalive,
    /// Nobody is told the answer; how long it takes is what counts.
    Path,
}

impl Globals {
    /// Takes a request of the peer in.
    pub(super) fn handle_request(
        &mut self,
        request: GlobalRequest,
        limits: &Limits,
        load: &mut Load,
    ) -> Result<Notice, TooMany> {
        let addressee = match request.kind {
            Kind::Keepalive | Kind::Other { .. } => Addressee::Nobody,
            _ => Addressee::User,
        };
        let question = (request.kind, request.want_reply);
        self.questions.handle(question, addressee, limits.answers, limits, load)
    }

    /// The oldest request of the peer that the user has not taken.
    pub(super) fn next(&mut self, load: &mut Load) -> Option<Request<Kind>> {
        self.questions.next(load)
    }

    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.questions.answer(ticket, answer);
    }

    /// Asks the peer.
    pub(super) fn ask(&mut self, asker: Asker, kind: Kind, reply: Reply) {
        self.outgoing.push_back((asker, kind, reply));
    }

    /// Takes an answer of the peer in: who waits for it. `None` where nobody does.
    pub(super) fn handle_answer(&mut self) -> Option<Asker> {
        self.awaited.pop_front()
    }

    pub(super) fn has_message(&self) -> bool {
        self.questions.has_answer() || !self.outgoing.is_empty()
    }

    pub(super) fn poll_message(&mut self) -> Option<ConnectionMessage> {
        if let Some(answer) = self.questions.poll_answer() {
            return Some(match answer {
                Answer::Granted(data) => RequestSuccess { data: Rest(data) }.into(),
                Answer::Refused => RequestFailure {}.into(),
            });
        }
        let (asker, kind, reply) = self.outgoing.pop_front()?;
        if reply.is_wanted() {
            self.awaited.push_back(asker);
        }
        Some(GlobalRequest { kind, want_reply: reply.is_wanted() }.into())
    }
}

impl Question for Kind {
    type Answer = Answer;
    const REFUSED: Answer = Answer::Refused;

    fn weight(&self) -> usize {
        match self {
            Self::TcpipForward(bind) | Self::CancelTcpipForward(bind) => bind.address.len(),
            Self::StreamlocalForward { path } | Self::CancelStreamlocalForward { path } => {
                path.len()
            }
            Self::HostKeys { keys } | Self::HostKeysProve { keys } => {
                keys.iter().map(|key| key.len().saturating_add(size_of::<Bytes>())).sum()
            }
            _ => 0,
        }
    }

    fn detached(self) -> Self {
        let own = |keys: Vec<Bytes>| keys.iter().map(|key| Bytes::copy_from_slice(key)).collect();
        match self {
            Self::HostKeys { keys } => Self::HostKeys { keys: own(keys) },
            Self::HostKeysProve { keys } => Self::HostKeysProve { keys: own(keys) },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_proto::message::global_request::Bind;

    use super::*;

    fn forward(port: u32) -> Kind {
        Kind::TcpipForward(Bind { address: "localhost".to_owned(), port })
    }

    fn handle(globals: &mut Globals, kind: Kind) -> Result<Notice, TooMany> {
        let request = GlobalRequest { kind, want_reply: true };
        globals.handle_request(request, &Limits::default(), &mut Load::default())
    }

    #[test]
    fn what_nobody_knows_is_refused_though_nobody_listens() {
        let mut globals = Globals::default();
        let unknown = Kind::Other { name: "x@example.org".to_owned(), data: Rest::default() };
        assert_eq!(handle(&mut globals, unknown), Ok(Notice::Quiet));
        assert_eq!(handle(&mut globals, Kind::Keepalive), Ok(Notice::Quiet));
        assert_eq!(globals.poll_message(), Some(RequestFailure {}.into()));
        assert_eq!(globals.poll_message(), Some(RequestFailure {}.into()));
        assert_eq!(globals.poll_message(), None);
    }

    #[test]
    fn answers_keep_their_order_and_carry_data() {
        let mut globals = Globals::default();
        assert_eq!(handle(&mut globals, forward(0)), Ok(Notice::Tell));
        assert_eq!(handle(&mut globals, Kind::Keepalive), Ok(Notice::Quiet));
        assert!(!globals.has_message());
        let request = globals.next(&mut Load::default()).unwrap();
        assert_eq!(request.kind, forward(0));
        let data = Bytes::from_static(&[0, 0, 0x1f, 0x90]);
        globals.answer(request.ticket.unwrap(), Answer::Granted(data.clone()));
        let success = RequestSuccess { data: Rest(data) };
        assert_eq!(globals.poll_message(), Some(success.into()));
        assert_eq!(globals.poll_message(), Some(RequestFailure {}.into()));
    }

    #[test]
    fn answers_of_the_peer_go_to_who_asked() {
        let mut globals = Globals::default();
        globals.ask(Asker::User, forward(1), Reply::Wanted);
        globals.ask(Asker::User, Kind::NoMoreSessions, Reply::Unwanted);
        globals.ask(Asker::Keepalive, Kind::Keepalive, Reply::Wanted);
        while globals.poll_message().is_some() {}
        assert_eq!(globals.handle_answer(), Some(Asker::User));
        assert_eq!(globals.handle_answer(), Some(Asker::Keepalive));
        assert_eq!(globals.handle_answer(), None);
    }

    #[test]
    fn kept_host_keys_do_not_pin_the_buffer_that_they_came_in() {
        let buffer = Bytes::from(vec![7; 1000]);
        let kept = Kind::HostKeys { keys: vec![buffer.slice(..9), buffer.slice(9..)] }.detached();
        assert!(buffer.is_unique());
        assert!(kept.weight() >= 1000);
    }
}
