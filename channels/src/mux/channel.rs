//! One channel.

use adit_proto::message::channel_close::{ChannelClose, ChannelEof};
use adit_proto::message::channel_data::{
    ChannelData, ChannelExtendedData, ChannelWindowAdjust, STDERR,
};
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{ChannelOpen, ChannelOpenConfirmation, Kind};
use adit_proto::message::channel_reply::{ChannelFailure, ChannelSuccess};
use adit_proto::message::channel_request::{self, ChannelRequest};
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::wire::Rest;
use bytes::Bytes;
use tracing::debug;

use crate::mux::class::Class;
use crate::mux::event::Event;
use crate::mux::id::Id;
use crate::mux::owed::Ticket;
use crate::mux::pool::Pool;
use crate::mux::questions::{Notice, TooMany};
use crate::mux::receiver::Receiver;
use crate::mux::request::{Reply, Request, Verdict};
use crate::mux::requests::{Purpose, Requests};
use crate::mux::sender::Sender;
use crate::mux::state::{Release, Signal, Stage, State, Theirs};
use crate::mux::stream::{Broken, Stream, Taken};
use crate::mux::violation::Violation;

/// One channel: its state, its two halves and its requests.
#[derive(Debug)]
pub(super) struct Channel {
    state: State,
    class: Class,
    purpose: Purpose,
    /// What it is for, until it was said to the peer, or to the user.
    kind: Option<Box<Kind>>,
    /// Its number, as the peer counts; nothing before the peer has said it.
    peer: ChannelId,
    receiver: Receiver,
    sender: Sender,
    /// Most channels never have any.
    requests: Option<Box<Requests>>,
}

/// What a channel has to say.
enum Utterance {
    Signal(Signal),
    Answer,
    Request,
    Credit,
}

impl Channel {
    /// A channel that this side asks for. Its window is paid for.
    pub(super) fn queued(kind: Kind, window: u32) -> Self {
        let purpose = match kind {
            Kind::Session => Purpose::RemoteProgram,
            _ => Purpose::Tunnel,
        };
        Self::new(State::queued(), purpose, kind, window)
    }

    /// A channel that the peer asks for. Its window is paid for.
    pub(super) fn offered(kind: Kind, peer: ChannelId, window: u32) -> Self {
        let purpose = match kind {
            Kind::Session => Purpose::LocalProgram,
            _ => Purpose::Tunnel,
        };
        Self { peer, ..Self::new(State::offered(), purpose, kind, window) }
    }

