//! Signatures by certified keys, to verify with.

use adit_proto::provider::{Failure, Presence, Verify};
use bytes::Bytes;

use crate::certificate::Certificate;
use crate::certificate::algorithm::{self, Algorithm};
use crate::provider::security_key::SecurityKey;
use crate::provider::signature::{Ecdsa, Ed25519, Rsa};
use crate::public_key::material::{SK_ECDSA, SK_ED25519};

/// Verifies signatures by the key that a certificate certifies. Of the certificate it asks
/// nothing: whoever decides on the login has to.
///
/// The signature itself names the algorithm of the plain key, [`Algorithm::signature`].
#[derive(Debug)]
pub struct Certified {
    algorithm: Algorithm,
    plain: Box<dyn Verify>,
}

impl Certified {
    /// The verifier of a [known](algorithm::ALL) algorithm.
    pub fn named(name: &str) -> Option<Self> {
        let algorithm = algorithm::named(name)?;
        let plain: Box<dyn Verify> = match algorithm.signature {
            "ssh-ed25519" => Box::new(Ed25519),
            "ecdsa-sha2-nistp256" => Box::new(Ecdsa::NISTP256),
            "ecdsa-sha2-nistp384" => Box::new(Ecdsa::NISTP384),
            "ecdsa-sha2-nistp521" => Box::new(Ecdsa::NISTP521),
            SK_ED25519 => Box::new(SecurityKey::Ed25519),
            SK_ECDSA => Box::new(SecurityKey::Ecdsa),
            "rsa-sha2-512" => Box::new(Rsa::SHA512),
            "rsa-sha2-256" => Box::new(Rsa::SHA256),
            _ => return None,
        };
        Some(Self { algorithm, plain })
    }

    /// The verifiers of all algorithms, for a provider.
    pub fn all() -> Vec<Box<dyn Verify>> {
        let known = algorithm::ALL.into_iter().filter_map(|it| Self::named(it.name));
        known.map(|it| -> Box<dyn Verify> { Box::new(it) }).collect()
    }

    /// The names of the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verify for Certified {
    fn name(&self) -> &'static str {
        self.algorithm.name
    }

    fn key_type(&self) -> &'static str {
        self.algorithm.key_type
    }

    fn signature_name(&self) -> &'static str {
        self.algorithm.signature
    }

    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let certificate =
            Certificate::from_wire(Bytes::copy_from_slice(key)).map_err(|_| Failure::BadKey)?;
        if certificate.key_type() != self.algorithm.key_type {
            return Err(Failure::BadKey);
        }
        self.plain.verify(certificate.key().wire(), message, signature)
    }

    fn presence(&self, signature: &[u8]) -> Option<Presence> {
        self.plain.presence(signature)
    }
}
