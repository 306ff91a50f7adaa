//! The multiplexer.

use std::time::Instant;

use adit_proto::message::channel_data::STDERR;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{ChannelOpen, ChannelOpenFailure, Reason};
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::global_request::{self, GlobalRequest};
use adit_proto::message::number::Number;
use bytes::Bytes;
use tracing::{debug, trace};

use crate::mux::channel::Channel;
use crate::mux::class::Class;
use crate::mux::event::Event;
use crate::mux::globals::{Asker, Globals};
use crate::mux::id::Id;
use crate::mux::keepalive::{Due, Unresponsive, Watch};
use crate::mux::limits::Limits;
use crate::mux::line::Line;
use crate::mux::load::Load;
use crate::mux::offer;
use crate::mux::offers::Offers;
use crate::mux::pool::Pool;
use crate::mux::questions::{Notice, TooMany};
use crate::mux::request::{Answer, Reply, Verdict};
use crate::mux::schedule::Schedule;
use crate::mux::state::Stage;
use crate::mux::stream::Stream;
use crate::mux::table::Table;
use crate::mux::traffic::Traffic;
use crate::mux::violation::Violation;

/// The channels of one connection; the [module](crate::mux) says how it is used.
///
/// Each call costs the same however many channels there are.
#[derive(Debug)]
pub struct Mux {
    pub(super) pool: Pool,
    pub(super) table: Table<Channel>,
    pub(super) globals: Globals,
    pub(super) offers: Offers,
    /// Channels that have something to say beside data.
    speakers: Line,
    /// Channels that have data to send.
    schedule: Schedule,
    watch: Option<Watch>,
    life: Life,
}

#[derive(Debug)]
enum Life {
    Going,
    /// The peer broke the protocol.
    Broken(Violation),
    Ended,
}

/// No channel can be had: there are as many as [`Limits`] allow, or their windows have used
/// up the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many channels are open")]
pub struct Shortage;

impl Mux {
    /// A mux without channels.
    pub fn new(now: Instant, limits: Limits) -> Self {
        let pool = Pool::new(limits);
        Self {
            table: Table::new(),
            globals: Globals::default(),
            offers: Offers::default(),
            speakers: Line::default(),
            schedule: Schedule::new(pool.limits.send_packet),
            watch: pool.limits.keepalive.map(|config| Watch::new(now, config)),
            life: Life::Going,
            pool,
        }
    }

    /// What the mux holds.
    pub fn load(&self) -> Load {
        Load { windows: self.pool.budget.lent(), ..self.pool.load }
    }

    /// What the mux has carried so far.
    pub fn traffic(&self) -> Traffic {
        self.pool.traffic
    }

    /// Takes in a message of the peer.
    ///
    /// # Errors
    /// [`Violation`] where the peer broke the protocol, or a limit. Nothing works from then
    /// on: there is nothing to send, and every further message brings the same violation.
    pub fn handle_message(
        &mut self,
        now: Instant,
        message: ConnectionMessage,
    ) -> Result<(), Violation> {
        match &self.life {
            Life::Going => {}
            Life::Broken(violation) => return Err(violation.clone()),
            Life::Ended => return Ok(()),
        }
        self.pool.path.handle_time(now);
        if let Some(watch) = &mut self.watch {
            watch.heard(now);
        }
        let result = self.dispatch(message);
        if let Err(violation) = &result {
            self.life = Life::Broken(violation.clone());
        }
        result
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if ever. It changes
    /// with every message of the peer, to a later time only.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.watch.as_ref().and_then(Watch::deadline)
    }

