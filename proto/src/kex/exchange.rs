//! The course of key exchanges through a connection's life.
//!
//! ```text
//!            begin                peer's KEXINIT           agreed, NEWKEYS sent
//!     Idle ---------> Offered ---------------------> ... ----------------------.
//!      ^ |                                            ^                         v
//!      | '-------------- peer's KEXINIT --------------'                   AwaitNewKeys
//!      '------------------------------- peer's NEWKEYS ------------------------'
//!
//!     client:  (AwaitGroup   -->) AwaitReply --> AwaitTrust (first exchange only)
//!     server:  (AwaitRequest -->) AwaitInit  --> AwaitSignature
//! ```
//!
//! What is in parentheses is for methods whose group is agreed on first.
//!
//! Messages of other layers may not be sent from `Offered` on until NEWKEYS was sent; they
//! may come until the peer's KEXINIT has come, since its data may still be under way.

use std::mem;

use bytes::{Bytes, BytesMut};

use crate::config::{Algorithms, Common, HostKey};
use crate::error::{self, Error, Violation};
use crate::event::{HostProof, SignRequest};
use crate::ident::Identification;
use crate::kex::client::{AwaitGroup, AwaitReply};
use crate::kex::guess::Guess;
use crate::kex::method::Method;
use crate::kex::proposal::{self, Agreement, Direction, Offers, Own};
use crate::kex::schedule::Outcome;
use crate::kex::server::{AwaitInit, AwaitRequest, AwaitSignature};
use crate::kex::transcript::Transcript;
use crate::message::codec::Message;
use crate::message::ext_info::ExtInfo;
use crate::message::kex::{KexEcdhInit, KexEcdhReply};
use crate::message::kex_group::{KexDhGexGroup, KexDhGexInit, KexDhGexReply, KexDhGexRequest};
use crate::message::kexinit::KexInit;
use crate::message::newkeys::NewKeys;
use crate::message::number::Number;
use crate::name::NameList;
use crate::packet::opener::Incoming;
use crate::packet::record::Record;
use crate::packet::sealer::Sequence;

/// Runs key exchanges, one after another.
pub(crate) struct Exchange {
    role: Role,
    common: Common,
    state: State,
    peer_identification: Option<Identification>,
    /// The hash of the first exchange.
    session_id: Option<Bytes>,
    /// The host key of the first exchange, which may not change.
    host_key: Option<Bytes>,
    strict: Strict,
    /// Sent behind the first NEWKEYS where the peer takes it.
    ext_info: ExtInfo,
    peer_takes_ext_info: bool,
    /// Whether the peer's next packet of the method was guessed wrongly.
    skip_guess: bool,
    /// What a client and its server offered each other first, until somebody asks.
    offers: Option<Offers>,
}

/// What only one of the roles knows.
pub(crate) enum Role {
    Client,
    Server { host_keys: Vec<HostKey> },
}

enum State {
    Idle,
    /// This side has sent its offer.
    Offered(Offer),
    AwaitGroup(AwaitGroup),
    AwaitReply(AwaitReply),
    AwaitTrust(Outcome),
    AwaitRequest(AwaitRequest),
    AwaitInit(AwaitInit),
    AwaitSignature(AwaitSignature),
    AwaitNewKeys {
        incoming: Incoming,
        agreement: Agreement,
    },
    /// An error has come, or a step is under way.
    Broken,
}

struct Offer {
    message: KexInit,
    payload: Bytes,
    /// The packet that was sent behind it.
    guess: Option<Guess>,
}

/// Whether sequence numbers begin anew with each exchange and nothing else may come during
/// the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strict {
    No,
    Yes,
}

/// What a step came to.
pub(crate) enum Progress {
    /// More must come.
    None,
    /// The user must say whether this host key is to be trusted.
    HostKey(HostProof),
    /// The user must sign.
    Sign(SignRequest),
    /// The exchange is done.
    Done(Agreement),
}

impl Exchange {
    pub(crate) fn new(role: Role, common: Common, ext_info: ExtInfo) -> Self {
        Self {
            role,
            common,
            state: State::Idle,
            peer_identification: None,
            session_id: None,
            host_key: None,
            strict: Strict::No,
            ext_info,
            peer_takes_ext_info: false,
            skip_guess: false,
            offers: None,
        }
    }

    /// What both sides offered first, once, for a client that wants to tell of it.
    pub(crate) fn take_offers(&mut self) -> Option<Offers> {
        self.offers.take()
    }

