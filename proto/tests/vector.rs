//! Exchange hash, keys and what a login signs, worked out by hand from what was on the wire.

use std::sync::Arc;

use adit_proto::Event;
use adit_proto::config::Common;
use adit_proto::message::codec::Message;
use adit_proto::message::kex::{KexEcdhInit, KexEcdhReply};
use adit_proto::provider::{Failure, Initiator, KeyExchange, Provider, SharedSecret};
use adit_proto::secret::Secret;
use bytes::BytesMut;

use crate::pair::joined::Pair;
use crate::pair::line::{Form, Packet};
use crate::pair::schedule::{Agreed, Said, mpint, string};
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::tamper;
use crate::toy;

/// A pair that is logged in, and all packets to each side.
struct Run {
    pair: Pair,
    provider: Arc<Provider>,
    to_server: Vec<Packet>,
    to_client: Vec<Packet>,
}

impl Run {
    fn new(setup: Setup) -> Self {
        let provider = Arc::clone(&setup.client.common.provider);
        let mut pair = Pair::new(setup);
        let (to_server, hook) = tamper::watch();
        pair.to_server.tamper(hook);
        let (to_client, hook) = tamper::watch();
        pair.to_client.tamper(hook);
        pair.run();
        pair.expect_connected();
        Self { pair, provider, to_server: to_server.take(), to_client: to_client.take() }
    }

    fn method(&self, name: &str) -> &dyn KeyExchange {
        self.provider.exchange(name).unwrap()
    }

    /// What was said before there were keys.
    fn said(&self) -> Said {
        let line = |packet: &Packet| packet.bytes.strip_suffix(b"\r\n").unwrap().to_vec();
        let init = KexEcdhInit::decode(&payload(&self.to_server[2])).unwrap();
        let reply = KexEcdhReply::decode(&payload(&self.to_client[2])).unwrap();
        Said {
            v_c: line(&self.to_server[0]),
            v_s: line(&self.to_client[0]),
            i_c: payload(&self.to_server[1]).to_vec(),
            i_s: payload(&self.to_client[1]).to_vec(),
            k_s: reply.host_key.to_vec(),
            q_c: init.share.to_vec(),
            q_s: reply.share.to_vec(),
        }
    }

    /// The toy's secret is the hash of both shares.
    fn secret(&self, said: &Said) -> Secret {
        self.method("toy-a").hash(&[&said.q_c, &said.q_s])
    }

    fn expect_session(&self, agreed: &Agreed) {
        for who in Who::BOTH {
            let session_id = self.pair.side(who).connection.session_id();
            assert_eq!(session_id.map(|it| &it[..]), Some(&agreed.h[..]), "{who:?}");
        }
    }

    /// The number of the first sealed message to a side, opened by these keys.
    fn open_first(&self, packets: &[Packet], agreed: &Agreed, letters: [u8; 2]) -> u8 {
        let cipher = self.provider.cipher("toy-gcm").unwrap();
        let method = self.method("toy-a");
        let [iv, key] = letters;
        let derive = |letter, len| Secret::new(agreed.key(method, letter, &agreed.h, len));
        let (key, iv) = (derive(key, cipher.key_len()), derive(iv, cipher.iv_len()));
        let mut opener = cipher.opener(&key, &iv).unwrap();
        let first = packets.iter().find(|it| it.form == Form::Sealed).unwrap();
        let mut packet = BytesMut::from(&first.bytes[..]);
        opener.length(0, &mut packet[..4]);
        opener.open(0, &mut packet).unwrap();
        packet[5]
    }
}

fn payload(packet: &Packet) -> bytes::Bytes {
    assert_eq!(packet.form, Form::Plain);
    packet.bytes.slice(5..packet.bytes.len() - usize::from(packet.bytes[4]))
}

