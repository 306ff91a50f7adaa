//! From the first byte to the login.

use std::time::Duration;

use adit_proto::Event;
use adit_proto::error::{Deadline, Error};
use adit_proto::kex::proposal::Agreement;
use adit_proto::message::disconnect::Reason;
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::number::Number;

use crate::pair::answers::{Signing, Trust};
use crate::pair::joined::Pair;
use crate::pair::peer::Peer;
use crate::pair::setup::{Setup, names};
use crate::pair::side::{Side, Who};
use crate::pair::stage::{Stage, Step};

const EXCHANGES: [&str; 2] = ["toy-a", "toy-b"];
const CIPHERS: [&str; 2] = ["toy-gcm", "toy-ctr"];

fn agreement(side: &Side) -> Agreement {
    let mut agreed = side.events.iter().filter_map(|event| match event {
        Event::Agreed(agreement) => Some(agreement.clone()),
        _ => None,
    });
    let agreement = agreed.next().expect("an agreement");
    assert_eq!(agreed.next(), None, "agreed twice");
    agreement
}

#[test]
fn every_method_and_cipher_leads_to_the_login_at_any_chunk_size() {
    for exchange in EXCHANGES {
        for cipher in CIPHERS {
            for chunk in [1, 2, 3, 7, 16, 100, usize::MAX] {
                let mut setup = Setup::new().only(exchange, cipher);
                setup.chunk = chunk;
                let pair = Pair::connected(setup);
                for who in Who::BOTH {
                    let agreed = agreement(pair.side(who));
                    assert_eq!(agreed.exchange, exchange);
                    assert_eq!(agreed.host_key, "toy-signature");
                    assert_eq!(agreed.cipher_client_to_server, cipher);
                    assert_eq!(agreed.cipher_server_to_client, cipher);
                }
                let ids = Who::BOTH.map(|who| pair.side(who).connection.session_id().cloned());
                assert!(ids[0].is_some() && ids[0] == ids[1], "both have one session");
            }
        }
    }
}

#[test]
fn the_order_of_the_client_decides() {
    let mut setup = Setup::new();
    setup.client.common.algorithms.exchanges = names("toy-b,toy-a");
    setup.client.common.algorithms.ciphers = names("toy-ctr,toy-gcm");
    let pair = Pair::connected(setup);
    for who in Who::BOTH {
        let agreed = agreement(pair.side(who));
        assert_eq!((&*agreed.exchange, &*agreed.cipher_client_to_server), ("toy-b", "toy-ctr"));
    }
}

#[test]
fn both_sides_speak_before_they_have_heard_anything() {
    let mut setup = Setup::new();
    setup.latency = Duration::from_secs(1);
    let mut pair = Pair::new(setup);
    pair.run_now();
    let (init, share) = (Number::KEXINIT.0, Number::KEX_ECDH_INIT.0);
    for (line, identification, expected) in [
        (&pair.to_server, "SSH-2.0-test_client\r\n", vec![init, share]),
        (&pair.to_client, "SSH-2.0-test_server\r\n", vec![init]),
    ] {
        let mut said = line.transcript.strip_prefix(identification.as_bytes()).expect("a line");
        let mut numbers = Vec::new();
        while let Some(length) = said.first_chunk() {
            numbers.push(said[5]);
            said = &said[4 + usize::try_from(u32::from_be_bytes(*length)).unwrap()..];
        }
        assert_eq!(numbers, expected);
    }
    pair.run();
    pair.expect_connected();
    assert_eq!(
        pair.client.connection.peer_identification().unwrap().to_string(),
        "SSH-2.0-test_server"
    );
    assert_eq!(
        pair.server.connection.peer_identification().unwrap().to_string(),
        "SSH-2.0-test_client"
    );
}

#[test]
fn a_login_by_key_takes_four_trips() {
    // Offers cross, the client's with a share; reply and keys; keys, service and request in one;
    // success.
    let mut setup = Setup::new();
    setup.latency = Duration::from_secs(1);
    let mut pair = Pair::new(setup);
    let start = pair.now;
    pair.run();
    pair.expect_connected();
    assert_eq!(pair.now - start, Duration::from_secs(4));
}

#[test]
fn a_wrong_guess_costs_a_trip_and_nothing_else() {
    for preferred in ["exchange", "host key"] {
        let mut setup = Setup::new();
        setup.latency = Duration::from_secs(1);
        match preferred {
            "exchange" => setup.server.common.algorithms.exchanges = names("toy-b,toy-a"),
            _ => setup.client.common.algorithms.host_keys = names("other,toy-signature"),
        }
        let mut pair = Pair::new(setup);
        let start = pair.now;
        pair.run();
        pair.expect_connected();
        assert_eq!(pair.now - start, Duration::from_secs(5), "{preferred}");
    }
}

