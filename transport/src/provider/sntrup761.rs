//! The hybrid of Streamlined NTRU Prime and X25519,
//! [draft-ietf-sshm-ntruprime-ssh](https://datatracker.ietf.org/doc/draft-ietf-sshm-ntruprime-ssh/).
//!
//! The encapsulation key has 1158 bytes, the ciphertext 1039. Making a key takes a client some
//! 20 milliseconds, so that it is made only once this method was agreed on.

use adit_proto::provider::{Failure, Initiator, KeyExchange, SharedSecret};
use adit_proto::secret::Secret;
use ring::agreement::X25519;
use ring::digest::SHA512;
use sntrup761::{Ciphertext, DecapsulationKey, EncapsulationKey, generate_key_from_seed};
use zeroize::Zeroizing;

use crate::provider::ephemeral::Ephemeral;
use crate::provider::hash::hash;
use crate::provider::hybrid::{combine, split};
use crate::provider::random;

/// The hybrid, by one of its two names.
#[derive(Debug, Clone, Copy)]
pub struct Sntrup761X25519(&'static str);

impl Sntrup761X25519 {
    /// `sntrup761x25519-sha512`.
    pub const STANDARD: Self = Self("sntrup761x25519-sha512");

    /// The same by the name that it had before it was standardised.
    pub const OPENSSH: Self = Self("sntrup761x25519-sha512@openssh.com");
}

impl KeyExchange for Sntrup761X25519 {
    fn name(&self) -> &'static str {
        self.0
    }

    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        let (key, post_quantum) = generate_key_from_seed(*seed()?);
        let classical = Ephemeral::generate(&X25519)?;
        let share = [key.as_ref(), classical.share()].concat();
        Ok(Box::new(Half { post_quantum, classical, share }))
    }

    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        let (key, peer) = split(client_share)?;
        let key = EncapsulationKey::try_from(key).map_err(|_| Failure::BadShare)?;
        let (ciphertext, post_quantum) = key.encapsulate_deterministic(*seed()?);
        let classical = Ephemeral::generate(&X25519)?;
        let share = [ciphertext.as_ref(), classical.share()].concat();
        Ok((share, combine(&SHA512, post_quantum.as_ref(), &classical.agree(peer)?)))
    }

    fn hash(&self, parts: &[&[u8]]) -> Secret {
        hash(&SHA512, parts)
    }
}

/// What all randomness of a key or of an encapsulation comes from.
fn seed() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    random::fill(seed.as_mut_slice())?;
    Ok(seed)
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
        let ciphertext = Ciphertext::try_from(ciphertext).map_err(|_| Failure::BadShare)?;
        let post_quantum = self.post_quantum.decapsulate(&ciphertext);
        Ok(combine(&SHA512, post_quantum.as_ref(), &self.classical.agree(peer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXCHANGE: Sntrup761X25519 = Sntrup761X25519::STANDARD;

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
        let initiator = EXCHANGE.initiate().unwrap();
        assert_eq!(initiator.share().len(), 1158 + 32);
        let (share, at_server) = Sntrup761X25519::OPENSSH.respond(initiator.share()).unwrap();
        assert_eq!(share.len(), 1039 + 32);
        let secret = bytes(initiator.finish(&share).unwrap());
        assert_eq!(secret, bytes(at_server));
        assert_eq!(secret.len(), 64);
    }

    #[test]
    fn shares_of_another_length_are_refused() {
        let share = EXCHANGE.initiate().unwrap().share().to_vec();
        for len in [0, 1, 31, 32, 33, 1158, 1189] {
            assert!(refused(EXCHANGE.respond(&share[..len])), "{len}");
        }
        assert!(refused(EXCHANGE.respond(&[&share[..], &[0]].concat())));
        for len in [0, 31, 32, 1039, 1070, 1072] {
            let initiator = EXCHANGE.initiate().unwrap();
            assert!(refused(initiator.finish(&vec![7; len])), "{len}");
        }
    }

    #[test]
    fn arbitrary_keys_and_ciphertexts_do_not_panic() {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let classical = Ephemeral::generate(&X25519).unwrap();
            let share = |len| [&vec![byte; len][..], classical.share()].concat();
            assert!(EXCHANGE.respond(&share(1158)).is_ok());
            assert!(EXCHANGE.initiate().unwrap().finish(&share(1039)).is_ok());
        }
    }

    #[test]
    fn a_classical_share_that_makes_the_secret_zero_is_refused() {
        let mut share = EXCHANGE.initiate().unwrap().share().to_vec();
        share[1158..].fill(0);
        assert!(refused(EXCHANGE.respond(&share)));
    }

    #[test]
    fn an_altered_ciphertext_gives_another_secret_and_no_error() {
        for at in [0, 500, 1038] {
            let initiator = EXCHANGE.initiate().unwrap();
            let (mut share, at_server) = EXCHANGE.respond(initiator.share()).unwrap();
            share[at] ^= 1;
            assert_ne!(bytes(initiator.finish(&share).unwrap()), bytes(at_server));
        }
    }
}
