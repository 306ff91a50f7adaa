//! Two muxes under random operations, checked against a model that knows what was written,
//! asked and closed, and against the windows as they stand on the wire.

#![cfg(test)]

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use adit_channels::mux::{
    Answer, Event, Id, Limits, Load, Mux, Reply, Stream, Taken, Ticket, Verdict,
};
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{Kind, Reason};
use adit_proto::message::channel_request::{self, ChannelRequest};
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::global_request::{self, Bind};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

type Checked = Result<(), TestCaseError>;

/// One of the two sides.
type Side = usize;

/// What to do, on which side, with which of the things that there are, and how much.
type Operation = (What, Side, usize, usize);

#[derive(Debug, Clone, Copy)]
enum What {
    Open,
    Decide,
    Write,
    Read,
    Finish,
    Close,
    Request,
    Answer,
    Global,
    Transmit,
    Deliver,
}

fn operation() -> impl Strategy<Value = Operation> {
    let what = prop_oneof![
        2 => Just(What::Open),
        6 => Just(What::Decide),
        16 => Just(What::Write),
        16 => Just(What::Read),
        2 => Just(What::Finish),
        1 => Just(What::Close),
        4 => Just(What::Request),
        4 => Just(What::Answer),
        2 => Just(What::Global),
        12 => Just(What::Transmit),
        12 => Just(What::Deliver),
    ];
    (what, 0_usize..2, 0_usize..20, 0_usize..3000)
}

const STREAMS: [Stream; 2] = [Stream::Main, Stream::Stderr];

/// Small ones, so that all of them are reached.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.channels = 12;
    limits.offers = 4;
    limits.min_window = 100;
    limits.initial_window = 3000;
    limits.max_window = 8000;
    limits.receive_budget = 20_000;
    limits.receive_packet = 700;
    limits.send_packet = 500;
    limits.outbox = 2000;
    limits
}

/// What one end of a channel knows and has done.
#[derive(Debug, Default)]
struct End {
    id: Option<Id>,
    /// Bytes by stream.
    written: [usize; 2],
    read: [usize; 2],
    finished: bool,
    closed: bool,
    /// `Nothing` was the last thing read, and no event has come since.
    starved: [bool; 2],
    /// A write was cut short, and no event has come since.
    blocked: bool,
    /// Requests with and answers without their like.
    asked: usize,
    answered: usize,
    /// What is or will be answered to the other end.
    verdicts: Vec<Option<Verdict>>,
    /// Places of those that the user has to take, and that it has taken.
    to_take: VecDeque<usize>,
    taken: Vec<(usize, Ticket)>,
    /// What the other end may send, as the wire says.
    window: usize,
    packet: usize,
}

/// A channel, by its two ends.
#[derive(Debug, Default)]
struct Link {
    opener: Side,
    session: bool,
    ends: [End; 2],
}

struct World {
    now: Instant,
    muxes: [Mux; 2],
    flights: [VecDeque<ConnectionMessage>; 2],
    links: Vec<Link>,
    /// Links by the names that a user, and the wire, have for them.
    ids: [HashMap<Id, usize>; 2],
    numbers: [HashMap<ChannelId, usize>; 2],
    /// Links that are asked for: on their way to a side, and waiting there.
    opens: [VecDeque<usize>; 2],
    offers: [VecDeque<usize>; 2],
    globals: [usize; 2],
}

/// The byte at a place of a stream.
fn byte(link: usize, side: Side, stream: usize, place: usize) -> u8 {
    let mixed = place.wrapping_mul(31) ^ (place >> 8) ^ (link * 89 + side * 53 + stream * 17);
    u8::try_from(mixed % 251).unwrap()
}

