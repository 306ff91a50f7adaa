//! What a hostile peer does, read from the bytes of the fuzzer.
//!
//! The first byte says how far a right handshake comes, so that every phase is reached; what
//! follows are acts, of which each begins with a byte for its kind.

use std::time::Duration;

use adit_proto::message::disconnect::Reason;
use adit_proto::secret::Secret;
use bytes::{Bytes, BytesMut};

use crate::pair::answers::password;
use crate::pair::joined::data;
use crate::pair::peer::Peer;
use crate::pair::sample;
use crate::pair::setup::Setup;
use crate::pair::side::Who;
use crate::pair::stage::{Stage, Step};

const STEPS: [Step; 8] = [
    Stage::identify,
    Stage::offer,
    Stage::share,
    Stage::newkeys,
    Stage::service,
    Stage::login,
    Stage::begin_rekey,
    Stage::share,
];

/// How a message of a peer is bounded: each answer is no longer than what it answers, and an
/// exchange has a few packets of its own.
const FACTOR: usize = 4;
const FIXED: usize = 16 * 1024;

/// Runs the script against one side.
pub(crate) fn run(who: Who, script: &[u8]) {
    let Some((&begin, mut script)) = script.split_first() else { return };
    let peer = if begin & 0x80 == 0 { Peer::new(who.other()) } else { Peer::lax(who.other()) };
    let mut stage = Stage::new(who, setup(begin), peer);
    for step in STEPS.iter().take(usize::from(begin & 0x0f)) {
        step(&mut stage);
    }
    let mut came = 0;
    while let Some((&kind, rest)) = script.split_first() {
        script = act(&mut stage, kind, rest, &mut came);
    }
    check(&mut stage, came);
}

/// The answers of the side under test vary too, where that does not disturb the handshake.
fn setup(begin: u8) -> Setup {
    let mut setup = Setup::new();
    if begin & 0x40 != 0 {
        setup.client_answers.credentials = [password("x"), password("y")].into();
        setup.client_answers.responses = [vec![Secret::default()], Vec::new()].into();
    }
    setup
}

/// One act; yields the rest of the script.
fn act<'a>(stage: &mut Stage, kind: u8, rest: &'a [u8], came: &mut usize) -> &'a [u8] {
    let (&number, after) = rest.split_first().unwrap_or((&0, &[]));
    let (own, others) = after.split_at(after.len().min(usize::from(number)));
    match kind % 8 {
        0 => {
            stage.peer.say_raw(own);
            deliver(stage, came);
            others
        }
        1 => {
            stage.peer.say_payload(own);
            deliver(stage, came);
            others
        }
        2 => {
            let payload = sample::payload(number, &stage.peer);
            stage.peer.say_payload(&payload);
            deliver(stage, came);
            after
        }
        3 => {
            let mut payload = sample::payload(number, &stage.peer).to_vec();
            let (&place, after) = after.split_first().unwrap_or((&0, &[]));
            let place = usize::from(place) % payload.len();
            let (&bits, after) = after.split_first().unwrap_or((&1, &[]));
            payload[place] ^= bits;
            stage.peer.say_payload(&payload);
            deliver(stage, came);
            after
        }
        4 => {
            let mut payload = sample::payload(number, &stage.peer).to_vec();
            let (&len, after) = after.split_first().unwrap_or((&0, &[]));
            payload.truncate(usize::from(len));
            stage.peer.say_payload(&payload);
            deliver(stage, came);
            after
        }
        5 => {
            stage.now += Duration::from_secs(u64::from(number));
            let _ = stage.side.connection.handle_timeout(stage.now);
            after
        }
        _ => {
            command(stage, number);
            after
        }
    }
}

/// What the user of the connection may do at any time.
fn command(stage: &mut Stage, number: u8) {
    let connection = &mut stage.side.connection;
    let _ = match number % 8 {
        0 => connection.rekey(stage.now),
        1 => connection.ping(Bytes::from_static(b"ping")),
        2 => {
            connection.disconnect(Reason::BY_APPLICATION, "enough");
            Ok(())
        }
        // What the phase does not allow ends the connection, and no more.
        3 => connection.authenticate(stage.now, password("z")),
        _ if stage.side.is_connected() => stage.side.connection.send(&data(u32::from(number))),
        _ => Ok(()),
    };
}

fn deliver(stage: &mut Stage, came: &mut usize) {
    let said = stage.peer.out.split();
    *came += said.len();
    stage.side.input.extend_from_slice(&said);
    stage.side.turn(stage.now);
}

/// Whatever came, the connection keeps and says no more than is right, and its end is one.
fn check(stage: &mut Stage, came: usize) {
    assert!(stage.side.input.len() <= came + FIXED);
    let bound = FACTOR * came + FIXED;
    assert!(stage.side.connection.backlog() <= bound);
    let mut output = BytesMut::new();
    stage.side.connection.poll_transmit(&mut output);
    assert!(output.len() <= bound);
    let Some(error) = stage.side.connection.error().cloned() else { return };
    assert_eq!(stage.side.connection.handle_timeout(stage.now), Err(error.clone()));
    assert_eq!(stage.side.connection.rekey(stage.now), Err(error));
    assert_eq!(stage.side.connection.poll_timeout(), None);
    assert_eq!(stage.side.connection.backlog(), 0);
    assert!(stage.side.connection.poll_event().is_none());
}
