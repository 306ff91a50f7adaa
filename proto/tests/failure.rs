//! What becomes of a connection whose cryptography fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use adit_proto::error::{Blame, Error};
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::provider::{
    Cipher, Failure, Initiator, KeyExchange, Layout, Open, Provider, Random, Seal, SharedSecret,
};
use adit_proto::secret::Secret;
use adit_proto::{Connection, Event};
use bytes::{Bytes, BytesMut};

use crate::pair::answers::{Answers, password};
use crate::pair::joined::Pair;
use crate::pair::setup::Setup;
use crate::pair::side::Who;
use crate::toy;

const INTERNAL: Error = Error::Cryptography(Failure::Internal);

/// Whether the cryptography fails from now on.
#[derive(Debug, Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), Failure> {
        if self.0.load(Ordering::Relaxed) { Err(Failure::Internal) } else { Ok(()) }
    }
}

/// The toy cryptography, each part of which can fail.
#[derive(Debug, Clone, Default)]
struct Fragile {
    random: Switch,
    exchange: Switch,
    seal: Switch,
}

impl Fragile {
    fn provider(&self, seed: u64) -> Arc<Provider> {
        let toy = Arc::into_inner(toy::provider(seed)).unwrap();
        let exchange = |inner| -> Box<dyn KeyExchange> {
            Box::new(FragileExchange { switch: self.exchange.clone(), inner })
        };
        let cipher = |inner| -> Box<dyn Cipher> {
            Box::new(FragileCipher { switch: self.seal.clone(), inner })
        };
        let random = FragileRandom { switch: self.random.clone(), inner: toy.random };
        Arc::new(Provider {
            random: Box::new(random),
            exchanges: toy.exchanges.into_iter().map(exchange).collect(),
            ciphers: toy.ciphers.into_iter().map(cipher).collect(),
            ..toy
        })
    }

    /// A setup of which the client is fragile.
    fn setup(&self) -> Setup {
        let mut setup = Setup::new();
        setup.client.common.provider = self.provider(9);
        setup
    }
}

#[derive(Debug)]
struct FragileRandom {
    switch: Switch,
    inner: Box<dyn Random>,
}

impl Random for FragileRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), Failure> {
        self.switch.check()?;
        self.inner.fill(out)
    }
}

#[derive(Debug)]
struct FragileExchange {
    switch: Switch,
    inner: Box<dyn KeyExchange>,
}

impl KeyExchange for FragileExchange {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        self.switch.check()?;
        self.inner.initiate()
    }
    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        self.switch.check()?;
        self.inner.respond(client_share)
    }
    fn hash(&self, parts: &[&[u8]]) -> Secret {
        self.inner.hash(parts)
    }
}

#[derive(Debug)]
struct FragileCipher {
    switch: Switch,
    inner: Box<dyn Cipher>,
}

impl Cipher for FragileCipher {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn key_len(&self) -> usize {
        self.inner.key_len()
    }
    fn iv_len(&self) -> usize {
        self.inner.iv_len()
    }
    fn sealer(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Seal>, Failure> {
        let inner = self.inner.sealer(key, iv)?;
        Ok(Box::new(FragileSeal { switch: self.switch.clone(), inner }))
    }
    fn opener(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Open>, Failure> {
        self.inner.opener(key, iv)
    }
}

struct FragileSeal {
    switch: Switch,
    inner: Box<dyn Seal>,
}

impl Seal for FragileSeal {
    fn layout(&self) -> Layout {
        self.inner.layout()
    }
    fn seal(&mut self, sequence: u32, packet: &mut [u8], tag: &mut [u8]) -> Result<(), Failure> {
        self.switch.check()?;
        self.inner.seal(sequence, packet, tag)
    }
}

const MARK: &[u8] = b"in plain text";

fn marked() -> ConnectionMessage {
    ChannelData { recipient: ChannelId(1), data: Bytes::from_static(MARK) }.into()
}

fn transmitted(connection: &mut Connection) -> BytesMut {
    let mut output = BytesMut::new();
    connection.poll_transmit(&mut output);
    output
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

#[test]
fn what_cannot_be_sealed_does_not_leave_in_plain_text() {
    let fragile = Fragile::default();
    let mut pair = Pair::connected(fragile.setup());
    let client = &mut pair.client.connection;
    client.send(&marked()).unwrap();
    assert!(!holds(&transmitted(client), MARK));
    fragile.seal.set();
    assert_eq!(client.send(&marked()), Err(INTERNAL));
    assert_eq!(transmitted(client), b""[..], "not even the last word can be sealed");
    assert_eq!(client.backlog(), 0);
}

#[test]
fn what_cannot_be_padded_does_not_leave_in_plain_text() {
    let fragile = Fragile::default();
    let mut pair = Pair::connected(fragile.setup());
    fragile.random.set();
    let client = &mut pair.client.connection;
    // Padding is drawn in advance, so that some messages still find some.
    let sent = (0..1000).take_while(|_| client.send(&marked()).is_ok()).count();
    assert!(sent < 1000);
    assert_eq!(client.error(), Some(&INTERNAL));
    let output = transmitted(client);
    assert!(!output.is_empty() && !holds(&output, MARK));
}

#[test]
fn a_password_that_cannot_be_sealed_does_not_leave() {
    let fragile = Fragile::default();
    let mut setup = fragile.setup();
    setup.client_answers = Answers { credentials: [].into(), ..Answers::default() };
    let mut pair = Pair::new(setup);
    pair.run();
    assert!(matches!(pair.client.events.last(), Some(Event::Authenticate(_))));
    fragile.seal.set();
    let client = &mut pair.client.connection;
    assert_eq!(client.authenticate(pair.now, password("in plain text")), Err(INTERNAL));
    assert_eq!(transmitted(client), b""[..]);
}

#[test]
fn without_randomness_a_connection_is_at_its_end_from_the_beginning() {
    let fragile = Fragile::default();
    fragile.random.set();
    let mut setup = Setup::new();
    setup.client.common.provider = fragile.provider(1);
    setup.server.common.provider = fragile.provider(2);
    let now = Instant::now();
    let client = Connection::client(now, &setup.client);
    let server = Connection::server(now, &Arc::new(setup.server));
    for mut connection in [client, server] {
        assert_eq!(connection.error(), Some(&INTERNAL));
        assert_eq!(connection.handle_input(now, &mut BytesMut::new()), Err(INTERNAL));
        assert_eq!(connection.poll_timeout(), None);
        let said = transmitted(&mut connection);
        assert!(said.starts_with(b"SSH-2.0-test_") && said.ends_with(b"\r\n"), "{said:?}");
    }
}

#[test]
fn an_exchange_that_fails_here_is_not_blamed_on_the_peer() {
    for who in Who::BOTH {
        let fragile = Fragile::default();
        fragile.exchange.set();
        let mut setup = Setup::new();
        match who {
            Who::Client => setup.client.common.provider = fragile.provider(1),
            Who::Server => setup.server.common.provider = fragile.provider(1),
        }
        let mut pair = Pair::new(setup);
        pair.run();
        assert_eq!(pair.side(who).error(), Some(&INTERNAL));
        assert_eq!(INTERNAL.blame(), Blame::Local);
        let told = pair.side(who.other()).error();
        assert!(matches!(told, Some(Error::Disconnected { .. })), "{told:?}");
    }
}
