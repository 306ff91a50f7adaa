//! Every message number in every phase: what comes of it is what the table of phases says.

use adit_proto::error::{Error, HostKey, Violation};
use adit_proto::message::disconnect::Reason;
use adit_proto::message::number::Number;
use bytes::Bytes;

use crate::pair::peer::Peer;
use crate::pair::sample;
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::stage::Stage;

/// Where the connection stands when the message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The peer has said who it is, and not what it offers.
    Identified,
    /// The first exchange is under way; the peer's share is missing.
    Offered(Strict),
    /// The first exchange is under way; the peer's NEWKEYS is missing.
    Shared(Strict),
    /// Keys were exchanged. Nobody has asked for, or granted, the service.
    Login,
    /// The service is granted. The client has asked to be logged in.
    Ready,
    /// The same, and the peer has begun to exchange keys again.
    ReadyRekey,
    Connected,
    /// This side has begun to exchange keys again.
    OwnOffer,
    /// The peer has; its share is missing.
    PeerOffer,
    /// Only the peer's NEWKEYS is missing.
    PeerShare,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strict {
    Yes,
    No,
}

use Place::{
    Connected, Identified, Login, Offered, OwnOffer, PeerOffer, PeerShare, Ready, ReadyRekey,
    Shared,
};

const PLACES: [Place; 12] = [
    Identified,
    Offered(Strict::Yes),
    Offered(Strict::No),
    Shared(Strict::Yes),
    Shared(Strict::No),
    Login,
    Ready,
    ReadyRekey,
    Connected,
    OwnOffer,
    PeerOffer,
    PeerShare,
];

/// What was seen of a message.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    error: Option<Error>,
    /// The events that came of it, by name.
    events: Vec<String>,
    /// The numbers of the messages that were said because of it, the last word left out.
    answers: Vec<u8>,
}

fn silence() -> Seen {
    Seen::default()
}

fn events(events: &[&str]) -> Seen {
    Seen { events: events.iter().map(|it| (*it).to_owned()).collect(), ..Seen::default() }
}

fn answers(answers: &[u8]) -> Seen {
    Seen { answers: answers.to_vec(), ..Seen::default() }
}

fn fails(error: impl Into<Error>) -> Seen {
    Seen { error: Some(error.into()), ..Seen::default() }
}

const UNIMPLEMENTED: u8 = 3;
const PONG: u8 = 193;

/// The table, written a second time.
fn expected(place: Place, who: Who, number: u8) -> Seen {
    let refused = |during| fails(Error::Unexpected { number: Number(number), during });
    let strict = matches!(place, Offered(Strict::Yes) | Shared(Strict::Yes));
    let exchanging =
        strict || matches!(place, Offered(_) | Shared(_) | ReadyRekey | PeerOffer | PeerShare);
    // This side's own offer is out.
    let offered = matches!(place, Identified | OwnOffer);
    match number {
        1 => fails(Error::Disconnected {
            reason: Reason::BY_APPLICATION,
            description: "bye".to_owned(),
        }),
        20..=49 if exchanging => exchange(place, who, number),
        // The share is out too.
        20 if who == Who::Client && place == Identified => silence(),
        20 if who == Who::Client => answers(if offered { &[30] } else { &[20, 30] }),
        20 => answers(if offered { &[] } else { &[20] }),
        21..=49 => refused("out of order in a key exchange"),
        _ if strict => refused("during a strict key exchange"),
        2..=4 => silence(),
        _ if exchanging || place == Identified => refused("during a key exchange"),
        192 => answers(&[PONG]),
        193 => silence(),
        0 | 8..=19 | 128..=255 => answers(&[UNIMPLEMENTED]),
        _ if matches!(place, Login | Ready) => login(place, who, number),
        50 | 7 => silence(),
        80..=82 | 90..=100 => events(&["Message"]),
        80..=127 => answers(&[UNIMPLEMENTED]),
        _ => refused("after the login"),
    }
}

/// The key exchange's own messages while the peer is in one.
fn exchange(place: Place, who: Who, number: u8) -> Seen {
    match (place, who, number) {
        (_, _, 20) => fails(Error::Unexpected {
            number: Number::KEXINIT,
            during: "out of order in a key exchange",
        }),
        (Offered(_) | PeerOffer | ReadyRekey, Who::Server, 30) => {
            Seen { events: vec!["Sign".to_owned()], answers: vec![31, 21], error: None }
        }
        // The sample is signed by nobody.
        (Offered(_) | PeerOffer | ReadyRekey, Who::Client, 31) => {
            fails(Error::HostKey(HostKey::BadSignature))
        }
        (Shared(_), Who::Server, 21) => events(&["Agreed"]),
        (Shared(_), Who::Client, 21) => {
            let events = ["Agreed", "Authenticate", "Sign"].map(str::to_owned).to_vec();
            Seen { events, answers: vec![5, 50], error: None }
        }
        (PeerShare, _, 21) => silence(),
        _ => fails(Error::Unexpected {
            number: Number(number),
            during: "out of order in a key exchange",
        }),
    }
}