/// What users do.
impl World {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            muxes: [Mux::new(now, limits()), Mux::new(now, limits())],
            flights: Default::default(),
            links: vec![],
            ids: Default::default(),
            numbers: Default::default(),
            opens: Default::default(),
            offers: Default::default(),
            globals: [0; 2],
        }
    }

    fn run(&mut self, (what, side, which, size): Operation) -> Checked {
        match what {
            What::Open => self.open(side),
            What::Decide => self.decide(side, size % 8 != 0),
            What::Write => self.write(side, which, size)?,
            What::Read => self.read(side, which, size)?,
            What::Finish => self.finish(side, which),
            What::Close => self.close(side, which),
            What::Request => self.request(side, which, size),
            What::Answer => self.answer(side, which, size),
            What::Global => self.global(side, size),
            What::Transmit => self.transmit(side, size % 16)?,
            What::Deliver => self.deliver(side, size % 16)?,
        }
        self.events(side)?;
        let load = self.muxes[side].load();
        prop_assert!(load.windows <= limits().receive_budget);
        prop_assert!(u64::try_from(load.inbox).unwrap() <= load.windows);
        prop_assert!(load.channels <= limits().channels);
        Ok(())
    }

    /// A channel that the user of this side holds.
    fn held(&self, side: Side, which: usize) -> Option<(usize, Id)> {
        let ends = (0..).zip(&self.links).map(|(number, link)| (number, &link.ends[side]));
        let held: Vec<(usize, Id)> = ends
            .filter(|(_, end)| !end.closed)
            .filter_map(|(number, end)| Some((number, end.id?)))
            .collect();
        held.get(which % held.len().max(1)).copied()
    }

    fn open(&mut self, side: Side) {
        let number = self.links.len();
        let session = number.is_multiple_of(2);
        let path = number.to_string();
        let kind = if session { Kind::Session } else { Kind::DirectStreamlocal { path } };
        if let Ok(id) = self.muxes[side].open(kind) {
            self.links.push(Link { opener: side, session, ..Link::default() });
            self.hold(side, number, id);
        }
    }

    fn hold(&mut self, side: Side, number: usize, id: Id) {
        self.muxes[side].collect_stderr(id);
        self.ids[side].insert(id, number);
        self.links[number].ends[side].id = Some(id);
    }

    fn decide(&mut self, side: Side, accept: bool) {
        if let Some(offer) = self.muxes[side].next_offer() {
            let number = self.offers[side].pop_front().unwrap();
            if accept {
                self.muxes[side].accept(offer.id);
                self.hold(side, number, offer.id);
            } else {
                self.muxes[side].refuse(offer.id, Reason::CONNECT_FAILED, "no");
            }
        }
    }

    fn write(&mut self, side: Side, which: usize, size: usize) -> Checked {
        let Some((number, id)) = self.held(side, which) else {
            return Ok(());
        };
        let end = &mut self.links[number].ends[side];
        let stream = usize::from(size.is_multiple_of(5));
        let places = end.written[stream]..end.written[stream] + size;
        let data: Vec<u8> = places.map(|place| byte(number, side, stream, place)).collect();
        let accepted = if size.is_multiple_of(2) {
            self.muxes[side].write(id, STREAMS[stream], &data)
        } else {
            let mut chunk = Bytes::from(data);
            let accepted = self.muxes[side].write_chunk(id, STREAMS[stream], &mut chunk);
            prop_assert_eq!(accepted.unwrap_or(0), size - chunk.len());
            accepted
        };
        if let Ok(accepted) = accepted {
            prop_assert!(!end.finished);
            end.written[stream] += accepted;
            end.blocked = accepted < size;
        }
        Ok(())
    }

    fn read(&mut self, side: Side, which: usize, size: usize) -> Checked {
        let stream = usize::from(size.is_multiple_of(5));
        let Some((number, id)) = self.held(side, which) else {
            return Ok(());
        };
        for _ in 0..size % 8 {
            let [end, other] = self.links[number].ends.each_mut();
            let (end, other) = if side == 0 { (end, other) } else { (other, end) };
            let all = end.read[stream] == other.written[stream];
            match self.muxes[side].take(id, STREAMS[stream]) {
                Taken::Data(data) => {
                    self.muxes[side].consume(id, data.len());
                    for got in data {
                        let place = end.read[stream];
                        prop_assert_eq!(got, byte(number, 1 - side, stream, place));
                        end.read[stream] += 1;
                    }
                    prop_assert!(end.read[stream] <= other.written[stream]);
                }
                Taken::Nothing => end.starved[stream] = true,
                Taken::End => prop_assert!(other.finished && all, "a false end of file"),
                Taken::Reset => prop_assert!(other.closed && !other.finished),
            }
        }
        Ok(())
    }

    fn finish(&mut self, side: Side, which: usize) {
        if let Some((number, id)) = self.held(side, which) {
            // It means something only while the user may write.
            self.links[number].ends[side].finished |= self.muxes[side].room(id).is_ok();
            self.muxes[side].finish(id);
        }
    }

    fn close(&mut self, side: Side, which: usize) {
        if let Some((number, id)) = self.held(side, which) {
            self.muxes[side].close(id);
            self.ids[side].remove(&id);
            self.links[number].ends[side].closed = true;
        }
    }

    fn request(&mut self, side: Side, which: usize, size: usize) {
        let kind = match size % 3 {
            0 => channel_request::Kind::Shell,
            1 => channel_request::Kind::ExitStatus { status: 0 },
            _ => channel_request::Kind::Keepalive,
        };
        if let Some((number, id)) = self.held(side, which)
            && self.muxes[side].request(id, kind, Reply::Wanted).is_ok()
        {
            self.links[number].ends[side].asked += 1;
        }
    }

    /// Takes all requests on a channel and answers one of them.
    fn answer(&mut self, side: Side, which: usize, size: usize) {
        let Some((number, id)) = self.held(side, which) else {
            return;
        };
        let end = &mut self.links[number].ends[side];
        while let Some(request) = self.muxes[side].next_request(id) {
            let place = end.to_take.pop_front().unwrap();
            end.taken.push((place, request.ticket.unwrap()));
        }
        if !end.taken.is_empty() {
            let (place, ticket) = end.taken.swap_remove(size % end.taken.len());
            let verdict = if size.is_multiple_of(2) { Verdict::Granted } else { Verdict::Refused };
            self.muxes[side].answer(id, ticket, verdict);
            end.verdicts[place] = Some(verdict);
        }
    }

    /// Asks something, and answers all that the other side asks.
    fn global(&mut self, side: Side, size: usize) {
        let bind = Bind { address: String::new(), port: 0 };
        let kind = match size % 3 {
            0 => global_request::Kind::TcpipForward(bind),
            _ => global_request::Kind::Keepalive,
        };
        self.muxes[side].global_request(kind, Reply::Wanted);
        self.globals[side] += 1;
        while let Some(request) = self.muxes[side].next_global_request() {
            self.muxes[side].answer_global(request.ticket.unwrap(), Answer::Refused);
        }
    }
}

