//! Peers that want harm: nothing they send panics, and nothing they send makes a mux hold
//! more than its limits say.

#![cfg(test)]

use std::time::Instant;

use adit_channels::mux::{Id, Limits, Mux, Reply, Stream, Violation};
use adit_proto::message::channel_close::{ChannelClose, ChannelEof};
use adit_proto::message::channel_data::{ChannelData, ChannelExtendedData, ChannelWindowAdjust};
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{
    ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure, Kind, Reason,
};
use adit_proto::message::channel_reply::{ChannelFailure, ChannelSuccess};
use adit_proto::message::channel_request::{self, ChannelRequest};
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::message::global_request::{self, Bind, GlobalRequest};
use adit_proto::wire::{Rest, Text};
use bytes::Bytes;
use proptest::prelude::*;

/// A mux and the peer's way to it. Its user takes the events and does nothing else.
struct Victim {
    now: Instant,
    mux: Mux,
    limits: Limits,
}

impl Victim {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self { now, mux: Mux::new(now, limits.clone()), limits }
    }

    fn send(&mut self, message: impl Into<ConnectionMessage>) -> Result<(), Violation> {
        let result = self.mux.handle_message(self.now, message.into());
        while self.mux.poll_event().is_some() {}
        self.check();
        result
    }

    /// Sends the same again and again, until the mux has enough.
    fn flood(&mut self, message: impl Fn(u32) -> ConnectionMessage) -> (u32, Violation) {
        for count in 0..1_000_000 {
            if let Err(violation) = self.send(message(count)) {
                return (count, violation);
            }
        }
        panic!("a million went through");
    }

    fn open(&mut self, kind: Kind) -> Id {
        self.send(open(0, kind)).unwrap();
        let id = self.mux.next_offer().unwrap().id;
        self.mux.accept(id);
        assert!(self.mux.poll_message().is_some());
        id
    }

    fn check(&self) {
        let (load, limits) = (self.mux.load(), &self.limits);
        assert!(load.channels <= limits.channels, "{load:?}");
        assert!(load.offers <= limits.offers, "{load:?}");
        assert!(load.windows <= limits.receive_budget, "{load:?}");
        assert!(u64::try_from(load.inbox).unwrap() <= load.windows, "{load:?}");
        assert!(load.requests <= limits.request_budget, "{load:?}");
    }
}

fn open(sender: u32, kind: Kind) -> ChannelOpen {
    ChannelOpen { kind, sender: ChannelId(sender), window: 1 << 20, max_packet: 1 << 15 }
}

fn tunnel(path: &str) -> Kind {
    Kind::DirectStreamlocal { path: path.to_owned() }
}

#[test]
fn opens_without_end_are_refused_and_then_cut_off() {
    let mut victim = Victim::new(Limits::default());
    let (count, violation) = victim.flood(|count| open(count, tunnel("/x")).into());
    let limits = Limits::default();
    let limit = limits.answers;
    assert_eq!(violation, Violation::TooMany { what: "opens", limit });
    assert_eq!(usize::try_from(count), Ok(limits.offers + limit));
}

#[test]
fn opens_with_long_names_are_refused_before_they_use_up_memory() {
    let mut victim = Victim::new(Limits::default());
    let path = "x".repeat(30_000);
    for count in 0..200 {
        victim.send(open(count, tunnel(&path))).unwrap();
    }
    let load = victim.mux.load();
    assert!(load.offers < 40 && load.channels == load.offers, "{load:?}");
}

#[test]
fn refused_opens_are_no_burden_on_a_peer_that_reads() {
    let mut limits = Limits::default();
    limits.channels = 3;
    let mut victim = Victim::new(limits);
    let mut refused = 0;
    for count in 0..10_000 {
        victim.send(open(count, tunnel("/x"))).unwrap();
        while let Some(message) = victim.mux.poll_message() {
            let failure = matches!(
                message,
                ConnectionMessage::ChannelOpenFailure(ChannelOpenFailure {
                    reason: Reason::RESOURCE_SHORTAGE,
                    ..
                })
            );
            assert!(failure);
            refused += 1;
        }
    }
    assert_eq!(refused, 10_000 - 3);
}