    /// Says that it is `now`. Too early a call does nothing.
    ///
    /// # Errors
    /// [`Unresponsive`] where the peer has been silent for too long.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Unresponsive> {
        let Some(watch) = &mut self.watch else {
            return Ok(());
        };
        if watch.handle_timeout(now)? == Due::Question {
            let kind = global_request::Kind::Keepalive;
            self.globals.ask(Asker::Keepalive, kind, Reply::Wanted);
        }
        Ok(())
    }

    /// Asks the peer a few questions whose answers tell how long the path is; windows grow
    /// beyond the initial size only where that was measured and is long, and are made smaller only
    /// where it is short. It measures best while nothing else is under way, as at the beginning;
    /// later calls cost nothing.
    pub fn measure_path(&mut self, now: Instant) {
        self.pool.path.handle_time(now);
        self.ask_for_path();
    }

    fn ask_for_path(&mut self) {
        let limits = &self.pool.limits;
        if limits.max_window > limits.initial_window && self.pool.path.ask() {
            let kind = global_request::Kind::Keepalive;
            self.globals.ask(Asker::Path, kind, Reply::Wanted);
        }
    }

    /// What there is to tell; `None` when all is told.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.pool.events.pop_front()
    }

    /// Whether anything is sent and received still.
    pub(super) fn is_going(&self) -> bool {
        matches!(self.life, Life::Going)
    }

    /// Whether there is a message to send.
    pub fn has_message(&self) -> bool {
        self.is_going()
            && (self.globals.has_message()
                || self.offers.refusals() > 0
                || !self.speakers.is_empty()
                || self.pool.load.outbox > 0)
    }

    /// The next message to send: answers and credit first, then data, channel by channel in
    /// turn.
    pub fn poll_message(&mut self) -> Option<ConnectionMessage> {
        if !self.is_going() {
            return None;
        }
        if let Some(message) = self.globals.poll_message() {
            return Some(message);
        }
        if let Some(refusal) = self.offers.poll_refusal() {
            return Some(refusal.into());
        }
        self.poll_speech().or_else(|| self.poll_data())
    }

    /// The connection has ended: nothing more is sent and nothing comes. All channels are
    /// closed as if the peer had closed them; what was received can be taken still.
    pub fn end(&mut self) {
        self.life = Life::Ended;
        let ids: Vec<Id> = self.table.ids().collect();
        for id in ids {
            self.with(id, |channel, pool| channel.sever(id, pool));
        }
    }

    fn poll_speech(&mut self) -> Option<ConnectionMessage> {
        loop {
            let id = self.speakers.serve()?;
            let channel = self.table.get_mut(id);
            let message = channel.and_then(|channel| channel.poll_speech(id, &self.pool));
            self.settle(id);
            if message.is_some() {
                return message;
            }
        }
    }

    fn poll_data(&mut self) -> Option<ConnectionMessage> {
        loop {
            let id = self.schedule.turn()?;
            let Some(channel) = self.table.get_mut(id) else {
                self.schedule.leave(id);
                continue;
            };
            let before = channel.unsent();
            if let Some(message) = channel.poll_data(id, &mut self.pool) {
                let len = before.saturating_sub(channel.unsent());
                self.schedule.sent(id, len);
                self.pool.traffic.count_sent(len);
                self.settle(id);
                return Some(message);
            }
            self.schedule.leave(id);
        }
    }

    /// Puts a channel in, where there may be one more and it finds a window.
    pub(super) fn insert(&mut self, channel: impl FnOnce(u32) -> Channel) -> Option<Id> {
        let channels = self.table.len();
        if channels >= self.pool.limits.channels {
            return None;
        }
        let window = self.pool.budget.lend_first(channels, &self.pool.limits)?;
        let id = self.table.insert(channel(window))?;
        self.count();
        Some(id)
    }

    /// Takes a channel that the user has let go out.
    pub(super) fn remove(&mut self, id: Id) {
        let class = self.table.remove(id).map(|channel| channel.class());
        if let Some(count) = class.and_then(|class| self.pool.load.of_class(class)) {
            *count = count.saturating_sub(1);
        }
        self.speakers.leave(id);
        self.schedule.leave(id);
        self.count();
    }

    fn count(&mut self) {
        self.pool.load.channels = self.table.len();
        self.pool.budget.count(self.table.len());
    }

    /// Gives a channel a class. What it had to send waits anew.
    pub(super) fn classify(&mut self, id: Id, class: Class) {
        let Some(channel) = self.table.get_mut(id) else {
            return;
        };
        let before = channel.class();
        channel.set_class(class);
        if before == class {
            return;
        }
        if let Some(count) = self.pool.load.of_class(before) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.pool.load.of_class(class) {
            *count = count.saturating_add(1);
        }
        self.schedule.leave(id);
        self.settle(id);
    }

    /// Does something to a channel and [settles](Self::settle) it. `None` where it is gone.
    pub(super) fn with<T>(
        &mut self,
        id: Id,
        act: impl FnOnce(&mut Channel, &mut Pool) -> T,
    ) -> Option<T> {
        let channel = self.table.get_mut(id)?;
        let result = act(channel, &mut self.pool);
        self.settle(id);
        Some(result)
    }

    /// After anything that concerns a channel: gives it a place among those that have
    /// something to say or to send, and takes it out when nothing is left of it.
    pub(super) fn settle(&mut self, id: Id) {
        self.pool.budget.hold(self.pool.load.outbox);
        let Some(channel) = self.table.get_mut(id) else {
            return;
        };
        if channel.is_gone() {
            return self.remove(id);
        }
        if channel.speaks() {
            self.speakers.join(id);
        } else {
            self.speakers.leave(id);
        }
        if channel.unsent() > 0 {
            self.schedule.ready(id, channel.class(), channel.unsent());
        }
    }
}

