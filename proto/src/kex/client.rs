//! The client's part: it sends the first share and checks who answers.

use crate::error::{Error, HostKey};
use crate::kex::proposal::Agreement;
use crate::kex::schedule::Outcome;
use crate::kex::transcript::{Transcript, encode_secret};
use crate::message::kex::{KexEcdhInit, KexEcdhReply};
use crate::provider::{Failure, Initiator, Provider};
use crate::signature;

/// Waits for SSH_MSG_KEX_ECDH_REPLY
/// ([RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4)).
pub(crate) struct AwaitReply {
    agreement: Agreement,
    transcript: Transcript,
    initiator: Box<dyn Initiator>,
}

impl AwaitReply {
    /// Makes the share that is to be sent.
    pub(crate) fn start(
        provider: &Provider,
        agreement: Agreement,
        transcript: Transcript,
    ) -> Result<(Self, KexEcdhInit), Failure> {
        let method = provider.exchange(&agreement.exchange).ok_or(Failure::Internal)?;
        let initiator = method.initiate()?;
        let init = KexEcdhInit { share: initiator.share().to_vec().into() };
        Ok((Self { agreement, transcript, initiator }, init))
    }

    /// Comes to the secret, and makes sure that the server has the host key that it shows.
    /// Whether that key is to be trusted is another question.
    pub(crate) fn handle_reply(
        self,
        provider: &Provider,
        reply: KexEcdhReply,
    ) -> Result<Outcome, Error> {
        let method = provider.exchange(&self.agreement.exchange).ok_or(Failure::Internal)?;
        let client_share = self.initiator.share().to_vec();
        let secret = encode_secret(&self.initiator.finish(&reply.share)?);
        let hash =
            self.transcript.hash(method, &reply.host_key, &client_share, &reply.share, &secret);
        let algorithm = &self.agreement.host_key;
        signature::verify(provider, algorithm, &reply.host_key, &hash, &reply.signature).map_err(
            |failure| match failure {
                Failure::Internal => Error::Cryptography(failure),
                Failure::BadKey => Error::HostKey(HostKey::WrongType),
                _ => Error::HostKey(HostKey::BadSignature),
            },
        )?;
        Ok(Outcome { agreement: self.agreement, hash, secret, host_key: reply.host_key })
    }
}