/// All that is said in a connection with data and key exchanges.
fn transcript(seed: u64) -> [Vec<u8>; 2] {
    let mut setup = Setup::seeded(seed);
    setup.latency = Duration::from_millis(5);
    setup.chunk = 11;
    let mut pair = Pair::connected(setup);
    for number in 0..20 {
        for who in Who::BOTH {
            pair.send(who, number);
        }
        let now = pair.now;
        pair.client.connection.rekey(now).unwrap();
        pair.run_now();
    }
    pair.run();
    pair.client.connection.disconnect(Reason::BY_APPLICATION, "done");
    pair.run();
    [pair.to_server.transcript, pair.to_client.transcript]
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(transcript(7), transcript(7));
    assert_ne!(transcript(7), transcript(8));
}

#[test]
fn each_side_sees_the_same_story_every_time() {
    let pair = Pair::connected(Setup::new());
    let client = ["Identified", "HostKey", "Agreed", "Extensions", "Authenticate", "Sign"];
    assert_eq!(pair.client.story()[..6], client);
    assert_eq!(pair.client.story()[6..], ["Authenticated"]);
    let server = ["Identified", "Sign", "Agreed", "Login", "Authenticated"];
    assert_eq!(pair.server.story(), server);
}

#[test]
fn a_server_tells_its_extensions_once_to_clients_that_take_them() {
    let mut stage = Stage::server();
    stage.identify();
    stage.offer();
    stage.share();
    stage.newkeys();
    let told = stage.hear::<ExtInfo>();
    assert_eq!(told.server_sig_algs(), Some(names("toy-signature")));
    assert_eq!(told.get("ping@openssh.com").map(|it| &it[..]), Some(&b"0"[..]));
    stage.service();
    stage.login();
    stage.rekey();
    stage.expect_silence();

    let mut peer = Peer::new(Who::Client);
    peer.offer.kex_algorithms = names("toy-a,kex-strict-c-v00@openssh.com");
    let mut stage = Stage::new(Who::Server, Setup::new(), peer);
    stage.exchange();
    stage.expect_silence();
}

#[test]
fn a_silent_peer_is_not_waited_for_without_end() {
    for who in Who::BOTH {
        let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
        stage.pass(Duration::from_secs(59));
        assert_eq!(stage.error(), None);
        stage.pass(Duration::from_secs(1));
        let expected = Error::TimedOut(Deadline::KeyExchange);
        assert_eq!(stage.error(), Some(&expected), "{who:?}");
        assert_eq!(stage.side.connection.poll_timeout(), None);
    }
}

#[test]
fn a_peer_that_stops_in_the_exchange_is_not_waited_for_without_end() {
    let steps: [Step; 3] = [Stage::identify, Stage::offer, Stage::share];
    for who in Who::BOTH {
        for count in 1..=steps.len() {
            let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
            steps[..count].iter().for_each(|step| step(&mut stage));
            stage.pass(Duration::from_secs(60));
            let (error, told) = stage.ended();
            assert_eq!(error, Error::TimedOut(Deadline::KeyExchange), "{who:?}, {count}");
            assert_eq!(told.reason, Reason::BY_APPLICATION);
        }
    }
}

#[test]
fn the_deadline_does_not_run_while_the_user_is_asked_for_trust() {
    let mut setup = Setup::new();
    setup.client_answers.trust = Trust::Open;
    let mut stage = Stage::new(Who::Client, setup, Peer::new(Who::Server));
    stage.identify();
    stage.offer();
    stage.peer.say_reply();
    stage.turn();
    assert_eq!(stage.side.connection.poll_timeout(), None);
    stage.pass(Duration::from_secs(3600));
    stage.side.connection.trust(stage.now, true).unwrap();
    stage.turn();
    stage.peer.hear_newkeys();
    assert_eq!(stage.side.connection.poll_timeout(), Some(stage.now + Duration::from_secs(60)));
    stage.newkeys();
    // From here on the server has to answer the login.
    assert_eq!(stage.side.connection.poll_timeout(), Some(stage.now + Duration::from_secs(180)));
}

#[test]
fn a_client_gives_up_a_server_that_does_not_answer_its_login() {
    let setup = Setup::new();
    let mut stage = Stage::new(Who::Client, setup, Peer::new(Who::Server));
    stage.identify();
    stage.offer();
    stage.peer.say_reply();
    stage.turn();
    stage.peer.hear_newkeys();
    stage.newkeys();
    stage.pass(Duration::from_secs(180) - Duration::from_millis(1));
    assert_eq!(stage.side.connection.error(), None);
    stage.pass(Duration::from_millis(1));
    assert_eq!(stage.side.connection.error(), Some(&Error::TimedOut(Deadline::Login)));
}

#[test]
fn a_server_whose_host_key_does_not_sign_gives_up() {
    let mut setup = Setup::new();
    setup.server_answers.signing = Signing::Open;
    let mut pair = Pair::new(setup);
    pair.run_to_end();
    assert_eq!(pair.server.error(), Some(&Error::TimedOut(Deadline::KeyExchange)));
}