/// What the wire does, and what muxes tell.
impl World {
    fn transmit(&mut self, side: Side, messages: usize) -> Checked {
        for _ in 0..messages {
            let Some(message) = self.muxes[side].poll_message() else {
                break;
            };
            self.sent(side, &message)?;
            self.flights[1 - side].push_back(message);
        }
        self.events(side)
    }

    /// Notes what a message says of numbers and windows, and holds data against them.
    fn sent(&mut self, side: Side, message: &ConnectionMessage) -> Checked {
        use ConnectionMessage as M;
        let (recipient, len) = match message {
            M::ChannelData(it) => (it.recipient, it.data.len()),
            M::ChannelExtendedData(it) => (it.recipient, it.data.len()),
            M::ChannelOpen(it) => {
                let ids = &self.ids[side];
                let number = *ids.iter().find(|(id, _)| id.number() == it.sender).unwrap().1;
                self.opens[1 - side].push_back(number);
                self.announced(side, number, it.sender, it.window, it.max_packet);
                return Ok(());
            }
            M::ChannelOpenConfirmation(it) => {
                let number = self.numbers[1 - side][&it.recipient];
                self.announced(side, number, it.sender, it.window, it.max_packet);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let end = &mut self.links[self.numbers[1 - side][&recipient]].ends[1 - side];
        prop_assert!(0 < len && len <= end.packet && len <= end.window, "{len} for {end:?}");
        end.window -= len;
        Ok(())
    }

    fn announced(&mut self, side: Side, link: usize, name: ChannelId, window: u32, packet: u32) {
        self.numbers[side].insert(name, link);
        let end = &mut self.links[link].ends[side];
        end.window = usize::try_from(window).unwrap();
        end.packet = usize::try_from(packet).unwrap();
    }

    fn deliver(&mut self, side: Side, messages: usize) -> Checked {
        for _ in 0..messages {
            let Some(message) = self.flights[side].pop_front() else {
                break;
            };
            self.arrives(side, &message);
            let open = matches!(message, ConnectionMessage::ChannelOpen(_));
            let offers = self.muxes[side].load().offers;
            prop_assert_eq!(self.muxes[side].handle_message(self.now, message), Ok(()));
            if open {
                let number = self.opens[side].pop_front().unwrap();
                if self.muxes[side].load().offers > offers {
                    self.offers[side].push_back(number);
                }
            }
            self.events(side)?;
        }
        Ok(())
    }

    fn arrives(&mut self, side: Side, message: &ConnectionMessage) {
        match message {
            // Credit counts when it has arrived.
            ConnectionMessage::ChannelWindowAdjust(it) => {
                let link = &mut self.links[self.numbers[side][&it.recipient]];
                link.ends[1 - side].window += usize::try_from(it.bytes_to_add).unwrap();
            }
            ConnectionMessage::ChannelRequest(it) => self.asked(side, it),
            _ => {}
        }
    }

    fn asked(&mut self, side: Side, request: &ChannelRequest) {
        let link = &mut self.links[self.numbers[side][&request.recipient]];
        let is_for_user = match request.kind {
            channel_request::Kind::Shell => link.session && link.opener != side,
            channel_request::Kind::ExitStatus { .. } => link.session && link.opener == side,
            _ => false,
        };
        let end = &mut link.ends[side];
        if !end.closed {
            if is_for_user {
                end.to_take.push_back(end.verdicts.len());
            }
            end.verdicts.push((!is_for_user).then_some(Verdict::Refused));
        }
    }

    fn events(&mut self, side: Side) -> Checked {
        while let Some(event) = self.muxes[side].poll_event() {
            match event {
                Event::Readable(id, stream) => {
                    let starved = &mut self.links[self.ids[side][&id]].ends[side].starved;
                    starved[usize::from(stream == Stream::Stderr)] = false;
                }
                Event::Writable(id) => {
                    self.links[self.ids[side][&id]].ends[side].blocked = false;
                }
                Event::Closed(id) => {
                    let end = &mut self.links[self.ids[side][&id]].ends[side];
                    (end.starved, end.blocked) = ([false; 2], false);
                }
                Event::Answered { id, verdict } => {
                    let link = &mut self.links[self.ids[side][&id]];
                    let place = link.ends[side].answered;
                    prop_assert_eq!(link.ends[1 - side].verdicts[place], Some(verdict));
                    link.ends[side].answered += 1;
                }
                Event::Refused { id, .. } => {
                    let number = self.ids[side].remove(&id).unwrap();
                    self.links[number].ends[side].closed = true;
                }
                Event::GlobalAnswered(_) => self.globals[side] -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// Carries all there is, both ways.
    fn settle(&mut self) -> Checked {
        while self.muxes.iter().any(Mux::has_message)
            || self.flights.iter().any(|it| !it.is_empty())
        {
            for side in 0..2 {
                self.transmit(side, usize::MAX)?;
                self.deliver(1 - side, usize::MAX)?;
            }
        }
        Ok(())
    }

    /// Nobody waits for what is there already.
    fn nobody_waits_in_vain(&mut self) -> Checked {
        for link in &self.links {
            for (end, mux) in link.ends.iter().zip(&mut self.muxes) {
                let Some(id) = end.id.filter(|_| !end.closed) else {
                    continue;
                };
                for (stream, starved) in STREAMS.into_iter().zip(end.starved) {
                    if starved {
                        prop_assert_eq!(mux.take(id, stream), Taken::Nothing);
                    }
                }
                if end.blocked && !end.finished {
                    prop_assert_eq!(mux.room(id), Ok(0));
                }
            }
        }
        Ok(())
    }

    /// Where both users hold on, everything that was written can be read.
    fn everything_arrives(&mut self) -> Checked {
        loop {
            let before = self.bytes_read();
            for side in 0..2 {
                for which in 0..self.links.len() {
                    // Seven pieces of each of the streams.
                    self.read(side, which, 7)?;
                    self.read(side, which, 15)?;
                }
            }
            self.settle()?;
            if self.bytes_read() == before {
                break;
            }
        }
        for link in self.links.iter().filter(|link| link.ends.iter().all(|end| !end.closed)) {
            prop_assert_eq!(link.ends[0].written, link.ends[1].read);
            prop_assert_eq!(link.ends[1].written, link.ends[0].read);
        }
        Ok(())
    }

    fn bytes_read(&self) -> usize {
        self.links.iter().flat_map(|link| &link.ends).flat_map(|end| end.read).sum()
    }

    /// All requests on channels that both users hold are answered, each once.
    fn all_is_answered(&mut self) -> Checked {
        for number in 0..self.links.len() {
            for side in 0..2 {
                for _ in 0..self.links[number].ends[side].verdicts.len() {
                    let ids = self.links[number].ends[side].id;
                    let which =
                        (0..).map_while(|which| self.held(side, which).map(|it| (which, it)));
                    let place = which.take(self.links.len()).find(|(_, it)| Some(it.1) == ids);
                    if let Some((which, _)) = place {
                        self.answer(side, which, number);
                    }
                }
            }
        }
        self.settle()?;
        for link in &self.links {
            if link.ends.iter().all(|end| !end.closed) {
                for side in 0..2 {
                    prop_assert_eq!(link.ends[side].answered, link.ends[side].asked);
                }
            }
        }
        Ok(())
    }

    /// All users close everything, and nothing is left.
    fn nothing_leaks(&mut self) -> Checked {
        for side in 0..2 {
            self.global(side, 0);
            while self.offers[side].front().is_some() {
                self.decide(side, false);
            }
            while self.held(side, 0).is_some() {
                self.close(side, 0);
            }
        }
        self.settle()?;
        for side in 0..2 {
            self.global(side, 1);
        }
        self.settle()?;
        prop_assert_eq!(self.globals, [0; 2]);
        for mux in &self.muxes {
            prop_assert_eq!(mux.load(), Load::default());
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn two_muxes_keep_to_the_model(
        operations in proptest::collection::vec(operation(), 1..3000),
    ) {
        let mut world = World::new();
        for operation in operations {
            world.run(operation)?;
        }
        world.settle()?;
        world.nobody_waits_in_vain()?;
        world.everything_arrives()?;
        world.all_is_answered()?;
        world.nothing_leaks()?;
    }
}
