//! The hybrid of ML-KEM-768 and X25519,
//! [draft-ietf-sshm-mlkem-hybrid-kex](https://datatracker.ietf.org/doc/draft-ietf-sshm-mlkem-hybrid-kex/).
//!
//! The encapsulation key has 1184 bytes, the ciphertext 1088.

use adit_proto::provider::{Failure, Initiator, KeyExchange, SharedSecret};
use adit_proto::secret::Secret;
use ml_kem::ml_kem_768::{Ciphertext, DecapsulationKey, EncapsulationKey};
use ml_kem::{B32, Decapsulate, KeyExport, Seed};
use ring::agreement::X25519;
use ring::digest;
use zeroize::{Zeroize, Zeroizing};

use crate::provider::ephemeral::Ephemeral;
use crate::provider::hash::hash;
use crate::provider::hybrid::{combine, split};
use crate::provider::random;

/// `mlkem768x25519-sha256`.
#[derive(Debug, Clone, Copy)]
pub struct MlKem768X25519;

impl KeyExchange for MlKem768X25519 {
    fn name(&self) -> &'static str {
        "mlkem768x25519-sha256"
    }

    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        let mut seed = Seed::default();
        random::fill(&mut seed)?;
        let post_quantum = DecapsulationKey::from_seed(seed);
        seed.zeroize();
        let classical = Ephemeral::generate(&X25519)?;
        let share = [&post_quantum.encapsulation_key().to_bytes(), classical.share()].concat();
        Ok(Box::new(Half { post_quantum, classical, share }))
    }

    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        let (key, peer) = split(client_share)?;
        let key = key.try_into().map_err(|_| Failure::BadShare)?;
        let key = EncapsulationKey::new(key).map_err(|_| Failure::BadShare)?;
        let mut message = B32::default();
        random::fill(&mut message)?;
        let (ciphertext, post_quantum) = key.encapsulate_deterministic(&message);
        message.zeroize();
        let classical = Ephemeral::generate(&X25519)?;
        let share = [&ciphertext, classical.share()].concat();
        let post_quantum = Zeroizing::new(post_quantum);
        Ok((share, combine(&digest::SHA256, &post_quantum[..], &classical.agree(peer)?)))
    }

    fn hash(&self, parts: &[&[u8]]) -> Secret {
        hash(&digest::SHA256, parts)
    }
}

/// The client's half.
struct Half {
    post_quantum: DecapsulationKey,
    classical: Ephemeral,
    share: Vec<u8>,
}

impl Initiator for Half {
    fn share(&self) -> &[u8] {
        &self.share
    }

    fn finish(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Failure> {
        let (ciphertext, peer) = split(server_share)?;
        let ciphertext: &Ciphertext = ciphertext.try_into().map_err(|_| Failure::BadShare)?;
        let post_quantum = Zeroizing::new(self.post_quantum.decapsulate(ciphertext));
        Ok(combine(&digest::SHA256, &post_quantum[..], &self.classical.agree(peer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(secret: SharedSecret) -> Vec<u8> {
        match secret {
            SharedSecret::Bytes(secret) => secret.expose().to_vec(),
            SharedSecret::Number(_) => panic!("a hybrid secret is hashed as a string"),
        }
    }

    fn refused<T>(result: Result<T, Failure>) -> bool {
        result.err() == Some(Failure::BadShare)
    }

    #[test]
    fn both_sides_come_to_the_same_secret() {
        let initiator = MlKem768X25519.initiate().unwrap();
        assert_eq!(initiator.share().len(), 1184 + 32);
        let (share, at_server) = MlKem768X25519.respond(initiator.share()).unwrap();
        assert_eq!(share.len(), 1088 + 32);
        assert_eq!(bytes(initiator.finish(&share).unwrap()), bytes(at_server));
    }

    #[test]
    fn a_client_share_of_another_length_is_refused() {
        let share = MlKem768X25519.initiate().unwrap().share().to_vec();
        for len in [0, 1, 31, 32, 33, 1184, 1215] {
            assert!(refused(MlKem768X25519.respond(&share[..len])), "{len}");
        }
        assert!(refused(MlKem768X25519.respond(&[&share[..], &[0]].concat())));
    }

    #[test]
    fn a_server_share_of_another_length_is_refused() {
        for len in [0, 31, 32, 1088, 1119, 1121] {
            let initiator = MlKem768X25519.initiate().unwrap();
            assert!(refused(initiator.finish(&vec![7; len])), "{len}");
        }
    }

    /// The check of the modulus, [FIPS 203 section 7.2](https://doi.org/10.6028/NIST.FIPS.203).
    #[test]
    fn an_encapsulation_key_beyond_the_modulus_is_refused() {
        let mut share = MlKem768X25519.initiate().unwrap().share().to_vec();
        share[..2].copy_from_slice(&[0xff, 0xff]);
        assert!(refused(MlKem768X25519.respond(&share)));
    }

    #[test]
    fn a_classical_share_that_makes_the_secret_zero_is_refused() {
        let mut share = MlKem768X25519.initiate().unwrap().share().to_vec();
        share[1184..].fill(0);
        assert!(refused(MlKem768X25519.respond(&share)));
    }

    #[test]
    fn an_altered_ciphertext_gives_another_secret_and_no_error() {
        for at in [0, 500, 1087] {
            let initiator = MlKem768X25519.initiate().unwrap();
            let (mut share, at_server) = MlKem768X25519.respond(initiator.share()).unwrap();
            share[at] ^= 1;
            assert_ne!(bytes(initiator.finish(&share).unwrap()), bytes(at_server));
        }
    }
}