/// What the peer does.
impl Mux {
    fn dispatch(&mut self, message: ConnectionMessage) -> Result<(), Violation> {
        use ConnectionMessage as M;
        let number = message.number();
        match message {
            M::GlobalRequest(it) => self.handle_global_request(it),
            M::RequestSuccess(it) => {
                let data = Bytes::copy_from_slice(&it.data.0);
                self.handle_global_answer(Answer::Granted(data), number)
            }
            M::RequestFailure(_) => self.handle_global_answer(Answer::Refused, number),
            M::ChannelOpen(it) => self.handle_open(it),
            M::ChannelOpenConfirmation(it) => {
                let id = self.asked(it.recipient, number)?;
                self.try_with(id, |channel, pool| channel.handle_confirmation(id, &it, pool))
            }
            M::ChannelOpenFailure(it) => {
                let id = self.asked(it.recipient, number)?;
                self.handle_open_failure(id, it)
            }
            M::ChannelData(it) => {
                let (id, stream) = (self.known(it.recipient, number)?, Some(Stream::Main));
                self.try_with(id, |channel, pool| channel.handle_data(id, stream, it.data, pool))
            }
            M::ChannelExtendedData(it) => {
                let id = self.known(it.recipient, number)?;
                let stream = (it.data_type == STDERR).then_some(Stream::Stderr);
                self.try_with(id, |channel, pool| channel.handle_data(id, stream, it.data, pool))
            }
            M::ChannelRequest(it) => {
                let id = self.known(it.recipient, number)?;
                self.try_with(id, |channel, pool| channel.handle_request(id, it, pool))
            }
            M::ChannelEof(it) => {
                let id = self.known(it.recipient, number)?;
                self.try_with(id, |channel, pool| channel.handle_eof(id, pool))
            }
            M::ChannelClose(it) => {
                let id = self.known(it.recipient, number)?;
                self.try_with(id, |channel, pool| channel.handle_close(id, pool))
            }
            M::ChannelWindowAdjust(it) => {
                let more = it.bytes_to_add;
                self.perhaps(it.recipient, |channel, id, pool| {
                    channel.handle_adjust(id, more, pool)
                })
            }
            M::ChannelSuccess(it) => self.perhaps(it.recipient, |channel, id, pool| {
                channel.handle_answer(id, Verdict::Granted, pool)
            }),
            M::ChannelFailure(it) => self.perhaps(it.recipient, |channel, id, pool| {
                channel.handle_answer(id, Verdict::Refused, pool)
            }),
        }
    }

