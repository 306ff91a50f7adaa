//! The server's part: it answers the first share and proves who it is.

use bytes::Bytes;

use crate::config::HostKey;
use crate::error::Error;
use crate::kex::method::Method;
use crate::kex::proposal::Agreement;
use crate::kex::schedule::Outcome;
use crate::kex::transcript::{Transcript, encode_secret};
use crate::message::kex::KexEcdhReply;
use crate::message::kex_group::{KexDhGexGroup, KexDhGexRequest};
use crate::provider::{Failure, GroupSize, Provider};
use crate::wire::Mpint;

/// Waits for SSH_MSG_KEX_DH_GEX_REQUEST
/// ([RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3)).
#[derive(Debug)]
pub(crate) struct AwaitRequest {
    pub(crate) agreement: Agreement,
    pub(crate) transcript: Transcript,
}

/// Waits for SSH_MSG_KEX_ECDH_INIT
/// ([RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4)), or the message that
/// has its form.
#[derive(Debug)]
pub(crate) struct AwaitInit {
    pub(crate) agreement: Agreement,
    pub(crate) transcript: Transcript,
    pub(crate) method: Method,
}

/// Waits for the signature of the host key.
#[derive(Debug)]
pub(crate) struct AwaitSignature {
    outcome: Outcome,
    server_share: Vec<u8>,
}

impl AwaitRequest {
    /// Chooses the group that is to be sent.
    pub(crate) fn handle_request(
        self,
        provider: &Provider,
        request: &KexDhGexRequest,
    ) -> Result<(AwaitInit, KexDhGexGroup), Failure> {
        let exchange = provider.group_exchange(&self.agreement.exchange);
        let exchange = exchange.ok_or(Failure::Internal)?;
        let KexDhGexRequest { min, preferred, max } = *request;
        let size = GroupSize { min, preferred, max };
        if min > preferred || preferred > max {
            return Err(Failure::BadGroup);
        }
        let group = exchange.choose(size)?;
        let message = KexDhGexGroup {
            prime: Mpint(group.prime.clone()),
            generator: Mpint(group.generator.clone()),
        };
        let method = Method::over(exchange, group, size)?;
        let Self { agreement, transcript } = self;
        Ok((AwaitInit { agreement, transcript, method }, message))
    }
}

impl AwaitInit {
    /// Whether the group was agreed on first, so that the messages have other numbers.
    pub(crate) fn is_grouped(&self) -> bool {
        self.method.chosen().is_some()
    }

    /// Comes to the secret.
    pub(crate) fn handle_init(
        self,
        provider: &Provider,
        host_keys: &[HostKey],
        client_share: &[u8],
    ) -> Result<AwaitSignature, Error> {
        let method = self.method.exchange(provider)?;
        let host_key = host_keys
            .iter()
            .find(|it| it.algorithms.contains(&self.agreement.host_key))
            .map(|it| it.key.clone())
            .ok_or(Failure::Internal)?;
        let (server_share, secret) = method.respond(client_share)?;
        let secret = encode_secret(&secret);
        let shares = [client_share, &server_share];
        let hash = self.transcript.hash(method, self.method.chosen(), &host_key, shares, &secret);
        let Self { agreement, method, .. } = self;
        let outcome = Outcome { agreement, method, hash, secret, host_key };
        Ok(AwaitSignature { outcome, server_share })
    }
}

impl AwaitSignature {
    /// The host key that is to sign.
    pub(crate) fn host_key(&self) -> &Bytes {
        &self.outcome.host_key
    }

    /// The algorithm that it is to sign by.
    pub(crate) fn algorithm(&self) -> &str {
        &self.outcome.agreement.host_key
    }

    /// What it is to sign: the exchange hash.
    pub(crate) fn data(&self) -> &Bytes {
        &self.outcome.hash
    }

    /// Makes the answer to be sent.
    pub(crate) fn sign(self, signature: Bytes) -> (KexEcdhReply, Outcome) {
        let reply = KexEcdhReply {
            host_key: self.outcome.host_key.clone(),
            share: self.server_share.into(),
            signature,
        };
        (reply, self.outcome)
    }
}
