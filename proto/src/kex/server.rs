//! The server's part: it answers the first share and proves who it is.

use bytes::Bytes;

use crate::config::HostKey;
use crate::error::Error;
use crate::kex::proposal::Agreement;
use crate::kex::schedule::Outcome;
use crate::kex::transcript::{Transcript, encode_secret};
use crate::message::kex::{KexEcdhInit, KexEcdhReply};
use crate::provider::{Failure, Provider};

/// Waits for SSH_MSG_KEX_ECDH_INIT
/// ([RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4)).
#[derive(Debug)]
pub(crate) struct AwaitInit {
    pub(crate) agreement: Agreement,
    pub(crate) transcript: Transcript,
}

/// Waits for the signature of the host key.
#[derive(Debug)]
pub(crate) struct AwaitSignature {
    outcome: Outcome,
    server_share: Vec<u8>,
}

impl AwaitInit {
    /// Comes to the secret.
    pub(crate) fn handle_init(
        self,
        provider: &Provider,
        host_keys: &[HostKey],
        init: &KexEcdhInit,
    ) -> Result<AwaitSignature, Error> {
        let method = provider.exchange(&self.agreement.exchange).ok_or(Failure::Internal)?;
        let host_key = host_keys
            .iter()
            .find(|it| it.algorithms.contains(&self.agreement.host_key))
            .map(|it| it.key.clone())
            .ok_or(Failure::Internal)?;
        let (server_share, secret) = method.respond(&init.share)?;
        let secret = encode_secret(&secret);
        let hash = self.transcript.hash(method, &host_key, &init.share, &server_share, &secret);
        let outcome = Outcome { agreement: self.agreement, hash, secret, host_key };
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