#[test]
fn questions_without_end_are_cut_off() {
    let bind = Bind { address: "x".repeat(1000), port: 1 };
    let kinds = [
        global_request::Kind::Keepalive,
        global_request::Kind::TcpipForward(bind),
        global_request::Kind::Other { name: "odd@example.org".to_owned(), data: Rest::default() },
    ];
    for kind in kinds {
        let mut victim = Victim::new(Limits::default());
        let (count, violation) =
            victim.flood(|_| GlobalRequest { kind: kind.clone(), want_reply: true }.into());
        let limit = Limits::default().answers;
        assert_eq!(violation, Violation::TooMany { what: "global requests", limit });
        assert_eq!(usize::try_from(count), Ok(limit));
    }
}

#[test]
fn questions_that_want_no_answer_are_dropped_when_nobody_takes_them() {
    let mut victim = Victim::new(Limits::default());
    let keys = vec![Bytes::from(vec![7; 1000]); 20];
    for _ in 0..1000 {
        let kind = global_request::Kind::HostKeys { keys: keys.clone() };
        victim.send(GlobalRequest { kind, want_reply: false }).unwrap();
    }
    assert!(!victim.mux.has_message());
    let mut taken = 0;
    while victim.mux.next_global_request().is_some() {
        taken += 1;
    }
    assert!((40..60).contains(&taken), "{taken}");
    assert_eq!(victim.mux.load().requests, 0);
}

#[test]
fn questions_on_a_channel_without_end_are_cut_off() {
    for kind in [Kind::Session, tunnel("/x")] {
        let mut victim = Victim::new(Limits::default());
        let recipient = victim.open(kind).number();
        let (count, violation) = victim.flood(|_| {
            let kind = channel_request::Kind::Shell;
            ChannelRequest { recipient, kind, want_reply: true }.into()
        });
        let limit = Limits::default().channel_answers;
        assert_eq!(violation, Violation::TooMany { what: "channel requests", limit });
        assert_eq!(usize::try_from(count), Ok(limit));
    }
}

#[test]
fn answers_that_are_read_may_be_asked_for_without_end() {
    let mut victim = Victim::new(Limits::default());
    let recipient = victim.open(tunnel("/x")).number();
    for _ in 0..10_000 {
        let kind = channel_request::Kind::Keepalive;
        victim.send(ChannelRequest { recipient, kind, want_reply: true }).unwrap();
        assert_eq!(
            victim.mux.poll_message(),
            Some(ChannelFailure { recipient: ChannelId(0) }.into())
        );
    }
}

#[test]
fn all_windows_filled_at_once_stay_within_the_budget() {
    let mut limits = Limits::default();
    limits.receive_budget = 4 << 20;
    let mut victim = Victim::new(limits);
    let mut windows = vec![];
    for count in 0.. {
        victim.send(open(count, tunnel("/x"))).unwrap();
        let Some(offer) = victim.mux.next_offer() else {
            break;
        };
        victim.mux.accept(offer.id);
        match victim.mux.poll_message() {
            Some(ConnectionMessage::ChannelOpenConfirmation(it)) => windows.push(it),
            other => panic!("{other:?}"),
        }
    }
    assert!(windows.len() > 300, "{}", windows.len());
    for granted in windows {
        let mut left = usize::try_from(granted.window).unwrap();
        while left > 0 {
            let data = Bytes::from(vec![7; left.min(32 * 1024)]);
            left -= data.len();
            victim.send(ChannelData { recipient: granted.sender, data }).unwrap();
        }
    }
    // The last refusal is all there is to say: nobody has read, and nothing is credited.
    assert!(victim.mux.poll_message().is_some());
    assert!(!victim.mux.has_message());
    assert!(victim.mux.load().slices <= adit_channels::mux::KEPT_SLICES);
}

