//! The requests of one channel, in both directions.

use std::collections::VecDeque;

use adit_proto::message::channel_request::Kind;
use bytes::Bytes;

use crate::mux::limits::Limits;
use crate::mux::load::Load;
use crate::mux::owed::Ticket;
use crate::mux::questions::{Addressee, Notice, Question, Questions, TooMany};
use crate::mux::request::{Reply, Request, Verdict};

/// The requests of one channel, in both directions,
/// [RFC 4254 section 5.4](https://www.rfc-editor.org/rfc/rfc4254#section-5.4).
#[derive(Debug, Default)]
pub(super) struct Requests {
    questions: Questions<Kind>,
    /// Asked by the user and not sent.
    outgoing: VecDeque<(Kind, Reply)>,
    /// So many answers of the peer are to come.
    awaited: u32,
}

/// What a channel is for, as far as requests on it go: a peer may ask a server to run a
/// program, and may tell a client how its program ended, and nothing else reaches the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A session channel that this side opened: the program runs at the peer.
    RemoteProgram,
    /// A session channel that the peer opened: the program runs here.
    LocalProgram,
    /// A channel that carries bytes and nothing else.
    Tunnel,
}

impl Requests {
    /// Takes a request of the peer in.
    pub(super) fn handle(
        &mut self,
        request: (Kind, bool),
        purpose: Purpose,
        limits: &Limits,
        load: &mut Load,
    ) -> Result<Notice, TooMany> {
        let addressee = addressee(&request.0, purpose);
        self.questions.handle(request, addressee, limits.channel_answers, limits, load)
    }

    /// The oldest request of the peer that the user has not taken.
    pub(super) fn next(&mut self, load: &mut Load) -> Option<Request<Kind>> {
        self.questions.next(load)
    }

    pub(super) fn answer(&mut self, ticket: Ticket, verdict: Verdict) {
        self.questions.answer(ticket, verdict);
    }

    pub(super) fn has_answer(&self) -> bool {
        self.questions.has_answer()
    }

    pub(super) fn poll_answer(&mut self) -> Option<Verdict> {
        self.questions.poll_answer()
    }

    /// Asks the peer.
    pub(super) fn ask(&mut self, kind: Kind, reply: Reply) {
        self.outgoing.push_back((kind, reply));
    }

    pub(super) fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// The next request to send. It counts as sent.
    pub(super) fn poll_outgoing(&mut self) -> Option<(Kind, Reply)> {
        let (kind, reply) = self.outgoing.pop_front()?;
        if reply.is_wanted() {
            self.awaited = self.awaited.saturating_add(1);
        }
        Some((kind, reply))
    }

    /// Takes an answer of the peer in: whether one is awaited.
    pub(super) fn handle_answer(&mut self) -> bool {
        let awaited = self.awaited.checked_sub(1);
        self.awaited = awaited.unwrap_or_default();
        awaited.is_some()
    }

    /// Forgets what would still be sent: the peer has closed the channel.
    pub(super) fn hush(&mut self) {
        self.questions.hush();
        self.outgoing.clear();
    }

    /// Drops the requests that the user has not taken.
    pub(super) fn clear(&mut self, load: &mut Load) {
        self.questions.clear(load);
    }
}

fn addressee(kind: &Kind, purpose: Purpose) -> Addressee {
    let made_for = match kind {
        Kind::ExitStatus { .. } | Kind::ExitSignal(_) | Kind::XonXoff { .. } => {
            Purpose::RemoteProgram
        }
        Kind::PtyReq(_)
        | Kind::X11Req(_)
        | Kind::AuthAgentReq
        | Kind::Env { .. }
        | Kind::Shell
        | Kind::Exec { .. }
        | Kind::Subsystem { .. }
        | Kind::WindowChange(_)
        | Kind::Signal { .. }
        | Kind::Break { .. } => Purpose::LocalProgram,
        // Either side of a program may read no more.
        Kind::Eow if purpose != Purpose::Tunnel => purpose,
        _ => return Addressee::Nobody,
    };
    if made_for == purpose { Addressee::User } else { Addressee::Nobody }
}

impl Question for Kind {
    type Answer = Verdict;
    const REFUSED: Verdict = Verdict::Refused;

    fn weight(&self) -> usize {
        match self {
            Self::PtyReq(pty) => pty.term.len().saturating_add(pty.modes.len()),
            Self::X11Req(x11) => x11.protocol.len().saturating_add(x11.cookie.len()),
            Self::Env { name, value } => name.len().saturating_add(value.len()),
            Self::Exec { command } => command.len(),
            Self::Subsystem { name } | Self::Signal { name } => name.len(),
            Self::ExitSignal(signal) => {
                let words = signal.message.0.len().saturating_add(signal.language.0.len());
                signal.name.len().saturating_add(words)
            }
            _ => 0,
        }
    }

    fn detached(self) -> Self {
        match self {
            Self::PtyReq(mut pty) => {
                pty.modes = Bytes::copy_from_slice(&pty.modes);
                Self::PtyReq(pty)
            }
            Self::Env { name, value } => Self::Env {
                name: Bytes::copy_from_slice(&name),
                value: Bytes::copy_from_slice(&value),
            },
            Self::Exec { command } => Self::Exec { command: Bytes::copy_from_slice(&command) },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_proto::message::channel_request::{Pty, Size};

    use super::*;

    #[test]
    fn a_server_may_not_ask_its_client_to_run_a_program() {
        let exec = Kind::Exec { command: Bytes::from_static(b"id") };
        assert_eq!(addressee(&exec, Purpose::LocalProgram), Addressee::User);
        assert_eq!(addressee(&exec, Purpose::RemoteProgram), Addressee::Nobody);
        assert_eq!(addressee(&exec, Purpose::Tunnel), Addressee::Nobody);
    }

    #[test]
    fn a_tunnel_takes_no_requests() {
        for kind in [Kind::Shell, Kind::ExitStatus { status: 0 }, Kind::AuthAgentReq] {
            assert_eq!(addressee(&kind, Purpose::Tunnel), Addressee::Nobody, "{kind:?}");
        }
    }

    #[test]
    fn a_kept_request_does_not_pin_the_buffer_that_it_came_in() {
        let buffer = Bytes::from(vec![7; 1000]);
        let size = Size { columns: 80, rows: 24, width: 0, height: 0 };
        let kinds = [
            Kind::Exec { command: buffer.slice(1..2) },
            Kind::Env { name: buffer.slice(1..2), value: buffer.slice(2..3) },
            Kind::PtyReq(Pty { term: "vt100".to_owned(), size, modes: buffer.slice(1..2) }),
        ];
        let kept: Vec<Kind> = kinds.into_iter().map(Question::detached).collect();
        assert!(buffer.is_unique());
        assert!(kept.iter().all(|kind| kind.weight() > 0));
    }

    #[test]
    fn an_answer_that_nobody_awaits_is_noticed() {
        let mut requests = Requests::default();
        assert!(!requests.handle_answer());
        requests.ask(Kind::Shell, Reply::Wanted);
        requests.ask(Kind::Shell, Reply::Unwanted);
        while requests.poll_outgoing().is_some() {}
        assert!(requests.handle_answer());
        assert!(!requests.handle_answer());
    }
}
