//! What a mux does message by message.

use std::time::Duration;

use adit_proto::message::channel_request;
use adit_proto::message::global_reply::RequestFailure;
use adit_proto::message::global_request::Bind;
use adit_proto::wire::Rest;

use super::*;
use crate::mux::limits::{EarlyCredit, Keepalive};
use crate::mux::pair::{Pair, open, read, tunnel};
use crate::mux::path::Path;
use crate::mux::stream::{Broken, Taken};

#[test]
fn no_credit_is_given_while_nobody_reads() {
    let (mut pair, here, there) = open();
    let mut written = 0;
    loop {
        let accepted = pair.here.write(here, Stream::Main, &[7; 100_000]).unwrap();
        written += accepted;
        let credit =
            |it: &ConnectionMessage| matches!(it, ConnectionMessage::ChannelWindowAdjust(_));
        assert!(!pair.exchange().iter().any(credit));
        if accepted == 0 {
            break;
        }
    }
    let limits = Limits::default();
    assert_eq!(u32::try_from(written), Ok(limits.initial_window));
    assert_eq!(pair.there.load().inbox, written);
    let (bytes, _) = read(&mut pair.there, there, Stream::Main);
    assert_eq!(bytes.len(), written);
    pair.exchange();
    assert_eq!(pair.here.room(here), Ok(limits.outbox));
}

#[test]
fn no_credit_is_given_after_the_end() {
    let (mut pair, here, there) = open();
    pair.here.write(here, Stream::Main, &[7; 200_000]).unwrap();
    pair.here.finish(here);
    pair.exchange();
    assert_eq!(read(&mut pair.there, there, Stream::Main).0.len(), 200_000);
    assert_eq!(pair.exchange(), []);
}

#[test]
fn a_reader_that_keeps_up_on_a_long_path_gets_a_larger_window_and_pays_it_back() {
    let (mut pair, here, there) = open();
    pair.there.pool.path = Path::of(Instant::now(), Duration::from_secs(3600));
    let initial = pair.there.load().windows;
    for _ in 0..1000 {
        pair.here.write(here, Stream::Main, &[7; 100_000]).unwrap();
        pair.exchange();
        read(&mut pair.there, there, Stream::Main);
    }
    assert_eq!(pair.there.load().windows, u64::from(Limits::default().max_window));
    assert!(initial < pair.there.load().windows);
    pair.here.close(here);
    pair.exchange();
    pair.there.close(there);
    assert_eq!(pair.there.load(), Load::default());
}

/// Sends from here as much as may be on the way.
fn fill(pair: &mut Pair, here: Id) {
    while pair.here.write(here, Stream::Main, &[7; 100_000]).unwrap() > 0 {
        pair.exchange();
    }
}

/// Bulk from here to there, beside small messages from there to here for as long as it flows: what
/// of the bulk is on the way in the end.
fn on_the_way_beside_small_messages(limits: &Limits) -> usize {
    let (mut pair, here, there) = Pair::open(limits, tunnel());
    let (small_here, small_there) = pair.join(tunnel());
    pair.here.pool.path = Path::of(pair.now, Duration::from_micros(60));
    for _ in 0..40 {
        pair.now += Duration::from_millis(4);
        fill(&mut pair, here);
        pair.there.write(small_there, Stream::Main, b"key").unwrap();
        pair.exchange();
        assert_eq!(read(&mut pair.here, small_here, Stream::Main).0, b"key");
        read(&mut pair.there, there, Stream::Main);
        pair.exchange();
    }
    fill(&mut pair, here);
    pair.there.load().inbox
}

#[test]
fn bulk_that_others_wait_for_has_little_on_the_way_whatever_the_window() {
    let window = usize::try_from(Limits::default().initial_window).unwrap();
    assert_eq!(on_the_way_beside_small_messages(&Limits::default()), window);
    for (once_announced, on_the_way) in [(false, 4 * 32 * 1024), (true, window)] {
        let early_credit = Some(EarlyCredit { messages: 4, once_announced });
        let limits = Limits { early_credit, ..Limits::default() };
        assert_eq!(on_the_way_beside_small_messages(&limits), on_the_way, "{once_announced}");
    }
}