/// Numbers 5 to 7 and 50 to 127 while the user is being logged in.
fn login(place: Place, who: Who, number: u8) -> Seen {
    let refused = |during| fails(Error::Unexpected { number: Number(number), during });
    match (number, who, place) {
        (7, _, _) => events(&["Extensions"]),
        (80.., _, _) => refused("before the login"),
        (5, Who::Server, Login) => answers(&[6]),
        (50, Who::Server, Ready) => {
            let events = ["Login", "Authenticated"].map(str::to_owned).to_vec();
            Seen { events, answers: vec![52], error: None }
        }
        (_, Who::Server, _) => refused("during the login"),
        (6, Who::Client, Login) => silence(),
        (6, Who::Client, _) => fails(Violation::Service),
        (_, Who::Client, Login) => refused("before it accepted the service"),
        (51, Who::Client, _) => events(&["Authenticate"]),
        (52, Who::Client, _) => events(&["Authenticated"]),
        (53, Who::Client, _) => events(&["Banner"]),
        (60, Who::Client, _) => fails(Violation::UnrelatedAnswer),
        (_, Who::Client, _) => refused("during the login"),
    }
}

/// A connection at this place.
fn stage(place: Place, who: Who) -> Stage {
    let peer = match place {
        Offered(Strict::No) | Shared(Strict::No) => Peer::lax(who.other()),
        _ => Peer::new(who.other()),
    };
    let mut stage = Stage::new(who, Setup::new(), peer);
    // A server's extensions would only stand between what is looked at.
    let offered = stage.peer.offer.kex_algorithms.clone();
    let offered: Vec<&str> = offered.iter().filter(|it| *it != "ext-info-c").collect();
    stage.peer.offer.kex_algorithms = names(&offered.join(","));
    match place {
        Identified => stage.identify(),
        Offered(_) => {
            stage.identify();
            stage.offer();
        }
        Shared(_) => {
            stage.identify();
            stage.offer();
            stage.share();
        }
        Login => stage.exchange(),
        Ready | ReadyRekey => {
            stage.exchange();
            stage.service();
        }
        Connected | OwnOffer | PeerOffer | PeerShare => stage.connect(),
    }
    match place {
        ReadyRekey => stage.begin_rekey(),
        OwnOffer => {
            stage.side.connection.rekey(stage.now).unwrap();
            stage.turn();
            stage.peer.hear_offer();
        }
        PeerOffer => stage.begin_rekey(),
        PeerShare => {
            stage.begin_rekey();
            stage.share();
        }
        _ => {}
    }
    stage.heard();
    stage.side.events.clear();
    assert_eq!(stage.error(), None);
    stage
}

/// Says the message, and sees what comes of it.
fn inject(place: Place, who: Who, number: u8) -> Seen {
    let mut stage = stage(place, who);
    let payload = sample::payload(number, &stage.peer);
    let sequence = stage.peer.sent;
    stage.say_payload(&payload);
    let events = stage.side.story();
    if place == OwnOffer && stage.error().is_none() && number != 20 {
        // Answers wait for the end of the exchange.
        stage.expect_silence();
        stage.offer();
        stage.share();
        stage.newkeys();
    }
    let mut heard = stage.heard();
    let error = stage.error().cloned();
    if let Some(error) = &error {
        check_end(&mut stage, error, heard.pop());
    }
    for answer in heard.iter().filter(|it| it[0] == UNIMPLEMENTED) {
        assert_eq!(answer[1..], sequence.to_be_bytes(), "the number of another packet");
    }
    let answers = heard.iter().map(|it| it[0]).collect();
    Seen { error, events, answers }
}

/// The peer is told once, and the connection stays at its end.
fn check_end(stage: &mut Stage, error: &Error, last: Option<Bytes>) {
    let told = last.map(|it| u32::from_be_bytes(*it[1..].first_chunk().unwrap()));
    assert_eq!(told.map(Reason), error.disconnect_reason());
    let ping = sample::payload(192, &stage.peer);
    stage.say_payload(&ping);
    stage.expect_silence();
    assert_eq!(stage.error(), Some(error));
}

fn check_all(who: Who) {
    for place in PLACES {
        for number in 0..=255 {
            let seen = inject(place, who, number);
            assert_eq!(seen, expected(place, who, number), "{place:?}, {}", Number(number));
        }
    }
}

#[test]
fn a_client_takes_each_message_in_each_phase_as_the_table_says() {
    check_all(Who::Client);
}

#[test]
fn a_server_takes_each_message_in_each_phase_as_the_table_says() {
    check_all(Who::Server);
}
