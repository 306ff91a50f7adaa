//! What the user of a mux does.

use adit_proto::message::channel_open::{Kind, Reason};
use adit_proto::message::{channel_request, global_request};
use bytes::Bytes;

use crate::mux::channel::Channel;
use crate::mux::class::Class;
use crate::mux::globals::Asker;
use crate::mux::id::Id;
use crate::mux::mux::{Mux, Shortage};
use crate::mux::offer::{self, Offer};
use crate::mux::owed::Ticket;
use crate::mux::request::{Answer, Reply, Request, Verdict};
use crate::mux::state::{Release, Stage};
use crate::mux::stream::{Broken, Stream, Taken};

/// What the user does. An [`Id`] whose channel is gone is a closed channel to all of it.
impl Mux {
    /// Asks for a channel. [`Event::Opened`](crate::mux::Event::Opened) or
    /// [`Event::Refused`](crate::mux::Event::Refused) follows, unless it is
    /// [closed](Self::close) before.
    ///
    /// # Errors
    /// [`Shortage`] where there are too many.
    pub fn open(&mut self, kind: Kind) -> Result<Id, Shortage> {
        let id = self.insert(|window| Channel::queued(kind, window)).ok_or(Shortage)?;
        self.settle(id);
        Ok(id)
    }

    /// Says what a channel is for, as far as its turn among the others goes. Each begins as
    /// [`Class::Ordinary`].
    pub fn set_class(&mut self, id: Id, class: Class) {
        self.classify(id, class);
    }

    /// The oldest channel that the peer asks for and that was not looked at. Each must be
    /// [accepted](Self::accept) or [refused](Self::refuse).
    pub fn next_offer(&mut self) -> Option<Offer> {
        loop {
            let id = self.offers.next()?;
            let kind = self.table.get_mut(id).and_then(Channel::take_kind);
            if let Some(kind) = kind {
                let load = &mut self.pool.load;
                load.requests = load.requests.saturating_sub(offer::weight(&kind));
                return Some(Offer { id, kind });
            }
        }
    }

    /// Grants a channel that the peer asks for. It can be written to at once.
    pub fn accept(&mut self, id: Id) {
        if self.withdraw_offer(id).is_some() {
            self.with(id, |channel, _| channel.accept());
        }
    }

    /// Refuses a channel that the peer asks for. The description is for people.
    pub fn refuse(&mut self, id: Id, reason: Reason, description: &str) {
        if let Some(channel) = self.withdraw_offer(id) {
            let peer = channel.peer();
            if self.is_going() {
                self.offers.refuse(peer, reason, description);
            }
            self.with(id, |channel, pool| channel.release(pool));
            self.remove(id);
        }
    }

    /// The channel, if it waits for an answer, which it then does no more.
    fn withdraw_offer(&mut self, id: Id) -> Option<&mut Channel> {
        let channel = self.table.get_mut(id).filter(|it| it.stage() == Stage::Offered)?;
        self.pool.load.offers = self.pool.load.offers.saturating_sub(1);
        Some(channel)
    }

    /// The oldest bytes of a stream. They count as held until they are
    /// [consumed](Self::consume). After [`Taken::Nothing`],
    /// [`Event::Readable`](crate::mux::Event::Readable) says when to look again.
    pub fn take(&mut self, id: Id, stream: Stream) -> Taken {
        match self.table.get_mut(id) {
            Some(channel) => channel.take(stream, &mut self.pool),
            None => Taken::Reset,
        }
    }

    /// Says that the application has done with `len` bytes of those taken. This, and nothing
    /// else, lets the peer send more.
    pub fn consume(&mut self, id: Id, len: usize) {
        self.with(id, |channel, pool| channel.consume(len, pool));
    }

    /// Asks for the standard error stream; what comes before is dropped. To miss nothing,
    /// ask before the program is started.
    pub fn collect_stderr(&mut self, id: Id) {
        self.with(id, |channel, _| channel.collect_stderr());
    }

    /// Drops what the standard error stream has, and what will come.
    pub fn discard_stderr(&mut self, id: Id) {
        self.with(id, |channel, pool| channel.discard_stderr(pool));
    }

    /// How many bytes the channel accepts now.
    ///
    /// # Errors
    /// [`Broken`] where it accepts none, and never will.
    pub fn room(&self, id: Id) -> Result<usize, Broken> {
        self.table.get(id).ok_or(Broken::Closed)?.room(&self.pool)
    }

