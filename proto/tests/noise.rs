//! Arbitrary bytes in every phase.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::pair::peer::Peer;
use crate::pair::sample;
use crate::pair::setup::Setup;
use crate::pair::side::Who;
use crate::pair::stage::{Stage, Step};

/// The course of a connection, as far as the noise lets it come.
const STEPS: [Step; 7] = [
    Stage::identify,
    Stage::offer,
    Stage::share,
    Stage::newkeys,
    Stage::service,
    Stage::login,
    Stage::begin_rekey,
];

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![Just(Who::Client), Just(Who::Server)]
}

/// A connection that has come so far.
fn stage(who: Who, steps: usize) -> Stage {
    let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
    STEPS[..steps].iter().for_each(|step| step(&mut stage));
    stage
}

/// It has not panicked; what it keeps is bounded by what came.
fn check(stage: &mut Stage, came: usize) -> Result<(), TestCaseError> {
    prop_assert!(stage.side.input.len() <= came);
    let mut output = BytesMut::new();
    stage.side.connection.poll_transmit(&mut output);
    prop_assert!(output.len() <= 2 * came + 4096, "{} bytes answer {came}", output.len());
    prop_assert_eq!(stage.side.connection.backlog(), 0);
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(
        who in who(),
        steps in 0..=STEPS.len(),
        noise in vec(any::<u8>(), 0..600),
        chunk in 1..600_usize,
    ) {
        let mut stage = stage(who, steps);
        for chunk in noise.chunks(chunk) {
            stage.side.input.extend_from_slice(chunk);
            stage.side.turn(stage.now);
        }
        check(&mut stage, noise.len())?;
    }

    #[test]
    fn arbitrary_payloads_do_not_panic(
        who in who(),
        steps in 1..=STEPS.len(),
        payloads in vec(vec(any::<u8>(), 0..100), 1..8),
    ) {
        let mut stage = stage(who, steps);
        let came: usize = payloads.iter().map(|it| it.len() + 40).sum();
        for payload in &payloads {
            stage.peer.say_payload(payload);
        }
        let said = stage.peer.out.split();
        stage.side.input.extend_from_slice(&said);
        stage.side.turn(stage.now);
        check(&mut stage, came)?;
    }

    /// Each number with a body that is mostly right comes deeper than noise.
    #[test]
    fn altered_messages_do_not_panic(
        who in who(),
        steps in 1..=STEPS.len(),
        number in any::<u8>(),
        at in any::<prop::sample::Index>(),
        bits in any::<u8>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut stage = stage(who, steps);
        let mut payload = sample::payload(number, &stage.peer).to_vec();
        let place = at.index(payload.len());
        payload[place] ^= bits;
        payload.truncate(cut.map_or(payload.len(), |it| it.index(payload.len() + 1)));
        stage.peer.say_payload(&payload);
        let said = stage.peer.out.split();
        stage.side.input.extend_from_slice(&said);
        stage.side.turn(stage.now);
        check(&mut stage, said.len())?;
    }

    #[test]
    fn several_messages_in_any_order_do_not_panic_and_log_nobody_in_without_a_decision(
        who in who(),
        steps in 1..5_usize,
        numbers in vec(any::<u8>(), 1..20),
    ) {
        let mut setup = Setup::new();
        setup.server_answers.afterwards = None;
        setup.client_answers.credentials = [].into();
        let mut stage = Stage::new(who, setup, Peer::new(who.other()));
        STEPS[..steps].iter().for_each(|step| step(&mut stage));
        for number in numbers {
            let payload = sample::payload(number, &stage.peer);
            stage.peer.say_payload(&payload);
        }
        let said = stage.peer.out.split();
        stage.side.input.extend_from_slice(&said);
        stage.side.turn(stage.now);
        prop_assert!(!stage.side.is_connected());
        prop_assert!(stage.side.messages().is_empty());
    }
}