    /// Whether no exchange is under way.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether messages of other layers must be held back.
    pub(crate) fn holds_back(&self) -> bool {
        !matches!(self.state, State::Idle | State::AwaitNewKeys { .. })
    }

    /// Whether the peer has begun its part of an exchange and has not ended it.
    pub(crate) fn peer_is_exchanging(&self) -> bool {
        !matches!(self.state, State::Idle | State::Offered(_))
    }

    /// The hash of the first exchange.
    pub(crate) fn session_id(&self) -> Option<&Bytes> {
        self.session_id.as_ref()
    }

    /// The server's host key in the first exchange, as on the wire.
    pub(crate) fn host_key(&self) -> Option<&Bytes> {
        self.host_key.as_ref()
    }

    pub(crate) fn strict(&self) -> Strict {
        self.strict
    }

    pub(crate) fn peer_identification(&self) -> Option<&Identification> {
        self.peer_identification.as_ref()
    }

    pub(crate) fn set_peer_identification(&mut self, identification: Identification) {
        self.peer_identification = Some(identification);
    }

    /// Sends this side's offer, unless it was sent.
    pub(crate) fn begin(&mut self, record: &mut Record) -> Result<(), Error> {
        if self.is_idle() {
            self.state = State::Offered(self.offer(record)?);
        }
        Ok(())
    }

    fn offer(&self, record: &mut Record) -> Result<Offer, Error> {
        let mut cookie = [0; 16];
        self.common.provider.random.fill(&mut cookie)?;
        let markers: &[&str] = match (&self.role, &self.session_id) {
            (_, Some(_)) => &[],
            (Role::Client, None) => &[proposal::EXT_INFO_C, proposal::STRICT_C],
            (Role::Server { .. }, None) => &[proposal::EXT_INFO_S, proposal::STRICT_S],
        };
        let algorithms = self.algorithms();
        let guess = match (&self.role, &self.session_id) {
            (Role::Client, None) => Guess::of(&self.common.provider, &algorithms)?,
            _ => None,
        };
        let mut message = proposal::offer(&algorithms, cookie, markers);
        message.first_kex_packet_follows = guess.is_some();
        let mut payload = BytesMut::new();
        message.encode(&mut payload);
        let payload = payload.freeze();
        record.sealer.seal(|out| out.extend_from_slice(&payload))?;
        if let Some(guess) = &guess {
            record.send(&guess.message())?;
        }
        Ok(Offer { message, payload, guess })
    }

    /// What is offered: a server can sign only by what its host keys have.
    fn algorithms(&self) -> Algorithms {
        let mut algorithms = self.common.algorithms.clone();
        if let Role::Server { host_keys } = &self.role {
            let usable = algorithms
                .host_keys
                .iter()
                .filter(|name| host_keys.iter().any(|key| key.algorithms.contains(name)));
            algorithms.host_keys = NameList::new(usable).unwrap_or_default();
        }
        algorithms
    }

    /// Takes a message of the key exchange, numbers 20 to 49.
    pub(crate) fn handle(
        &mut self,
        number: Number,
        payload: &Bytes,
        record: &mut Record,
    ) -> Result<Progress, Error> {
        if mem::take(&mut self.skip_guess) && number >= Number::KEX_ECDH_INIT {
            return Ok(Progress::None);
        }
        match (mem::replace(&mut self.state, State::Broken), number) {
            (State::Idle, Number::KEXINIT) => {
                let offer = self.offer(record)?;
                self.handle_kexinit(offer, payload, record)
            }
            (State::Offered(offer), Number::KEXINIT) => self.handle_kexinit(offer, payload, record),
            (State::AwaitGroup(state), Number::KEX_DH_GEX_GROUP) => {
                let group = KexDhGexGroup::decode(payload)?;
                self.propose(state.handle_group(&self.common.provider, &group)?, record)
            }
            (State::AwaitReply(state), Number::KEX_ECDH_REPLY) if !state.is_grouped() => {
                self.handle_reply(state, KexEcdhReply::decode(payload)?, record)
            }
            (State::AwaitReply(state), Number::KEX_DH_GEX_REPLY) if state.is_grouped() => {
                self.handle_reply(state, KexDhGexReply::decode(payload)?.into(), record)
            }
            (State::AwaitRequest(state), Number::KEX_DH_GEX_REQUEST) => {
                let request = KexDhGexRequest::decode(payload)?;
                let (state, group) = state.handle_request(&self.common.provider, &request)?;
                record.send(&group)?;
                self.state = State::AwaitInit(state);
                Ok(Progress::None)
            }
            (State::AwaitInit(state), Number::KEX_ECDH_INIT) if !state.is_grouped() => {
                self.handle_init(state, &KexEcdhInit::decode(payload)?.share)
            }
            (State::AwaitInit(state), Number::KEX_DH_GEX_INIT) if state.is_grouped() => {
                self.handle_init(state, &KexDhGexInit::decode(payload)?.share)
            }
            (State::AwaitNewKeys { incoming, agreement }, Number::NEWKEYS) => {
                NewKeys::decode(payload)?;
                record.opener.rekey(incoming, self.sequence());
                self.state = State::Idle;
                Ok(Progress::Done(agreement))
            }
            _ => Err(Error::Unexpected { number, during: "out of order in a key exchange" }),
        }
    }

