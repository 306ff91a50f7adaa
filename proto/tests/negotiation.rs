//! What two sides agree on, and what becomes of a guess.

use adit_proto::error::Error;
use adit_proto::message::disconnect::Reason;
use adit_proto::message::kex::KexEcdhInit;
use adit_proto::message::kexinit::KexInit;
use adit_proto::message::number::Number;
use adit_proto::name::NameList;
use bytes::Bytes;

use crate::pair::joined::Pair;
use crate::pair::peer::{Peer, encoded};
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::stage::Stage;

const STRICT_C: &str = "kex-strict-c-v00@openssh.com";
const STRICT_S: &str = "kex-strict-s-v00@openssh.com";

fn check_nothing_common(setup: Setup, what: &'static str, client: &str, server: &str) {
    let mut pair = Pair::new(setup);
    pair.run();
    for (who, ours, theirs) in [(Who::Client, client, server), (Who::Server, server, client)] {
        let (ours, theirs) = (names(ours), names(theirs));
        let shown = format!("no common {what}: we offer {ours}, the peer offers {theirs}");
        let expected = Error::NoCommonAlgorithm { what, ours, theirs };
        assert_eq!(pair.side(who).error(), Some(&expected));
        assert_eq!(expected.to_string(), shown);
    }
}

#[test]
fn without_a_common_method_both_sides_name_what_there_was() {
    let mut setup = Setup::new();
    setup.client.common.algorithms.exchanges = names("toy-a");
    setup.server.common.algorithms.exchanges = names("toy-b");
    let client = format!("toy-a,ext-info-c,{STRICT_C}");
    let server = format!("toy-b,ext-info-s,{STRICT_S}");
    check_nothing_common(setup, "key exchange method", &client, &server);
}

#[test]
fn without_a_common_host_key_algorithm_both_sides_name_what_there_was() {
    let mut setup = Setup::new();
    setup.client.common.algorithms.host_keys = names("other,another");
    check_nothing_common(setup, "host key algorithm", "other,another", "toy-signature");
    let mut setup = Setup::new();
    setup.server.host_keys = Vec::new();
    check_nothing_common(setup, "host key algorithm", "toy-signature", "");
}

#[test]
fn without_a_common_cipher_both_sides_name_what_there_was() {
    let mut setup = Setup::new();
    setup.client.common.algorithms.ciphers = names("toy-gcm");
    setup.server.common.algorithms.ciphers = names("toy-ctr");
    check_nothing_common(setup, "cipher from client to server", "toy-gcm", "toy-ctr");
}

type Change = fn(&mut KexInit, NameList);

#[test]
fn each_list_must_have_something_in_common() {
    let lists: [(&str, Change); 6] = [
        ("key exchange method", |offer, list| offer.kex_algorithms = list),
        ("host key algorithm", |offer, list| offer.server_host_key_algorithms = list),
        ("cipher from client to server", |offer, list| offer.encryption_client_to_server = list),
        ("cipher from server to client", |offer, list| offer.encryption_server_to_client = list),
        ("compression", |offer, list| offer.compression_client_to_server = list),
        ("compression", |offer, list| offer.compression_server_to_client = list),
    ];
    for who in Who::BOTH {
        for (name, change) in lists {
            for list in ["", "other"] {
                let mut peer = Peer::new(who.other());
                change(&mut peer.offer, names(list));
                let mut stage = Stage::new(who, Setup::new(), peer);
                stage.identify();
                stage.peer.say_offer();
                let (error, told) = stage.ended();
                let Error::NoCommonAlgorithm { what, ours, theirs } = &error else {
                    panic!("{error:?}");
                };
                assert_eq!((*what, theirs), (name, &names(list)));
                assert!(!ours.is_empty());
                assert_eq!(told.reason, Reason::KEY_EXCHANGE_FAILED);
                assert_eq!(told.description.0, error.to_string());
            }
        }
    }
}

#[test]
fn what_is_not_negotiated_may_be_anything() {
    let lists: [Change; 4] = [
        |offer, list| offer.mac_client_to_server = list,
        |offer, list| offer.mac_server_to_client = list,
        |offer, list| offer.languages_client_to_server = list,
        |offer, list| offer.languages_server_to_client = list,
    ];
    for who in Who::BOTH {
        for change in lists {
            let mut peer = Peer::new(who.other());
            change(&mut peer.offer, names("x,y"));
            peer.offer.reserved = 7;
            Stage::new(who, Setup::new(), peer).connect();
        }
    }
}

