//! Connections that share memory: greedy and stalled peers stay within it, and nobody starves.

#![cfg(test)]

use std::time::Instant;

use adit_channels::mux::{Fund, Id, Limits, Mux, Stream, Taken};
use adit_proto::message::channel_open::Kind;

const TOTAL: u64 = 32 << 20;
const CONNECTIONS: usize = 16;
/// What a channel can send and does not read, at most: more than its window and its outbox.
const MUCH: usize = 4 << 20;

/// A connection, and its peer, which is not held to the fund.
struct Connection {
    now: Instant,
    own: Mux,
    peer: Mux,
    channels: Vec<(Id, Id)>,
}

/// Whether the peer reads what is sent to it.
#[derive(Clone, Copy, PartialEq)]
enum Peer {
    Reads,
    Stalls,
}

impl Connection {
    fn new(fund: &Fund) -> Self {
        let now = Instant::now();
        let mut limits = Limits::default();
        limits.fund = Some(fund.clone());
        let (own, peer) = (Mux::new(now, limits), Mux::new(now, Limits::default()));
        Self { now, own, peer, channels: Vec::new() }
    }

    /// The peer opens a channel. None where that is refused.
    fn open(&mut self) -> Option<(Id, Id)> {
        let theirs = self.peer.open(Kind::Session).unwrap();
        self.exchange(Peer::Reads);
        let offer = self.own.next_offer()?;
        self.own.accept(offer.id);
        self.exchange(Peer::Reads);
        self.channels.push((offer.id, theirs));
        Some((offer.id, theirs))
    }

    fn exchange(&mut self, peer: Peer) {
        loop {
            let mut moved = false;
            while let Some(message) = self.peer.poll_message() {
                self.own.handle_message(self.now, message).unwrap();
                moved = true;
            }
            while peer == Peer::Reads
                && let Some(message) = self.own.poll_message()
            {
                self.peer.handle_message(self.now, message).unwrap();
                moved = true;
            }
            while self.own.poll_event().is_some() || self.peer.poll_event().is_some() {}
            if !moved {
                return;
            }
        }
    }

    /// Opens as many channels as it gets, up to a hundred, fills all of them, and reads nothing;
    /// what is sent to the peer stays.
    fn grab(&mut self) {
        for _ in 0..100 {
            self.open();
        }
        for (own, theirs) in self.channels.clone() {
            let much = vec![7; MUCH];
            while self.peer.write(theirs, Stream::Main, &much).unwrap() > 0 {
                self.exchange(Peer::Stalls);
            }
            while self.own.write(own, Stream::Main, &much).unwrap() > 0 {}
        }
    }

    /// Carries so many bytes in either direction through a channel whose both ends read.
    fn carry(&mut self, (own, theirs): (Id, Id), len: usize) {
        let (mut up, mut down, mut sent_up, mut sent_down) = (0, 0, 0, 0);
        let bytes = vec![7; len];
        for _ in 0..1_000_000 {
            sent_up += self.peer.write(theirs, Stream::Main, &bytes[sent_up..]).unwrap();
            sent_down += self.own.write(own, Stream::Main, &bytes[sent_down..]).unwrap();
            self.exchange(Peer::Reads);
            up += drain(&mut self.own, own);
            down += drain(&mut self.peer, theirs);
            if (up, down) == (len, len) {
                return;
            }
        }
        panic!("{up} up and {down} down of {len}: it starves");
    }
}

fn drain(mux: &mut Mux, id: Id) -> usize {
    let mut len = 0;
    while let Taken::Data(data) = mux.take(id, Stream::Main) {
        len += data.len();
        mux.consume(id, data.len());
    }
    len
}

/// What they hold together: receive windows, and what was accepted.
fn held(connections: &[Connection]) -> (u64, u64, usize) {
    let loads = connections.iter().map(|connection| connection.own.load());
    loads.fold((0, 0, 0), |(windows, outboxes, channels), load| {
        let outbox = u64::try_from(load.outbox).unwrap();
        assert!(u64::try_from(load.inbox).unwrap() <= load.windows);
        (windows + load.windows, outboxes + outbox, channels + load.channels)
    })
}

#[test]
fn greedy_and_stalled_peers_stay_within_the_fund_and_nobody_starves() {
    let fund = Fund::new(TOTAL, CONNECTIONS);
    let mut connections: Vec<Connection> = Vec::new();
    let slack = u64::try_from(Limits::default().outbox).unwrap() + (128 << 10);
    for number in 0..CONNECTIONS {
        let mut connection = Connection::new(&fund);
        // Who comes behind others that took what they could gets a channel, and it works.
        let channel = connection.open().expect("a channel");
        connection.carry(channel, 1 << 20);
        if number + 1 < CONNECTIONS {
            connection.grab();
        }
        connections.push(connection);
        let (windows, outboxes, channels) = held(&connections);
        assert!(windows <= TOTAL * 3 / 4, "{windows}");
        let own = u64::try_from(channels * 4096).unwrap();
        let most = TOTAL / 4 + u64::try_from(connections.len()).unwrap() * slack + own;
        assert!(outboxes <= most, "{outboxes} > {most}");
    }
    let (windows, outboxes, channels) = held(&connections);
    assert!(windows > TOTAL / 2 && outboxes > TOTAL / 8, "they took what they could");
    // In a floor there is room for so many of the smallest windows.
    assert!(channels > CONNECTIONS * 32, "{channels}");
    // Those that were there before go on too, where they read again.
    let first = connections.first_mut().unwrap();
    let (own, theirs) = *first.channels.last().unwrap();
    first.exchange(Peer::Reads);
    while drain(&mut first.own, own) + drain(&mut first.peer, theirs) > 0 {
        first.exchange(Peer::Reads);
    }
    first.carry((own, theirs), 100_000);
    drop(connections);
    assert_eq!(fund.used(), 0, "all of it comes back");
}

#[test]
fn a_channel_for_which_there_is_no_window_is_refused_and_the_others_go_on() {
    let limits = Limits::default();
    let fund = Fund::new(u64::from(limits.min_window) * 64, 1);
    let mut connection = Connection::new(&fund);
    let mut opened = 0;
    while connection.open().is_some() {
        opened += 1;
    }
    assert!((16..=48).contains(&opened), "{opened}");
    let channel = connection.channels[0];
    connection.carry(channel, 100_000);
    let (own, theirs) = connection.channels.pop().unwrap();
    connection.own.close(own);
    connection.peer.close(theirs);
    connection.exchange(Peer::Reads);
    assert!(connection.open().is_some(), "there is room for another one again");
}

#[test]
fn memory_that_is_shared_with_nobody_is_as_good_as_ones_own() {
    let mut alone = Connection::new(&Fund::new(512 << 20, 1));
    let channel = alone.open().unwrap();
    alone.carry(channel, 8 << 20);
    assert_eq!(alone.own.load().windows, u64::from(Limits::default().initial_window));
    assert_eq!(alone.own.room(channel.0), Ok(Limits::default().outbox));
}