#[test]
fn a_server_that_has_announced_its_host_keys_is_known_to_give_credit_early() {
    let early_credit = Some(EarlyCredit { messages: 4, once_announced: true });
    let (mut pair, ..) = Pair::open(&Limits { early_credit, ..Limits::default() }, tunnel());
    assert_eq!(pair.here.pool.early_credit(), None);
    let keys = global_request::Kind::HostKeys { keys: vec![] };
    pair.there.global_request(keys, Reply::Unwanted);
    pair.exchange();
    assert_eq!(pair.here.pool.early_credit(), Some(4));
}

#[test]
fn the_path_is_measured_while_the_peer_answers() {
    let (mut pair, ..) = open();
    let start = Instant::now();
    pair.here.measure_path(start);
    for question in 1..=6_u32 {
        let asked = pair.here.poll_message();
        assert_eq!(asked.is_some(), question < 6, "{asked:?}");
        let now = start + question * Duration::from_millis(20);
        if asked.is_some() {
            pair.here.handle_message(now, RequestFailure {}.into()).unwrap();
        }
    }
    assert!(pair.here.pool.path.outruns(Duration::from_millis(40)));
    assert!(!pair.here.pool.path.outruns(Duration::from_millis(41)));
    assert_eq!(pair.here.poll_event(), None);
}

#[test]
fn requests_of_putty_and_openssh_are_refused_at_once_on_a_tunnel() {
    let (mut pair, _, there) = open();
    for name in ["winadj@putty.projects.tartarus.org", "auth-agent-req@openssh.com"] {
        let kind = channel_request::Kind::Other { name: name.to_owned(), data: Rest::default() };
        pair.there.request(there, kind, Reply::Wanted).unwrap();
    }
    pair.there.request(there, channel_request::Kind::Keepalive, Reply::Wanted).unwrap();
    pair.exchange();
    let refused = Event::Answered { id: there, verdict: Verdict::Refused };
    assert_eq!(pair.events(), (vec![], vec![refused.clone(), refused.clone(), refused]));
}

#[test]
fn global_requests_that_nobody_services_do_not_hold_up_channels() {
    let (mut pair, here, there) = open();
    let bind = Bind { address: String::new(), port: 0 };
    let forward = global_request::Kind::TcpipForward(bind);
    for _ in 0..100 {
        pair.there.global_request(forward.clone(), Reply::Wanted);
    }
    pair.there.write(there, Stream::Main, b"on").unwrap();
    pair.exchange();
    assert_eq!(pair.events().0, [Event::GlobalRequested, Event::Readable(here, Stream::Main)]);
    assert_eq!(read(&mut pair.here, here, Stream::Main).0, b"on");
    while let Some(request) = pair.here.next_global_request() {
        let port = Bytes::from_static(&[0, 0, 4, 0]);
        pair.here.answer_global(request.ticket.unwrap(), Answer::Granted(port));
    }
    pair.exchange();
    assert_eq!(pair.events().1.len(), 100);
}

#[test]
fn a_silent_peer_is_asked_and_then_dead() {
    let interval = Duration::from_secs(15);
    let keepalive = Some(Keepalive { interval, count: 2 });
    let mut pair = Pair::new(&Limits { keepalive, ..Limits::default() });
    let question = GlobalRequest { kind: global_request::Kind::Keepalive, want_reply: true };
    // The answer is a refusal, and that is an answer; it is not for the user.
    pair.now += interval;
    assert_eq!(pair.here.poll_timeout(), Some(pair.now));
    pair.here.handle_timeout(pair.now).unwrap();
    assert_eq!(
        pair.exchange(),
        [ConnectionMessage::from(question.clone()), RequestFailure {}.into()]
    );
    assert_eq!(pair.events(), (vec![], vec![]));
    for _ in 0..2 {
        pair.now += interval;
        pair.here.handle_timeout(pair.now).unwrap();
        assert_eq!(pair.here.poll_message(), Some(question.clone().into()));
    }
    pair.now += interval;
    let silence = 3 * interval;
    assert_eq!(pair.here.handle_timeout(pair.now), Err(Unresponsive { silence }));
}