    fn new(state: State, purpose: Purpose, kind: Kind, window: u32) -> Self {
        Self {
            state,
            class: Class::default(),
            purpose,
            kind: Some(Box::new(kind)),
            peer: ChannelId(0),
            receiver: Receiver::new(window),
            sender: Sender::new(),
            requests: None,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.state.stage()
    }

    pub(super) fn is_known_to_peer(&self) -> bool {
        self.state.is_known_to_peer()
    }

    pub(super) fn is_closed_by_peer(&self) -> bool {
        self.state.is_closed_by_peer()
    }

    pub(super) fn is_held(&self) -> bool {
        self.state.is_held()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state.is_gone()
    }

    /// The channel's number, as the peer counts.
    pub(super) fn peer(&self) -> ChannelId {
        self.peer
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    pub(super) fn set_class(&mut self, class: Class) {
        self.class = class;
    }

    /// Bytes that wait for a turn.
    pub(super) fn unsent(&self) -> usize {
        self.sender.len()
    }

    // What the peer does.

    /// The peer has said what it takes: at once where it asked for the channel, or when it
    /// grants one that was asked for.
    pub(super) fn open(&mut self, id: Id, window: u32, packet: u32) -> Result<(), Violation> {
        self.sender.open(id, window, packet)
    }

    pub(super) fn handle_confirmation(
        &mut self,
        id: Id,
        message: &ChannelOpenConfirmation,
        pool: &mut Pool,
    ) -> Result<(), Violation> {
        self.open(id, message.window, message.max_packet)?;
        debug!("{id} is open, as {} at the peer", message.sender);
        self.peer = message.sender;
        self.state.handle_confirmation();
        if self.state.is_held() {
            pool.tell(Event::Opened(id));
        }
        Ok(())
    }

    pub(super) fn handle_adjust(
        &mut self,
        id: Id,
        more: u32,
        pool: &mut Pool,
    ) -> Result<(), Violation> {
        self.sender.add(id, more, pool)
    }

    pub(super) fn handle_data(
        &mut self,
        id: Id,
        stream: Option<Stream>,
        data: Bytes,
        pool: &mut Pool,
    ) -> Result<(), Violation> {
        if self.state.theirs() == Theirs::Finished {
            return Err(Violation::AfterEof { channel: id.number() });
        }
        pool.traffic.count_received(data.len());
        if !self.state.is_held() {
            return Ok(());
        }
        self.receiver.handle_data(id, stream, data, pool)
    }

    pub(super) fn handle_eof(&mut self, id: Id, pool: &mut Pool) -> Result<(), Violation> {
        self.state.handle_eof();
        if self.state.is_held() {
            self.receiver.end(id, pool);
        }
        Ok(())
    }

    pub(super) fn handle_close(&mut self, id: Id, pool: &mut Pool) -> Result<(), Violation> {
        self.shut(id, pool);
        Ok(())
    }

    /// The connection has ended, which is as good as CLOSE from both sides.
    pub(super) fn sever(&mut self, id: Id, pool: &mut Pool) {
        if !self.state.is_closed_by_peer() {
            self.shut(id, pool);
        }
        self.state.said(Signal::Close);
    }

    fn shut(&mut self, id: Id, pool: &mut Pool) {
        debug!("{id} was closed by the peer");
        self.state.handle_close();
        self.sender.clear(pool);
        if let Some(requests) = &mut self.requests {
            requests.hush();
        }
        if self.state.is_held() {
            pool.tell(Event::Closed(id));
        }
    }

    pub(super) fn handle_request(
        &mut self,
        id: Id,
        message: ChannelRequest,
        pool: &mut Pool,
    ) -> Result<(), Violation> {
        if !self.state.is_held() {
            return Ok(());
        }
        if message.kind == channel_request::Kind::Eow {
            self.sender.handle_eow(id, pool);
        }
        let asked = (message.kind, message.want_reply);
        let requests = self.requests.get_or_insert_default();
        match requests.handle(asked, self.purpose, &pool.limits, &mut pool.load) {
            Ok(Notice::Quiet) => Ok(()),
            Ok(Notice::Tell) => {
                pool.tell(Event::Requested(id));
                Ok(())
            }
            Err(TooMany(limit)) => Err(Violation::TooMany { what: "channel requests", limit }),
        }
    }

    pub(super) fn handle_answer(
        &mut self,
        id: Id,
        verdict: Verdict,
        pool: &mut Pool,
    ) -> Result<(), Violation> {
        let awaited = self.requests.as_mut().is_some_and(|requests| requests.handle_answer());
        if awaited && self.state.is_held() {
            pool.tell(Event::Answered { id, verdict });
        }
        Ok(())
    }

    // What the user does.

    /// Hands over what an offered channel is for.
    pub(super) fn take_kind(&mut self) -> Option<Kind> {
        self.kind.take().map(|kind| *kind)
    }

    pub(super) fn accept(&mut self) {
        self.state.accept();
    }

    pub(super) fn take(&mut self, stream: Stream, pool: &mut Pool) -> Taken {
        if !self.state.is_held() {
            return Taken::Reset;
        }
        match (self.receiver.take(stream, pool), self.state.theirs()) {
            (Some(data), _) => Taken::Data(data),
            (None, Theirs::Writing) => Taken::Nothing,
            (None, Theirs::Finished | Theirs::Closed) => Taken::End,
            (None, Theirs::Reset) => Taken::Reset,
        }
    }

    pub(super) fn consume(&mut self, len: usize, pool: &mut Pool) {
        self.receiver.consume(len, pool);
    }

    pub(super) fn collect_stderr(&mut self) {
        self.receiver.collect_stderr();
    }

    pub(super) fn discard_stderr(&mut self, pool: &mut Pool) {
        self.receiver.discard_stderr(pool);
    }

    /// How many bytes are accepted now.
    pub(super) fn room(&self, pool: &Pool) -> Result<usize, Broken> {
        if self.state.is_finished() {
            Err(Broken::Finished)
        } else if !self.state.is_writing() {
            Err(Broken::Closed)
        } else if !self.sender.is_read() {
            Err(Broken::NotRead)
        } else {
            Ok(self.sender.room(pool))
        }
    }

    pub(super) fn write(
        &mut self,
        stream: Stream,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<usize, Broken> {
        self.room(pool)?;
        Ok(self.sender.write(stream, data, pool))
    }

    pub(super) fn push(
        &mut self,
        stream: Stream,
        data: &mut Bytes,
        pool: &mut Pool,
    ) -> Result<usize, Broken> {
        self.room(pool)?;
        Ok(self.sender.push(stream, data, pool))
    }

    pub(super) fn finish(&mut self) {
        self.state.finish();
        self.sender.finish();
    }

    /// The user wants it closed now.
    pub(super) fn abort(&mut self, pool: &mut Pool) {
        self.state.abort();
        self.sender.clear(pool);
    }

    /// The user lets go.
    pub(super) fn release(&mut self, pool: &mut Pool) -> Release {
        let release = self.state.release();
        self.sender.finish();
        if release != Release::Close {
            self.sender.clear(pool);
        }
        if let Some(requests) = &mut self.requests {
            requests.clear(&mut pool.load);
        }
        self.receiver.close(pool);
        release
    }

    pub(super) fn request(
        &mut self,
        kind: channel_request::Kind,
        reply: Reply,
    ) -> Result<(), Broken> {
        let speaks = self.state.is_speaking() || self.state.stage() == Stage::Accepted;
        if !speaks {
            return Err(Broken::Closed);
        }
        self.requests.get_or_insert_default().ask(kind, reply);
        Ok(())
    }

    pub(super) fn next_request(
        &mut self,
        pool: &mut Pool,
    ) -> Option<Request<channel_request::Kind>> {
        self.requests.as_mut()?.next(&mut pool.load)
    }

    pub(super) fn answer(&mut self, ticket: Ticket, verdict: Verdict) {
        if let Some(requests) = &mut self.requests {
            requests.answer(ticket, verdict);
        }
    }

    // What is to be sent.

    /// Whether there is something to say beside data.
    pub(super) fn speaks(&self) -> bool {
        self.utterance().is_some()
    }

    /// Answers go before EOF and CLOSE, and nothing goes before the channel is open.
    fn utterance(&self) -> Option<Utterance> {
        let signal = self.state.signal(self.sender.is_empty());
        if self.state.is_speaking() {
            if let Some(requests) = &self.requests {
                if requests.has_answer() {
                    return Some(Utterance::Answer);
                }
                if requests.has_outgoing() {
                    return Some(Utterance::Request);
                }
            }
            if self.state.is_reading() && self.receiver.is_credit_due() {
                return Some(Utterance::Credit);
            }
        }
        signal.map(Utterance::Signal)
    }

    /// The next message that is not data.
    pub(super) fn poll_speech(&mut self, id: Id, pool: &Pool) -> Option<ConnectionMessage> {
        match self.utterance()? {
            Utterance::Signal(signal) => self.say(id, signal, pool),
            Utterance::Credit => {
                let bytes_to_add = self.receiver.take_credit();
                Some(ChannelWindowAdjust { recipient: self.peer, bytes_to_add }.into())
            }
            Utterance::Answer => {
                let verdict = self.requests.as_mut()?.poll_answer()?;
                Some(match verdict {
                    Verdict::Granted => ChannelSuccess { recipient: self.peer }.into(),
                    Verdict::Refused => ChannelFailure { recipient: self.peer }.into(),
                })
            }
            Utterance::Request => {
                let (kind, reply) = self.requests.as_mut()?.poll_outgoing()?;
                let want_reply = reply.is_wanted();
                Some(ChannelRequest { recipient: self.peer, kind, want_reply }.into())
            }
        }
    }

    fn say(&mut self, id: Id, signal: Signal, pool: &Pool) -> Option<ConnectionMessage> {
        self.state.said(signal);
        let recipient = self.peer;
        let max_packet = pool.limits.receive_packet;
        let window = self.receiver.window();
        Some(match signal {
            Signal::Open => {
                let kind = self.take_kind()?;
                ChannelOpen { kind, sender: id.number(), window, max_packet }.into()
            }
            Signal::Confirmation => ChannelOpenConfirmation {
                recipient,
                sender: id.number(),
                window,
                max_packet,
                data: Rest::default(),
            }
            .into(),
            Signal::Eof => ChannelEof { recipient }.into(),
            Signal::Close => ChannelClose { recipient }.into(),
        })
    }

    /// The next message of data.
    pub(super) fn poll_data(&mut self, id: Id, pool: &mut Pool) -> Option<ConnectionMessage> {
        let recipient = self.peer;
        let (stream, data) = self.sender.take(id, pool)?;
        Some(match stream {
            Stream::Main => ChannelData { recipient, data }.into(),
            Stream::Stderr => ChannelExtendedData { recipient, data_type: STDERR, data }.into(),
        })
    }
}
