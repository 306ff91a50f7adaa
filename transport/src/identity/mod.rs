//! Who a side is: private keys, in files and in agents.

use std::fmt;
use std::sync::Arc;

use adit_proto::event::HostProof;
use bytes::Bytes;

pub use agent::Agent;
pub use error::Error;
pub use private_key::PrivateKey;

use crate::certificate::Certificate;
use crate::public_key::PublicKey;

pub mod agent;
mod armor;
mod asn1;
mod dek;
mod encryption;
pub mod error;
mod fields;
mod key_file;
pub mod private_key;
pub mod problem;
mod rsa;
mod sealed;
mod signing_key;

/// A private key, wherever it is held.
///
/// A client logs in with identities, and a server has them as its host keys. `Display` shows the
/// key's type and fingerprint, and where it is from.
#[derive(Debug, Clone)]
pub struct Identity {
    public_key: PublicKey,
    certificate: Option<Arc<Certificate>>,
    origin: String,
    signer: Signer,
}

/// Who signs.
#[derive(Debug, Clone)]
enum Signer {
    Key(Arc<PrivateKey>),
    /// An agent, which knows the key by this public key or certificate.
    Agent(Agent, Bytes),
}

impl Identity {
    /// A private key that this process holds. `origin` tells where it is from, for messages: most
    /// often a file's name.
    pub fn from_key(key: PrivateKey, origin: impl Into<String>) -> Self {
        Self {
            public_key: key.public_key().clone(),
            certificate: None,
            origin: origin.into(),
            signer: Signer::Key(Arc::new(key)),
        }
    }

    /// A key that an agent holds.
    pub fn from_agent(agent: Agent, key: agent::Key) -> Self {
        let origin = match key.comment.as_str() {
            "" => "agent".to_owned(),
            comment => format!("agent, {comment}"),
        };
        let wire = match &key.certificate {
            Some(certificate) => certificate.wire().clone(),
            None => key.public_key.wire().clone(),
        };
        let agent::Key { public_key, certificate, .. } = key;
        Self { public_key, certificate, origin, signer: Signer::Agent(agent, wire) }
    }

    /// The certificate that an agent holds with the key.
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.certificate.as_ref()
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether this process holds the key, so that it signs at once and asks nobody.
    pub fn is_local(&self) -> bool {
        matches!(self.signer, Signer::Key(_))
    }

    /// Where the key is from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The signature algorithms that the key signs by, the preferred first.
    pub fn algorithms(&self) -> Vec<&str> {
        self.public_key.algorithms()
    }

    /// Signs `data` by `algorithm` and yields the signature as on the wire, `string` algorithm and
    /// what it says ([RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6)).
    ///
    /// A key that this process holds signs at once, which takes some milliseconds for RSA; an agent
    /// is waited for as [`Agent::sign`] says.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Cancel safety
    /// Dropping the future gives the signature up; nothing else is lost.
    pub async fn sign(&self, algorithm: &str, data: &[u8]) -> Result<Bytes, Error> {
        self.sign_for(None, algorithm, data).await
    }

    /// As [`sign`](Self::sign), for the session with this server, which an agent is told.
    ///
    /// # Errors
    /// [`Error`].
    ///
    /// # Cancel safety
    /// As that of [`sign`](Self::sign).
    pub async fn sign_for(
        &self,
        server: Option<&HostProof>,
        algorithm: &str,
        data: &[u8],
    ) -> Result<Bytes, Error> {
        if !self.algorithms().contains(&algorithm) {
            return Err(Error::Algorithm {
                key_type: self.public_key.key_type().to_owned(),
                algorithm: algorithm.to_owned(),
            });
        }
        match &self.signer {
            Signer::Key(key) => key.sign(algorithm, data).ok_or(Error::Failed),
            Signer::Agent(agent, key) => Ok(agent.sign(key, algorithm, data, server).await?),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, origin) = (&self.public_key, &self.origin);
        write!(f, "{} {} ({origin})", key.key_type(), key.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_of_this_process_signs() {
        let key = PrivateKey::generate_ed25519("").unwrap();
        let identity = Identity::from_key(key, "memory");
        let signature = identity.sign("ssh-ed25519", b"data").await.unwrap();
        assert!(signature.starts_with(b"\0\0\0\x0bssh-ed25519\0\0\0\x40"));
    }

    #[tokio::test]
    async fn an_algorithm_of_another_type_is_an_error() {
        let key = PrivateKey::generate_ed25519("").unwrap();
        let error = Identity::from_key(key, "memory").sign("rsa-sha2-512", b"").await.unwrap_err();
        assert_eq!(error.to_string(), "a key of type ssh-ed25519 does not sign by rsa-sha2-512");
    }

    #[test]
    fn an_identity_is_shown_with_its_origin() {
        let key = PrivateKey::generate_ed25519("").unwrap();
        let public_key = key.public_key().clone();
        let fingerprint = public_key.fingerprint();
        let identity = Identity::from_key(key, "/home/me/.ssh/id_ed25519");
        let expected = format!("ssh-ed25519 {fingerprint} (/home/me/.ssh/id_ed25519)");
        assert_eq!(identity.to_string(), expected);
        let key = agent::Key { public_key, certificate: None, comment: "me@here".to_owned() };
        let identity = Identity::from_agent(Agent::new("/agent"), key);
        assert_eq!(identity.origin(), "agent, me@here");
    }
}