    fn handle_kexinit(
        &mut self,
        own: Offer,
        payload: &Bytes,
        record: &mut Record,
    ) -> Result<Progress, Error> {
        let message = KexInit::decode(payload)?;
        if self.session_id.is_none() {
            if matches!(self.role, Role::Client) {
                self.offers = Some(Offers { ours: own.message.clone(), theirs: message.clone() });
            }
            self.learn_extensions(&message, record)?;
        }
        let (client, server, side) = match self.role {
            Role::Client => (&own.message, &message, Own::Client),
            Role::Server { .. } => (&message, &own.message, Own::Server),
        };
        let provider = &self.common.provider;
        let needs_mac = |cipher: &str| provider.stream_cipher(cipher).is_some();
        let agreement = proposal::agree(client, server, side, needs_mac)?;
        let right = proposal::guess_is_right(client, server);
        self.skip_guess = message.first_kex_packet_follows && !right;
        // The offer outlives the packet, whose memory may be that of much else.
        let transcript = self.transcript(own.payload, Bytes::copy_from_slice(payload))?;
        match self.role {
            Role::Client => match own.guess.filter(|_| right) {
                Some(guess) => {
                    let state = AwaitReply::guessed(guess, agreement, transcript);
                    self.state = State::AwaitReply(state);
                    Ok(Progress::None)
                }
                None => self.start(agreement, transcript, record),
            },
            Role::Server { .. } => {
                self.state = match provider.group_exchange(&agreement.exchange) {
                    Some(_) => State::AwaitRequest(AwaitRequest { agreement, transcript }),
                    None => {
                        let method = Method::Named(agreement.exchange.clone());
                        State::AwaitInit(AwaitInit { agreement, transcript, method })
                    }
                };
                Ok(Progress::None)
            }
        }
    }

    /// Begins the method as client.
    fn start(
        &mut self,
        agreement: Agreement,
        transcript: Transcript,
        record: &mut Record,
    ) -> Result<Progress, Error> {
        let provider = &self.common.provider;
        if let Some((state, request)) = AwaitGroup::start(provider, &agreement, &transcript) {
            record.send(&request)?;
            self.state = State::AwaitGroup(state);
            return Ok(Progress::None);
        }
        let method = Method::Named(agreement.exchange.clone());
        let state = AwaitReply::start(provider, method, agreement, transcript)?;
        self.propose(state, record)
    }

    /// Sends the share as client.
    fn propose(&mut self, state: AwaitReply, record: &mut Record) -> Result<Progress, Error> {
        let share = Bytes::copy_from_slice(state.share());
        if state.is_grouped() {
            record.send(&KexDhGexInit { share })?;
        } else {
            record.send(&KexEcdhInit { share })?;
        }
        self.state = State::AwaitReply(state);
        Ok(Progress::None)
    }

    /// The markers count in the first exchange only.
    fn learn_extensions(&mut self, message: &KexInit, record: &Record) -> Result<(), Error> {
        let (ext_info, strict) = match self.role {
            Role::Client => (proposal::EXT_INFO_S, proposal::STRICT_S),
            Role::Server { .. } => (proposal::EXT_INFO_C, proposal::STRICT_C),
        };
        self.peer_takes_ext_info = message.kex_algorithms.contains(ext_info);
        if message.kex_algorithms.contains(strict) {
            self.strict = Strict::Yes;
            if !record.opener.opened_first() {
                return Err(Violation::KexInitNotFirst.into());
            }
        }
        Ok(())
    }

    fn transcript(&self, own: Bytes, peers: Bytes) -> Result<Transcript, Error> {
        let own_id = Bytes::copy_from_slice(self.common.identification.as_bytes());
        let peer_id = self
            .peer_identification
            .as_ref()
            .map(|it| Bytes::copy_from_slice(it.as_bytes()))
            .ok_or(Error::Misuse("a key exchange before the identification"))?;
        let (client_identification, server_identification, client_kexinit, server_kexinit) =
            match self.role {
                Role::Client => (own_id, peer_id, own, peers),
                Role::Server { .. } => (peer_id, own_id, peers, own),
            };
        Ok(Transcript {
            client_identification,
            server_identification,
            client_kexinit,
            server_kexinit,
        })
    }