#[test]
fn the_session_identifier_is_the_hash_of_all_that_was_said() {
    let (mut high, mut short) = (0, 0);
    for seed in 0..700 {
        let run = Run::new(Setup::seeded(seed).only("toy-a", "toy-gcm"));
        let said = run.said();
        let secret = run.secret(&said);
        high += usize::from(secret.expose()[0] >= 0x80);
        short += usize::from(secret.expose()[0] == 0);
        run.expect_session(&said.agree(run.method("toy-a"), &SharedSecret::Number(secret)));
    }
    // Numbers with the highest bit get a zero in front, and those that begin by zeros lose them.
    assert!(high > 0 && short > 0, "{high} and {short} of 700");
}

#[test]
fn the_keys_come_from_secret_hash_letter_and_session() {
    let run = Run::new(Setup::new().only("toy-a", "toy-gcm"));
    let said = run.said();
    let agreed = said.agree(run.method("toy-a"), &SharedSecret::Number(run.secret(&said)));
    assert_eq!(run.open_first(&run.to_server, &agreed, *b"AC"), 5, "a service is requested");
    assert_eq!(run.open_first(&run.to_client, &agreed, *b"BD"), 7, "extensions are told");
}

/// The toy's first method, but that its secret is bytes and no number.
#[derive(Debug)]
struct Encapsulation(Box<dyn KeyExchange>);

struct Encapsulated(Box<dyn Initiator>);

fn bytes(secret: SharedSecret) -> SharedSecret {
    match secret {
        SharedSecret::Number(secret) | SharedSecret::Bytes(secret) => SharedSecret::Bytes(secret),
    }
}

impl KeyExchange for Encapsulation {
    fn name(&self) -> &'static str {
        "toy-kem"
    }
    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        Ok(Box::new(Encapsulated(self.0.initiate()?)))
    }
    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        let (share, secret) = self.0.respond(client_share)?;
        Ok((share, bytes(secret)))
    }
    fn hash(&self, parts: &[&[u8]]) -> Secret {
        self.0.hash(parts)
    }
}

impl Initiator for Encapsulated {
    fn share(&self) -> &[u8] {
        self.0.share()
    }
    fn finish(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Failure> {
        self.0.finish(server_share).map(bytes)
    }
}

#[test]
fn a_secret_of_bytes_is_hashed_as_a_string() {
    let mut setup = Setup::new().only("toy-kem", "toy-gcm");
    let provide = |common: &mut Common, seed| {
        let mut provider = Arc::into_inner(toy::provider(seed)).unwrap();
        let method = provider.exchanges.swap_remove(0);
        assert_eq!(method.name(), "toy-a");
        let toy_a = Arc::into_inner(toy::provider(seed)).unwrap().exchanges.swap_remove(0);
        provider.exchanges = vec![Box::new(Encapsulation(method)), toy_a];
        common.provider = Arc::new(provider);
    };
    provide(&mut setup.client.common, 1);
    provide(&mut setup.server.common, 2);
    let run = Run::new(setup);
    let said = run.said();
    let secret = run.secret(&said);
    run.expect_session(&said.agree(run.method("toy-kem"), &SharedSecret::Bytes(secret)));
}

#[test]
fn a_login_signs_session_user_service_algorithm_and_key() {
    let run = Run::new(Setup::new());
    let signed = run.pair.client.events.iter().find_map(|event| match event {
        Event::Sign(request) => Some(request.data.clone()),
        _ => None,
    });
    let session_id = run.pair.client.connection.session_id().unwrap();
    let key = toy::public_key("alice");
    // RFC 4252 section 7.
    let expected = [
        string(session_id),
        vec![50],
        string(b"alice"),
        string(b"ssh-connection"),
        string(b"publickey"),
        vec![1],
        string(b"toy-signature"),
        string(&key),
    ];
    assert_eq!(signed.unwrap(), expected.concat());
}

#[test]
fn numbers_are_written_as_rfc_4251_shows() {
    assert_eq!(mpint(&[0, 0]), [0, 0, 0, 0]);
    assert_eq!(mpint(&[0x80]), [0, 0, 0, 2, 0, 0x80]);
    assert_eq!(
        mpint(&[0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]),
        [0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]
    );
    assert_eq!(string(b"testing"), *b"\0\0\0\x07testing");
    assert_eq!(names("zlib,none").as_str(), "zlib,none");
}