    /// The channel with this number, which must be open on both sides.
    fn known(&self, channel: ChannelId, message: Number) -> Result<Id, Violation> {
        self.find(channel, Channel::is_known_to_peer).ok_or(Violation::NotOpen { channel, message })
    }

    /// The channel with this number, which must be one that an answer is awaited for.
    fn asked(&self, channel: ChannelId, message: Number) -> Result<Id, Violation> {
        self.find(channel, |channel| channel.stage() == Stage::Asked)
            .ok_or(Violation::NotAsked { channel, message })
    }

    fn find(&self, channel: ChannelId, fits: impl Fn(&Channel) -> bool) -> Option<Id> {
        let id = self.table.find(channel)?;
        self.table.get(id).filter(|channel| fits(channel)).map(|_| id)
    }

    /// Does something to the channel with this number, where it is open on both sides. The
    /// message may have been under way when it was closed.
    fn perhaps(
        &mut self,
        channel: ChannelId,
        act: impl FnOnce(&mut Channel, Id, &mut Pool) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        match self.find(channel, Channel::is_known_to_peer) {
            Some(id) => self.try_with(id, |channel, pool| act(channel, id, pool)),
            None => {
                trace!("a late message for {channel}");
                Ok(())
            }
        }
    }

    fn try_with(
        &mut self,
        id: Id,
        act: impl FnOnce(&mut Channel, &mut Pool) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        self.with(id, act).unwrap_or(Ok(()))
    }

    fn handle_open(&mut self, open: ChannelOpen) -> Result<(), Violation> {
        let Some(id) = self.insert_offer(&open) else {
            let limit = self.pool.limits.answers;
            if self.offers.refusals() >= limit {
                return Err(Violation::TooMany { what: "opens", limit });
            }
            debug!("refused a {:?} channel: there are too many", open.kind.name());
            self.offers.refuse(open.sender, Reason::RESOURCE_SHORTAGE, "too many channels");
            return Ok(());
        };
        self.try_with(id, |channel, _| channel.open(id, open.window, open.max_packet))?;
        self.offers.push(id, &mut self.pool);
        Ok(())
    }

    fn insert_offer(&mut self, open: &ChannelOpen) -> Option<Id> {
        let (load, limits) = (&self.pool.load, &self.pool.limits);
        let offers = load.offers.saturating_add(1);
        let requests = load.requests.saturating_add(offer::weight(&open.kind));
        if offers > limits.offers || requests > limits.request_budget {
            return None;
        }
        let kind = offer::detached(open.kind.clone());
        let id = self.insert(|window| Channel::offered(kind, open.sender, window))?;
        self.pool.load.offers = offers;
        self.pool.load.requests = requests;
        Some(id)
    }

    fn handle_open_failure(
        &mut self,
        id: Id,
        failure: ChannelOpenFailure,
    ) -> Result<(), Violation> {
        self.with(id, |channel, pool| {
            if channel.is_held() {
                let (reason, description) = (failure.reason, failure.description);
                pool.tell(Event::Refused { id, reason, description });
            }
            channel.release(pool);
        });
        self.remove(id);
        Ok(())
    }

    fn handle_global_request(&mut self, request: GlobalRequest) -> Result<(), Violation> {
        self.pool.announced |= matches!(request.kind, global_request::Kind::HostKeys { .. });
        let Pool { limits, load, .. } = &mut self.pool;
        match self.globals.handle_request(request, limits, load) {
            Ok(Notice::Tell) => self.pool.tell(Event::GlobalRequested),
            Ok(Notice::Quiet) => {}
            Err(TooMany(limit)) => {
                return Err(Violation::TooMany { what: "global requests", limit });
            }
        }
        Ok(())
    }

    fn handle_global_answer(&mut self, answer: Answer, message: Number) -> Result<(), Violation> {
        let asker = self.globals.handle_answer().ok_or(Violation::NothingAsked { message })?;
        match asker {
            Asker::User => self.pool.tell(Event::GlobalAnswered(answer)),
            Asker::Path => {
                self.pool.path.handle_answer();
                self.ask_for_path();
            }
            Asker::Keepalive => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
