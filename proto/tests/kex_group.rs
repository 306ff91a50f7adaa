//! Key exchanges whose group is agreed on first,
//! [RFC 4419](https://www.rfc-editor.org/rfc/rfc4419).

use adit_proto::error::Error;
use adit_proto::kex::proposal::Agreement;
use adit_proto::message::disconnect::Reason;
use adit_proto::message::kex::KexEcdhInit;
use adit_proto::message::kex_group::{KexDhGexGroup, KexDhGexInit, KexDhGexRequest};
use adit_proto::message::number::Number;
use adit_proto::provider::Failure;
use adit_proto::wire::Mpint;
use adit_proto::{Event, name::NameList};
use bytes::Bytes;

use crate::pair::joined::Pair;
use crate::pair::peer::Peer;
use crate::pair::schedule::{mpint, string};
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::stage::Stage;
use crate::pair::tamper;

fn setup() -> Setup {
    Setup::new().only("toy-group", "toy-gcm")
}

#[test]
fn it_leads_to_the_login_and_to_new_keys_at_any_chunk_size() {
    for chunk in [1, 3, 16, usize::MAX] {
        let mut setup = setup();
        setup.chunk = chunk;
        let mut pair = Pair::connected(setup);
        for who in Who::BOTH {
            let agreed = pair.side(who).events.iter().find_map(|event| match event {
                Event::Agreed(Agreement { exchange, .. }) => Some(exchange.as_str()),
                _ => None,
            });
            assert_eq!(agreed, Some("toy-group"));
        }
        let now = pair.now;
        pair.server.connection.rekey(now).unwrap();
        Who::BOTH.into_iter().for_each(|who| pair.send(who, 7));
        pair.run();
        assert_eq!(Who::BOTH.map(|who| pair.received(who)), [[7], [7]]);
    }
}

#[test]
fn the_messages_are_those_of_the_rfc_and_the_hash_is_over_all_that_was_said() {
    let setup = setup();
    let provider = setup.client.common.provider.clone();
    let mut pair = Pair::new(setup);
    let (to_server, hook) = tamper::watch();
    pair.to_server.tamper(hook);
    let (to_client, hook) = tamper::watch();
    pair.to_client.tamper(hook);
    pair.run();
    pair.expect_connected();
    let (to_server, to_client) = (to_server.take(), to_client.take());
    let numbers = |packets: &[crate::pair::line::Packet]| {
        packets.iter().filter_map(|it| it.number()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&to_server), [20, 34, 32, 21]);
    assert_eq!(numbers(&to_client), [20, 31, 33, 21]);
    let payload = |packet: &crate::pair::line::Packet| {
        packet.bytes.slice(5..packet.bytes.len() - usize::from(packet.bytes[4])).to_vec()
    };
    let line =
        |packet: &crate::pair::line::Packet| string(packet.bytes.strip_suffix(b"\r\n").unwrap());
    // The fields of a message, its number left out.
    let fields = |packet| payload(packet)[1..].to_vec();
    // Host key and share of the reply, without the signature.
    let (init, reply) = (fields(&to_server[3]), fields(&to_client[3]));
    let len = |at: usize| {
        4 + usize::try_from(u32::from_be_bytes(*reply[at..].first_chunk().unwrap())).unwrap()
    };
    let host_key = &reply[..len(0)];
    let share = &reply[len(0)..len(0) + len(len(0))];
    let secret = provider.exchange("toy-a").unwrap().hash(&[&init[4..], &share[4..]]);
    let hashed = [
        line(&to_server[0]),
        line(&to_client[0]),
        string(&payload(&to_server[1])),
        string(&payload(&to_client[1])),
        host_key.to_vec(),
        fields(&to_server[2]),
        fields(&to_client[2]),
        init.clone(),
        share.to_vec(),
        mpint(secret.expose()),
    ]
    .concat();
    let hash = provider.exchange("toy-a").unwrap().hash(&[&hashed]);
    for who in Who::BOTH {
        let session_id = pair.side(who).connection.session_id().unwrap();
        assert_eq!(&session_id[..], hash.expose());
    }
}

/// A stage whose peer offers the group exchange only.
fn stage(who: Who) -> Stage {
    let mut peer = Peer::new(who.other());
    peer.offer.kex_algorithms = names("toy-group");
    let mut stage = Stage::new(who, setup(), peer);
    stage.identify();
    stage.peer.say_offer();
    stage.turn();
    stage
}

#[test]
fn a_group_of_another_size_than_was_asked_for_is_refused() {
    for bytes in [0, 1, 7, 33, 1000] {
        let mut stage = stage(Who::Client);
        let request = stage.hear::<KexDhGexRequest>();
        assert_eq!(request, KexDhGexRequest { min: 64, preferred: 128, max: 256 });
        let prime = Mpint(Bytes::from(vec![0xfb; bytes]));
        stage.say(&KexDhGexGroup { prime, generator: Mpint(Bytes::from_static(&[2])) });
        let (error, told) = stage.ended();
        assert_eq!(error, Error::Cryptography(Failure::BadGroup), "{bytes}");
        assert_eq!(told.reason, Reason::KEY_EXCHANGE_FAILED);
    }
}

#[test]
fn sizes_that_nothing_fits_are_refused() {
    for (min, preferred, max) in
        [(2, 1, 3), (1, 3, 2), (8, 8, 8), (1024, 1024, 1024), (u32::MAX, u32::MAX, u32::MAX)]
    {
        let mut stage = stage(Who::Server);
        stage.say(&KexDhGexRequest { min, preferred, max });
        let (error, _) = stage.ended();
        assert_eq!(error, Error::Cryptography(Failure::BadGroup), "{min} {preferred} {max}");
    }
}

#[test]
fn messages_of_the_other_kind_of_method_are_refused() {
    let mut early = stage(Who::Server);
    early.say(&KexDhGexInit { share: Bytes::from_static(&[7; 32]) });
    assert!(matches!(early.ended().0, Error::Unexpected { .. }));

    let mut grouped = stage(Who::Server);
    grouped.say(&KexDhGexRequest { min: 64, preferred: 64, max: 64 });
    grouped.hear::<KexDhGexGroup>();
    grouped.say(&KexEcdhInit { share: Bytes::from_static(&[7; 32]) });
    let expected = Number::KEX_ECDH_INIT;
    assert!(matches!(grouped.ended().0, Error::Unexpected { number, .. } if number == expected));

    let mut named = Stage::server();
    named.identify();
    named.offer();
    named.say(&KexDhGexInit { share: Bytes::from_static(&[7; 32]) });
    let expected = Number::KEX_DH_GEX_INIT;
    assert!(matches!(named.ended().0, Error::Unexpected { number, .. } if number == expected));
}

#[test]
fn it_is_not_offered_unless_it_is_named() {
    let algorithms = Setup::new().client.common.algorithms;
    assert_eq!(algorithms.exchanges, names("toy-a,toy-b"));
    let provider = Setup::new().client.common.provider;
    let all: NameList = adit_proto::config::Algorithms::all(&provider).exchanges;
    assert_eq!(all, names("toy-a,toy-b,toy-group"));
}