#[test]
fn a_marker_of_the_peer_is_no_method() {
    let mut peer = Peer::new(Who::Client);
    peer.offer.kex_algorithms = names(&format!("ext-info-s,{STRICT_S}"));
    let mut stage = Stage::new(Who::Server, Setup::new(), peer);
    stage.identify();
    stage.peer.say_offer();
    let (error, _) = stage.ended();
    assert!(matches!(error, Error::NoCommonAlgorithm { what: "key exchange method", .. }));
}

#[test]
fn an_offer_that_is_cut_short_or_too_long_is_an_error() {
    let offer = encoded(&Peer::new(Who::Client).offer);
    let longer = Bytes::from([&offer[..], &[0]].concat());
    let cut = (1..offer.len()).map(|len| offer.slice(..len));
    for payload in cut.chain([longer]) {
        let mut stage = Stage::server();
        stage.identify();
        stage.say_payload(&payload);
        let (error, _) = stage.ended();
        assert!(matches!(error, Error::Malformed(it) if it.number == Number::KEXINIT), "{error:?}");
    }
}

/// A client that prefers these methods and says that a guess follows.
fn guessing(exchanges: &str) -> Stage {
    let mut peer = Peer::new(Who::Client);
    peer.offer.kex_algorithms = names(&format!("{exchanges},{STRICT_C}"));
    peer.offer.first_kex_packet_follows = true;
    let mut stage = Stage::new(Who::Server, Setup::new(), peer);
    stage.identify();
    stage.peer.say_offer();
    stage
}

#[test]
fn a_right_guess_is_used() {
    let mut stage = guessing("toy-a");
    stage.share();
    stage.newkeys();
    stage.service();
    stage.login();
}

#[test]
fn a_wrong_guess_is_skipped() {
    // The server prefers toy-a, so toy-b is a wrong guess, although it is what is agreed on.
    for guess in [30, 31, 49] {
        let mut stage = guessing("toy-b,toy-a");
        stage.say_payload(&[guess, 1, 2, 3]);
        assert_eq!(stage.error(), None);
        stage.peer.choose("toy-b");
        stage.share();
        stage.newkeys();
        stage.service();
        stage.login();
    }
}

#[test]
fn only_one_packet_is_skipped() {
    let mut stage = guessing("toy-b,toy-a");
    let init = KexEcdhInit { share: Bytes::new() };
    stage.say(&init);
    assert_eq!(stage.error(), None);
    stage.say(&init);
    assert!(stage.error().is_some());
}

#[test]
fn a_guess_of_the_host_key_counts_too() {
    let mut peer = Peer::new(Who::Client);
    peer.offer.server_host_key_algorithms = names("other,toy-signature");
    peer.offer.first_kex_packet_follows = true;
    let mut stage = Stage::new(Who::Server, Setup::new(), peer);
    stage.identify();
    stage.offer();
    stage.say(&KexEcdhInit { share: Bytes::new() });
    assert_eq!(stage.error(), None);
    stage.share();
    stage.newkeys();
}

#[test]
fn a_wrong_guess_of_a_server_is_skipped_and_a_right_one_used() {
    for (exchanges, guess) in [("toy-b,toy-a", Some([31, 0, 0])), ("toy-a", None)] {
        let mut peer = Peer::new(Who::Server);
        peer.offer.kex_algorithms = names(&format!("{exchanges},{STRICT_S}"));
        peer.offer.first_kex_packet_follows = true;
        let mut stage = Stage::new(Who::Client, Setup::new(), peer);
        stage.identify();
        stage.offer();
        if let Some(guess) = guess {
            stage.say_payload(&guess);
        }
        stage.share();
        stage.newkeys();
        stage.service();
        stage.login();
    }
}

#[test]
fn a_guess_may_be_wrong_again_with_new_keys() {
    let mut stage = Stage::server();
    stage.connect();
    stage.peer.offer.kex_algorithms = names("toy-b,toy-a");
    stage.peer.offer.first_kex_packet_follows = true;
    stage.begin_rekey();
    stage.say_payload(&[30]);
    assert_eq!(stage.error(), None);
    stage.peer.choose("toy-b");
    stage.share();
    stage.newkeys();
}