    /// Accepts as many bytes as there is room for, and says how many. After fewer than were
    /// given, [`Event::Writable`](crate::mux::Event::Writable) says when to try again.
    ///
    /// # Errors
    /// [`Broken`] where the channel accepts none, and never will.
    pub fn write(&mut self, id: Id, stream: Stream, data: &[u8]) -> Result<usize, Broken> {
        self.with(id, |channel, pool| channel.write(stream, data, pool)).ok_or(Broken::Closed)?
    }

    /// As [`write`](Self::write), and takes the accepted bytes off `data`. Large pieces are
    /// not copied: the memory that they are a part of is pinned until they are sent.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_chunk(
        &mut self,
        id: Id,
        stream: Stream,
        data: &mut Bytes,
    ) -> Result<usize, Broken> {
        self.with(id, |channel, pool| channel.push(stream, data, pool)).ok_or(Broken::Closed)?
    }

    /// Says that no more will be written: EOF goes behind the data,
    /// [RFC 4254 section 5.3](https://www.rfc-editor.org/rfc/rfc4254#section-5.3).
    pub fn finish(&mut self, id: Id) {
        self.with(id, |channel, _| channel.finish());
    }

    /// Lets go of a channel, in whatever state: it is never heard of again. Where it is
    /// open, CLOSE goes: behind the data and EOF after [`finish`](Self::finish), else at
    /// once, and what was not sent is dropped.
    pub fn close(&mut self, id: Id) {
        match self.table.get(id).map(Channel::stage) {
            Some(Stage::Offered) => {
                self.refuse(id, Reason::CONNECT_FAILED, "the channel was not taken");
            }
            Some(_) => {
                let release = self.with(id, |channel, pool| channel.release(pool));
                if release == Some(Release::Gone) {
                    self.remove(id);
                }
            }
            None => {}
        }
    }

    /// Lets go of a channel at once, finished or not: CLOSE goes, and what was not sent is
    /// dropped.
    pub fn abort(&mut self, id: Id) {
        self.with(id, |channel, pool| channel.abort(pool));
        self.close(id);
    }

    /// Whether the user holds this channel: it has neither let go of it nor seen it refused.
    pub fn is_held(&self, id: Id) -> bool {
        self.table.get(id).is_some_and(Channel::is_held)
    }

    /// Whether the peer has closed the channel.
    pub fn is_closed(&self, id: Id) -> bool {
        self.table.get(id).is_none_or(Channel::is_closed_by_peer)
    }

    /// Asks something on a channel. Answers that are wanted come as
    /// [`Event::Answered`](crate::mux::Event::Answered), in the order of the requests; none
    /// come any more when the channel is closed.
    ///
    /// # Errors
    /// [`Broken::Closed`] where the channel is not open.
    pub fn request(
        &mut self,
        id: Id,
        kind: channel_request::Kind,
        reply: Reply,
    ) -> Result<(), Broken> {
        self.with(id, |channel, _| channel.request(kind, reply)).ok_or(Broken::Closed)?
    }

    /// The oldest request of the peer on a channel that was not taken. Those that want a
    /// reply must be [answered](Self::answer), in any order.
    pub fn next_request(&mut self, id: Id) -> Option<Request<channel_request::Kind>> {
        self.with(id, |channel, pool| channel.next_request(pool))?
    }

    /// Answers a request on a channel.
    pub fn answer(&mut self, id: Id, ticket: Ticket, verdict: Verdict) {
        self.with(id, |channel, _| channel.answer(ticket, verdict));
    }

    /// Asks something of the connection. Answers that are wanted come as
    /// [`Event::GlobalAnswered`](crate::mux::Event::GlobalAnswered), in the order of the
    /// requests.
    pub fn global_request(&mut self, kind: global_request::Kind, reply: Reply) {
        if self.is_going() {
            self.globals.ask(Asker::User, kind, reply);
        }
    }

    /// The oldest global request of the peer that was not taken. Those that want a reply
    /// must be [answered](Self::answer_global), in any order.
    pub fn next_global_request(&mut self) -> Option<Request<global_request::Kind>> {
        self.globals.next(&mut self.pool.load)
    }

    /// Answers a global request.
    pub fn answer_global(&mut self, ticket: Ticket, answer: Answer) {
        self.globals.answer(ticket, answer);
    }
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::{Rest, Text};

    use super::*;
    use crate::mux::event::Event;
    use crate::mux::limits::Limits;
    use crate::mux::load::Load;
    use crate::mux::pair::{Pair, open, read, tunnel};

    #[test]
    fn both_sides_learn_that_a_channel_is_open() {
        let mut pair = Pair::new(&Limits::default());
        let (here, _) = pair.join(tunnel());
        assert_eq!(pair.events(), (vec![Event::Opened(here)], vec![Event::Offered]));
    }

    #[test]
    fn a_refusal_arrives_with_its_reason_and_leaves_nothing() {
        let mut pair = Pair::new(&Limits::default());
        let id = pair.here.open(tunnel()).unwrap();
        pair.exchange();
        let offer = pair.there.next_offer().unwrap();
        assert_eq!(offer.kind, tunnel());
        pair.there.refuse(offer.id, Reason::CONNECT_FAILED, "connection refused");
        pair.exchange();
        let description = Text::from("connection refused");
        let refused = Event::Refused { id, reason: Reason::CONNECT_FAILED, description };
        assert_eq!(pair.events().0, [refused]);
        assert_eq!((pair.here.load(), pair.there.load()), (Load::default(), Load::default()));
    }

    #[test]
    fn a_channel_goes_through_both_half_closes_and_is_gone() {
        let (mut pair, here, there) = open();
        pair.here.write(here, Stream::Main, b"question").unwrap();
        pair.here.finish(here);
        pair.exchange();
        assert_eq!(read(&mut pair.there, there, Stream::Main), (b"question".into(), Taken::End));
        pair.there.write(there, Stream::Main, b"answer").unwrap();
        pair.there.finish(there);
        pair.exchange();
        assert_eq!(read(&mut pair.here, here, Stream::Main), (b"answer".into(), Taken::End));
        pair.here.close(here);
        pair.exchange();
        assert!(pair.there.is_closed(there));
        pair.there.close(there);
        pair.exchange();
        assert_eq!((pair.here.load(), pair.there.load()), (Load::default(), Load::default()));
    }

    #[test]
    fn what_was_received_before_close_can_be_read_after_it_and_its_end_is_honest() {
        for finished in [true, false] {
            let (mut pair, here, there) = open();
            pair.here.write(here, Stream::Main, b"all").unwrap();
            pair.exchange();
            if finished {
                pair.here.finish(here);
            }
            pair.here.close(here);
            pair.exchange();
            let end = if finished { Taken::End } else { Taken::Reset };
            assert_eq!(read(&mut pair.there, there, Stream::Main), (b"all".into(), end));
            assert_eq!(pair.there.write(there, Stream::Main, b"x"), Err(Broken::Closed));
        }
    }

    #[test]
    fn closing_after_finishing_sends_all_that_was_accepted() {
        let (mut pair, here, there) = open();
        pair.here.write(here, Stream::Main, &[7; 100_000]).unwrap();
        pair.here.finish(here);
        pair.here.close(here);
        pair.exchange();
        let (bytes, end) = read(&mut pair.there, there, Stream::Main);
        assert_eq!((bytes.len(), end), (100_000, Taken::End));
    }

    #[test]
    fn closing_without_finishing_drops_what_was_not_sent() {
        let (mut pair, here, there) = open();
        pair.here.write(here, Stream::Main, &[7; 100_000]).unwrap();
        pair.here.close(here);
        pair.exchange();
        assert_eq!(read(&mut pair.there, there, Stream::Main), (vec![], Taken::Reset));
    }

    #[test]
    fn aborting_drops_what_was_not_sent_though_it_was_finished() {
        let (mut pair, here, there) = open();
        pair.here.write(here, Stream::Main, &[7; 100_000]).unwrap();
        pair.here.finish(here);
        pair.here.abort(here);
        assert!(!pair.here.is_held(here));
        pair.exchange();
        assert_eq!(read(&mut pair.there, there, Stream::Main), (vec![], Taken::Reset));
    }

    #[test]
    fn a_number_is_used_again_only_after_close_in_both_directions() {
        let (mut pair, here, there) = open();
        pair.there.close(there);
        assert_ne!(pair.there.open(tunnel()).unwrap().number(), there.number());
        pair.exchange();
        assert_eq!(pair.there.open(tunnel()).unwrap().number(), there.number());
        // Here the user still holds it.
        assert_ne!(pair.here.open(tunnel()).unwrap().number(), here.number());
        pair.here.close(here);
        assert_eq!(pair.here.open(tunnel()).unwrap().number(), here.number());
    }

    #[test]
    fn standard_error_is_a_stream_beside_the_main_one() {
        let (mut pair, here, there) = Pair::open(&Limits::default(), Kind::Session);
        pair.here.collect_stderr(here);
        pair.there.write(there, Stream::Main, b"out").unwrap();
        pair.there.write(there, Stream::Stderr, b"err").unwrap();
        pair.there.finish(there);
        pair.exchange();
        let readable = |stream| Event::Readable(here, stream);
        assert_eq!(pair.events().0, [readable(Stream::Main), readable(Stream::Stderr)]);
        assert_eq!(read(&mut pair.here, here, Stream::Stderr), (b"err".into(), Taken::End));
        assert_eq!(read(&mut pair.here, here, Stream::Main), (b"out".into(), Taken::End));
    }

    #[test]
    fn requests_of_a_session_reach_the_user_and_are_answered_in_order() {
        let (mut pair, here, there) = Pair::open(&Limits::default(), Kind::Session);
        let exec = channel_request::Kind::Exec { command: Bytes::from_static(b"true") };
        let odd = channel_request::Kind::Other { name: "odd".to_owned(), data: Rest::default() };
        pair.here.request(here, exec.clone(), Reply::Wanted).unwrap();
        pair.here.request(here, odd, Reply::Wanted).unwrap();
        pair.exchange();
        assert_eq!(pair.events(), (vec![], vec![Event::Requested(there)]));
        let request = pair.there.next_request(there).unwrap();
        assert_eq!(request.kind, exec);
        assert_eq!(pair.there.next_request(there), None);
        pair.there.answer(there, request.ticket.unwrap(), Verdict::Granted);
        let status = channel_request::Kind::ExitStatus { status: 3 };
        pair.there.request(there, status.clone(), Reply::Unwanted).unwrap();
        pair.exchange();
        let answered = |verdict| Event::Answered { id: here, verdict };
        let events =
            [answered(Verdict::Granted), answered(Verdict::Refused), Event::Requested(here)];
        assert_eq!(pair.events().0, events);
        assert_eq!(pair.here.next_request(here).unwrap().kind, status);
    }

    #[test]
    fn a_peer_that_reads_no_more_is_not_written_to() {
        let (mut pair, here, there) = open();
        pair.here.write(here, Stream::Main, &[7; 100_000]).unwrap();
        pair.there.request(there, channel_request::Kind::Eow, Reply::Unwanted).unwrap();
        let eow = pair.there.poll_message().unwrap();
        pair.here.handle_message(pair.now, eow).unwrap();
        assert_eq!(pair.here.write(here, Stream::Main, b"x"), Err(Broken::NotRead));
        pair.here.finish(here);
        pair.exchange();
        assert_eq!(read(&mut pair.there, there, Stream::Main), (vec![], Taken::End));
    }

    #[test]
    fn a_channel_closed_while_it_is_asked_for_vanishes() {
        // Before the peer has heard of it.
        let mut pair = Pair::new(&Limits::default());
        let id = pair.here.open(tunnel()).unwrap();
        pair.here.close(id);
        assert_eq!((pair.exchange(), pair.here.load()), (vec![], Load::default()));
        // While the peer decides.
        let id = pair.here.open(tunnel()).unwrap();
        pair.exchange();
        pair.here.close(id);
        let offer = pair.there.next_offer().unwrap();
        pair.there.accept(offer.id);
        pair.exchange();
        assert!(pair.there.is_closed(offer.id));
        assert_eq!((pair.here.load(), pair.events().0), (Load::default(), vec![]));
        // And where it is refused.
        let id = pair.here.open(tunnel()).unwrap();
        pair.exchange();
        pair.here.close(id);
        let offer = pair.there.next_offer().unwrap();
        pair.there.close(offer.id);
        pair.exchange();
        assert_eq!((pair.here.load(), pair.events().0), (Load::default(), vec![]));
    }
}
