//! Who answers what a connection asks.

use std::collections::VecDeque;
use std::time::Instant;

use adit_proto::event::{Credential, Decision, SignRequest};
use adit_proto::secret::Secret;
use adit_proto::{Connection, Error, Event};
use bytes::Bytes;

use crate::toy;

/// The answers of one side, prepared before it runs.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) trust: Trust,
    pub(crate) signing: Signing,
    /// What a client tries, one after another; then it stays silent.
    pub(crate) credentials: VecDeque<Credential>,
    /// What a client's user answers to questions, one set after another; then nothing.
    pub(crate) responses: VecDeque<Vec<Secret>>,
    /// What a server decides, one after another.
    pub(crate) decisions: VecDeque<Decision>,
    /// What it decides after that; `None` leaves the question open.
    pub(crate) afterwards: Option<Decision>,
}

/// Whether a client trusts a host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Yes,
    No,
    /// It does not answer.
    Open,
}

/// How a side signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    Right,
    /// The signature is one over other data.
    Wrong,
    /// It does not answer.
    Open,
}

impl Default for Answers {
    /// Trusts, signs rightly, tries the key of alice, accepts everybody.
    fn default() -> Self {
        Self {
            trust: Trust::Yes,
            signing: Signing::Right,
            credentials: [key("alice")].into(),
            responses: VecDeque::new(),
            decisions: VecDeque::new(),
            afterwards: Some(Decision::Accept),
        }
    }
}

/// A login by the toy key of this name.
pub(crate) fn key(name: &str) -> Credential {
    Credential::PublicKey { key: toy::public_key(name), algorithm: "toy-signature".to_owned() }
}

/// The question whether a login by the toy key of this name would be taken.
pub(crate) fn offer(name: &str) -> Credential {
    Credential::Offer { key: toy::public_key(name), algorithm: "toy-signature".to_owned() }
}

/// A login by this password.
pub(crate) fn password(password: &str) -> Credential {
    Credential::Password { password: Secret::from(password.to_owned()), new_password: None }
}

impl Answers {
    /// Answers an event, if there is an answer to it.
    pub(crate) fn answer(
        &mut self,
        event: &Event,
        connection: &mut Connection,
        now: Instant,
    ) -> Result<(), Error> {
        match event {
            Event::HostKey(_) => match self.trust {
                Trust::Yes => connection.trust(now, true),
                Trust::No => connection.trust(now, false),
                Trust::Open => Ok(()),
            },
            Event::Sign(request) => match self.sign(request) {
                Some(signature) => connection.provide_signature(now, signature),
                None => Ok(()),
            },
            Event::Authenticate(_) | Event::KeyAccepted | Event::ChangePassword(_) => {
                match self.credentials.pop_front() {
                    Some(credential) => connection.authenticate(now, credential),
                    None => Ok(()),
                }
            }
            Event::Asked(_) => match self.responses.pop_front() {
                Some(answers) => connection.respond(now, answers),
                None => Ok(()),
            },
            Event::Login(_) => {
                match self.decisions.pop_front().or_else(|| self.afterwards.clone()) {
                    Some(decision) => connection.decide(now, decision),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn sign(&self, request: &SignRequest) -> Option<Bytes> {
        match self.signing {
            Signing::Right => Some(toy::sign(&request.key, &request.data)),
            Signing::Wrong => Some(toy::sign(&request.key, b"something else")),
            Signing::Open => None,
        }
    }
}