#[test]
fn a_peer_that_grants_much_and_reads_nothing_makes_this_side_keep_little() {
    let mut limits = Limits::default();
    limits.send_budget = 1 << 20;
    let bound = limits.send_budget + limits.outbox + 200 * 4096;
    let mut victim = Victim::new(limits);
    let ids: Vec<Id> = (0..200).map(|_| victim.open(tunnel("/x"))).collect();
    for _ in 0..100 {
        for id in &ids {
            victim.mux.write(*id, Stream::Main, &[7; 50_000]).unwrap();
        }
    }
    let kept = victim.mux.load().outbox;
    assert!((1 << 20..=bound).contains(&kept), "{kept}");
    // And each of them may write again when it has sent what it had.
    while victim.mux.poll_message().is_some() {}
    assert!(ids.iter().all(|id| victim.mux.room(*id).unwrap() > 0));
}

#[test]
fn a_window_may_not_be_exceeded_by_a_byte() {
    let mut limits = Limits::default();
    limits.initial_window = 50_000;
    let mut victim = Victim::new(limits);
    let recipient = victim.open(tunnel("/x")).number();
    let data = |len| ChannelData { recipient, data: Bytes::from(vec![7; len]) };
    victim.send(data(30_000)).unwrap();
    victim.send(data(20_000)).unwrap();
    let exceeded = Violation::WindowExceeded { channel: recipient, len: 1, window: 0 };
    assert_eq!(victim.send(data(1)), Err(exceeded));
}

#[test]
fn a_channel_that_the_peer_never_closes_holds_no_data() {
    let mut victim = Victim::new(Limits::default());
    let id = victim.open(tunnel("/x"));
    let data = |len| ChannelData { recipient: id.number(), data: Bytes::from(vec![7; len]) };
    victim.send(data(30_000)).unwrap();
    victim.mux.close(id);
    for _ in 0..1000 {
        victim.send(data(30_000)).unwrap();
    }
    let load = victim.mux.load();
    assert_eq!((load.channels, load.inbox, load.windows), (1, 0, 0));
}

/// A message of any kind, most of them for channels that there may be.
fn message() -> impl Strategy<Value = ConnectionMessage> {
    let recipient = || prop_oneof![9 => 0_u32..4, 1 => any::<u32>()].prop_map(ChannelId);
    let len = prop_oneof![8 => 0_usize..300, 1 => 0_usize..70_000];
    let data = len.prop_map(|len| Bytes::from(vec![7; len]));
    let size = || prop_oneof![0_u32..3, 0_u32..100_000, any::<u32>()];
    let kind = prop_oneof![
        Just(Kind::Session),
        Just(tunnel("/x")),
        Just(Kind::Other { name: "odd".to_owned(), data: Rest(Bytes::from_static(b"odd")) })
    ];
    prop_oneof![
        (kind, any::<u32>(), size(), size()).prop_map(|(kind, sender, window, max_packet)| {
            let max_packet = max_packet.max(1);
            ChannelOpen { kind, sender: ChannelId(sender), window, max_packet }.into()
        }),
        (recipient(), size(), size()).prop_map(|(recipient, window, max_packet)| {
            let (sender, data) = (recipient, Rest::default());
            let max_packet = max_packet.max(1);
            ChannelOpenConfirmation { recipient, sender, window, max_packet, data }.into()
        }),
        recipient().prop_map(|recipient| {
            let (description, language) = (Text::from("no"), Text::default());
            let reason = Reason::CONNECT_FAILED;
            ChannelOpenFailure { recipient, reason, description, language }.into()
        }),
        (recipient(), data.clone())
            .prop_map(|(recipient, data)| ChannelData { recipient, data }.into()),
        (recipient(), 0_u32..3, data).prop_map(|(recipient, data_type, data)| {
            ChannelExtendedData { recipient, data_type, data }.into()
        }),
        (recipient(), size()).prop_map(|(recipient, bytes_to_add)| {
            ChannelWindowAdjust { recipient, bytes_to_add }.into()
        }),
        recipient().prop_map(|recipient| ChannelEof { recipient }.into()),
        recipient().prop_map(|recipient| ChannelClose { recipient }.into()),
        recipient().prop_map(|recipient| ChannelSuccess { recipient }.into()),
        (recipient(), any::<bool>()).prop_map(|(recipient, want_reply)| {
            let kind = channel_request::Kind::Exec { command: Bytes::from_static(b"id") };
            ChannelRequest { recipient, kind, want_reply }.into()
        }),
        any::<bool>().prop_map(|want_reply| {
            let kind = global_request::Kind::NoMoreSessions;
            GlobalRequest { kind, want_reply }.into()
        }),
        // Whatever the decoder makes of arbitrary bytes.
        (80_u8..101, proptest::collection::vec(any::<u8>(), 0..60)).prop_map(|(number, fields)| {
            let payload = Bytes::from([&[number], &fields[..]].concat());
            let decoded = ConnectionMessage::decode(&payload).ok().flatten();
            decoded.unwrap_or_else(|| ChannelEof { recipient: ChannelId(0) }.into())
        }),
    ]
}

