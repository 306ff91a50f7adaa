//! The client's part: it sends the first share and checks who answers.

use bytes::Bytes;

use crate::error::{Error, HostKey};
use crate::kex::guess::Guess;
use crate::kex::method::Method;
use crate::kex::proposal::Agreement;
use crate::kex::schedule::Outcome;
use crate::kex::transcript::{Transcript, encode_secret};
use crate::message::kex::KexEcdhReply;
use crate::message::kex_group::{KexDhGexGroup, KexDhGexRequest};
use crate::provider::{Failure, Group, GroupSize, Initiator, Provider};
use crate::signature;

/// Waits for SSH_MSG_KEX_DH_GEX_GROUP
/// ([RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3)).
#[derive(Debug)]
pub(crate) struct AwaitGroup {
    agreement: Agreement,
    transcript: Transcript,
    size: GroupSize,
}

/// Waits for SSH_MSG_KEX_ECDH_REPLY
/// ([RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4)), or the message that
/// has its form.
pub(crate) struct AwaitReply {
    agreement: Agreement,
    transcript: Transcript,
    method: Method,
    initiator: Box<dyn Initiator>,
}

impl AwaitGroup {
    /// Asks for a group; `None` where the method that was agreed on has one.
    pub(crate) fn start(
        provider: &Provider,
        agreement: &Agreement,
        transcript: &Transcript,
    ) -> Option<(Self, KexDhGexRequest)> {
        let size = provider.group_exchange(&agreement.exchange)?.wanted();
        let GroupSize { min, preferred, max } = size;
        let state = Self { agreement: agreement.clone(), transcript: transcript.clone(), size };
        Some((state, KexDhGexRequest { min, preferred, max }))
    }

    /// Takes the group, and makes the share that is to be sent.
    pub(crate) fn handle_group(
        self,
        provider: &Provider,
        message: &KexDhGexGroup,
    ) -> Result<AwaitReply, Failure> {
        let exchange = provider.group_exchange(&self.agreement.exchange);
        let group =
            Group { prime: message.prime.0.clone(), generator: message.generator.0.clone() };
        let method = Method::over(exchange.ok_or(Failure::Internal)?, group, self.size)?;
        AwaitReply::start(provider, method, self.agreement, self.transcript)
    }
}

impl AwaitReply {
    /// Makes the share that is to be sent.
    pub(crate) fn start(
        provider: &Provider,
        method: Method,
        agreement: Agreement,
        transcript: Transcript,
    ) -> Result<Self, Failure> {
        let initiator = method.exchange(provider)?.initiate()?;
        Ok(Self { agreement, transcript, method, initiator })
    }

    /// Goes on from a guess that was right: its share was sent.
    pub(crate) fn guessed(guess: Guess, agreement: Agreement, transcript: Transcript) -> Self {
        Self { agreement, transcript, method: guess.method, initiator: guess.initiator }
    }

    /// The share that is to be sent.
    pub(crate) fn share(&self) -> &[u8] {
        self.initiator.share()
    }

    /// Whether the group was agreed on first, so that the messages have other numbers.
    pub(crate) fn is_grouped(&self) -> bool {
        self.method.chosen().is_some()
    }

    /// Comes to the secret, and makes sure that the server has the host key that it shows, by the
    /// signature that is yielded too.
    /// Whether that key is to be trusted is another question.
    pub(crate) fn handle_reply(
        self,
        provider: &Provider,
        reply: KexEcdhReply,
    ) -> Result<(Outcome, Bytes), Error> {
        let method = self.method.exchange(provider)?;
        let client_share = self.initiator.share().to_vec();
        let secret = encode_secret(&self.initiator.finish(&reply.share)?);
        let shares = [&client_share[..], &reply.share];
        let chosen = self.method.chosen();
        let hash = self.transcript.hash(method, chosen, &reply.host_key, shares, &secret);
        let algorithm = &self.agreement.host_key;
        signature::verify(provider, algorithm, &reply.host_key, &hash, &reply.signature).map_err(
            |failure| match failure {
                Failure::Internal => Error::Cryptography(failure),
                Failure::BadKey => Error::HostKey(HostKey::WrongType),
                Failure::KeySize => Error::HostKey(HostKey::Size),
                _ => Error::HostKey(HostKey::BadSignature),
            },
        )?;
        let signature = Bytes::copy_from_slice(&reply.signature);
        let Self { agreement, method, .. } = self;
        let host_key = reply.host_key;
        Ok((Outcome { agreement, method, hash, secret, host_key }, signature))
    }
}