    fn handle_reply(
        &mut self,
        state: AwaitReply,
        reply: KexEcdhReply,
        record: &mut Record,
    ) -> Result<Progress, Error> {
        let (outcome, signature) = state.handle_reply(&self.common.provider, reply)?;
        self.check_host_key(outcome, signature, record)
    }

    fn check_host_key(
        &mut self,
        outcome: Outcome,
        signature: Bytes,
        record: &mut Record,
    ) -> Result<Progress, Error> {
        match &self.host_key {
            Some(trusted) if *trusted != outcome.host_key => Err(Violation::HostKeyReplaced.into()),
            Some(_) => self.install(outcome, record),
            None => {
                let proof = HostProof {
                    key: Bytes::copy_from_slice(&outcome.host_key),
                    algorithm: outcome.agreement.host_key.clone(),
                    hash: outcome.hash.clone(),
                    signature,
                };
                self.state = State::AwaitTrust(outcome);
                Ok(Progress::HostKey(proof))
            }
        }
    }

    /// The user's answer to [`Progress::HostKey`].
    pub(crate) fn trust(&mut self, trusted: bool, record: &mut Record) -> Result<Progress, Error> {
        match mem::replace(&mut self.state, State::Broken) {
            State::AwaitTrust(_) if !trusted => Err(Error::HostKey(error::HostKey::Untrusted)),
            State::AwaitTrust(outcome) => {
                self.host_key = Some(Bytes::copy_from_slice(&outcome.host_key));
                self.install(outcome, record)
            }
            other => {
                self.state = other;
                Err(Error::Misuse("no host key waits for trust"))
            }
        }
    }

    fn handle_init(&mut self, state: AwaitInit, share: &[u8]) -> Result<Progress, Error> {
        let Role::Server { host_keys } = &self.role else {
            return Err(Error::Misuse("a client waits for a client's share"));
        };
        let state = state.handle_init(&self.common.provider, host_keys, share)?;
        let request = SignRequest {
            key: state.host_key().clone(),
            algorithm: state.algorithm().to_owned(),
            data: state.data().clone(),
        };
        self.state = State::AwaitSignature(state);
        Ok(Progress::Sign(request))
    }

    /// The user's answer to [`Progress::Sign`].
    pub(crate) fn sign(
        &mut self,
        signature: Bytes,
        record: &mut Record,
    ) -> Result<Progress, Error> {
        match mem::replace(&mut self.state, State::Broken) {
            State::AwaitSignature(state) => {
                let (reply, outcome) = state.sign(signature);
                if outcome.method.chosen().is_some() {
                    record.send(&KexDhGexReply::from(reply))?;
                } else {
                    record.send(&reply)?;
                }
                self.install(outcome, record)
            }
            other => {
                self.state = other;
                Err(Error::Misuse("no key exchange waits for a signature"))
            }
        }
    }

    /// Takes the new keys into use for what is sent, and readies them for what comes.
    fn install(&mut self, outcome: Outcome, record: &mut Record) -> Result<Progress, Error> {
        let first = self.session_id.is_none();
        if first && self.host_key.is_none() {
            self.host_key = Some(Bytes::copy_from_slice(&outcome.host_key));
        }
        let session_id = self.session_id.get_or_insert_with(|| outcome.hash.clone()).clone();
        let (outgoing, incoming) = match self.role {
            Role::Client => (Direction::ClientToServer, Direction::ServerToClient),
            Role::Server { .. } => (Direction::ServerToClient, Direction::ClientToServer),
        };
        let provider = &self.common.provider;
        let incoming = outcome.incoming(provider, &session_id, incoming)?;
        let outgoing = outcome.outgoing(provider, &session_id, outgoing)?;
        record.send(&NewKeys {})?;
        record.sealer.rekey(outgoing, self.sequence());
        if first && self.peer_takes_ext_info && !self.ext_info.extensions.is_empty() {
            record.send(&self.ext_info)?;
        }
        self.state = State::AwaitNewKeys { incoming, agreement: outcome.agreement };
        Ok(Progress::None)
    }

    fn sequence(&self) -> Sequence {
        match self.strict {
            Strict::Yes => Sequence::Reset,
            Strict::No => Sequence::Continue,
        }
    }
}