/// What the user does in between.
#[derive(Debug, Clone, Copy)]
enum Act {
    Open,
    Accept,
    Refuse,
    Use(u32),
    Close(u32),
    Send,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => Just(Act::Open),
        3 => Just(Act::Accept),
        1 => Just(Act::Refuse),
        3 => (0_u32..4).prop_map(Act::Use),
        1 => (0_u32..4).prop_map(Act::Close),
        4 => Just(Act::Send),
    ]
}

fn perform(victim: &mut Victim, ids: &mut Vec<Id>, act: Act) {
    let mux = &mut victim.mux;
    let find = |ids: &[Id], number| ids.iter().rev().find(|it| it.number().0 == number).copied();
    match act {
        Act::Open => ids.extend(mux.open(Kind::Session)),
        Act::Accept => {
            if let Some(offer) = mux.next_offer() {
                mux.accept(offer.id);
                mux.collect_stderr(offer.id);
                ids.push(offer.id);
            }
        }
        Act::Refuse => {
            if let Some(offer) = mux.next_offer() {
                mux.refuse(offer.id, Reason::CONNECT_FAILED, "no");
            }
        }
        Act::Use(number) => {
            if let Some(id) = find(ids, number) {
                let _ = mux.write(id, Stream::Main, &[7; 1000]);
                let _ = mux.request(id, channel_request::Kind::Shell, Reply::Wanted);
                mux.consume(id, 500);
                mux.take(id, Stream::Stderr);
                mux.take(id, Stream::Main);
                mux.next_request(id);
            }
        }
        Act::Close(number) => {
            if let Some(id) = find(ids, number) {
                mux.finish(id);
                mux.close(id);
            }
        }
        Act::Send => {
            mux.poll_message();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_messages_neither_panic_nor_break_the_limits(
        steps in proptest::collection::vec((message(), act()), 1..150),
    ) {
        let mut limits = Limits::default();
        limits.channels = 5;
        limits.offers = 3;
        limits.min_window = 100;
        limits.initial_window = 50_000;
        limits.receive_budget = 300_000;
        limits.request_budget = 2000;
        let mut victim = Victim::new(limits.clone());
        let mut ids = vec![];
        for (message, act) in steps {
            if victim.send(message).is_err() {
                // A violation is for good: go on with another connection.
                prop_assert!(!victim.mux.has_message());
                victim = Victim::new(limits.clone());
                ids.clear();
            }
            perform(&mut victim, &mut ids, act);
            victim.check();
        }
    }
}