#[test]
fn when_the_connection_ends_channels_end_honestly_and_nothing_is_left() {
    let (mut pair, here, there) = open();
    let (second, _) = pair.join(tunnel());
    let asked = pair.here.open(tunnel()).unwrap();
    pair.there.write(there, Stream::Main, b"last words").unwrap();
    pair.exchange();
    pair.here.write(here, Stream::Main, b"unsent").unwrap();
    pair.here.end();
    assert!(!pair.here.has_message());
    let words = (b"last words".to_vec(), Taken::Reset);
    assert_eq!(read(&mut pair.here, here, Stream::Main), words);
    assert_eq!(pair.here.write(here, Stream::Main, b"x"), Err(Broken::Closed));
    for id in [here, second, asked] {
        pair.here.close(id);
    }
    assert_eq!(pair.here.load(), Load::default());
}

#[test]
fn a_channel_does_not_inherit_the_turn_of_one_that_was_aborted() {
    let (mut pair, here, there) = open();
    pair.here.write(here, Stream::Main, b"never sent").unwrap();
    pair.here.abort(here);
    // Only CLOSE goes, so that no turn for data comes.
    let close = pair.here.poll_message().unwrap();
    pair.there.handle_message(pair.now, close).unwrap();
    pair.there.close(there);
    let close = pair.there.poll_message().unwrap();
    pair.here.handle_message(pair.now, close).unwrap();
    assert_eq!(pair.here.load(), Load::default());
    let again = pair.here.open(tunnel()).unwrap();
    assert_eq!(again.number(), here.number());
    let open = pair.here.poll_message().unwrap();
    pair.there.handle_message(pair.now, open).unwrap();
    let there = pair.there.next_offer().unwrap().id;
    pair.there.accept(there);
    let confirmation = pair.there.poll_message().unwrap();
    pair.here.handle_message(pair.now, confirmation).unwrap();
    pair.here.write(again, Stream::Main, b"sent").unwrap();
    pair.exchange();
    assert_eq!(read(&mut pair.there, there, Stream::Main).0, b"sent");
}

#[test]
fn a_channel_goes_by_its_class_also_when_that_changes_while_it_waits() {
    let (mut pair, bulk, _) = open();
    let (key_strokes, _) = pair.join(tunnel());
    for id in [bulk, key_strokes] {
        pair.here.write(id, Stream::Main, &[7; 100_000]).unwrap();
    }
    pair.here.set_class(bulk, Class::Bulk);
    pair.here.set_class(key_strokes, Class::Interactive);
    let load = pair.here.load();
    assert_eq!((load.interactive, load.bulk), (1, 1));
    let mut order = vec![];
    while let Some(message) = pair.here.poll_message() {
        if let ConnectionMessage::ChannelData(data) = &message {
            order.push(data.recipient);
        }
        pair.there.handle_message(pair.now, message).unwrap();
    }
    let last = order.iter().rposition(|it| *it == key_strokes.number());
    let first = order.iter().position(|it| *it == bulk.number());
    assert!(last < first, "{order:?}");
    assert_eq!((pair.here.traffic().sent, pair.there.traffic().received), (200_000, 200_000));
    pair.here.close(bulk);
    pair.here.set_class(key_strokes, Class::Ordinary);
    pair.exchange();
    assert_eq!((pair.here.load().interactive, pair.there.load().bulk), (0, 0));
}

#[test]
fn a_message_costs_the_same_however_many_channels_there_are() {
    let lookups = |channels: u32| {
        let (mut pair, here, there) = open();
        for _ in 0..channels {
            pair.join(tunnel());
        }
        let before = pair.here.table.lookups + pair.there.table.lookups;
        for _ in 0..100 {
            pair.here.write(here, Stream::Main, &[7; 1000]).unwrap();
            pair.exchange();
            read(&mut pair.there, there, Stream::Main);
        }
        pair.here.table.lookups + pair.there.table.lookups - before
    };
    assert_eq!(lookups(0), lookups(2000));
}
