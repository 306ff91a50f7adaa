//! Diffie-Hellman key exchange in groups that are known beforehand,
//! [RFC 8268](https://www.rfc-editor.org/rfc/rfc8268).

use std::sync::{Arc, OnceLock};

use adit_proto::provider::{Failure, Initiator, KeyExchange, SharedSecret, Standing};
use adit_proto::secret::Secret;
use adit_proto::wire::{self, Put};
use ring::digest::{Algorithm, SHA256, SHA512};

use crate::provider::hash::hash;
use crate::provider::modp::{Exponent, GROUP14, GROUP16, GROUP18, Known, Modp};

/// Diffie-Hellman in one of the groups of [RFC 3526](https://www.rfc-editor.org/rfc/rfc3526).
#[derive(Debug)]
pub struct DiffieHellman {
    name: &'static str,
    known: Known,
    standing: Standing,
    hash: &'static Algorithm,
    /// The group, reckoned when it is first used.
    modp: OnceLock<Arc<Modp>>,
}

impl DiffieHellman {
    /// `diffie-hellman-group14-sha256`: 2048 bits, offered only where it is named, since it is
    /// the weakest of all.
    pub const fn group14() -> Self {
        Self::new("diffie-hellman-group14-sha256", GROUP14, Standing::Named, &SHA256)
    }

    /// `diffie-hellman-group16-sha512`: 4096 bits.
    pub const fn group16() -> Self {
        Self::new("diffie-hellman-group16-sha512", GROUP16, Standing::Client, &SHA512)
    }

    /// `diffie-hellman-group18-sha512`: 8192 bits.
    pub const fn group18() -> Self {
        Self::new("diffie-hellman-group18-sha512", GROUP18, Standing::Client, &SHA512)
    }

    const fn new(
        name: &'static str,
        known: Known,
        standing: Standing,
        hash: &'static Algorithm,
    ) -> Self {
        Self { name, known, standing, hash, modp: OnceLock::new() }
    }

    fn over(&self) -> Result<Over, Failure> {
        if self.modp.get().is_none() {
            let modp = Modp::new(&self.known.group()).map_err(|_| Failure::Internal)?;
            let _ = self.modp.set(Arc::new(modp));
        }
        let modp = self.modp.get().cloned().ok_or(Failure::Internal)?;
        Ok(Over { name: self.name, modp, hash: self.hash })
    }
}

impl KeyExchange for DiffieHellman {
    fn name(&self) -> &'static str {
        self.name
    }

    fn standing(&self) -> Standing {
        self.standing
    }

    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        self.over()?.initiate()
    }

    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        self.over()?.respond(client_share)
    }

    fn hash(&self, parts: &[&[u8]]) -> Secret {
        hash(self.hash, parts)
    }
}

/// Diffie-Hellman over numbers that are at hand.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) name: &'static str,
    pub(super) modp: Arc<Modp>,
    pub(super) hash: &'static Algorithm,
}

impl KeyExchange for Over {
    fn name(&self) -> &'static str {
        self.name
    }

    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        let exponent = Modp::exponent()?;
        let share = encode(&self.modp.share(&exponent));
        Ok(Box::new(Half { modp: Arc::clone(&self.modp), exponent, share }))
    }

    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        let exponent = Modp::exponent()?;
        // The peer's share is judged before anything is reckoned for it.
        let secret = self.modp.agree(&exponent, &decode(client_share)?)?;
        Ok((encode(&self.modp.share(&exponent)), SharedSecret::Number(secret)))
    }

    fn hash(&self, parts: &[&[u8]]) -> Secret {
        hash(self.hash, parts)
    }
}

/// The client's half.
struct Half {
    modp: Arc<Modp>,
    exponent: Exponent,
    share: Vec<u8>,
}

impl Initiator for Half {
    fn share(&self) -> &[u8] {
        &self.share
    }

    fn finish(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Failure> {
        let share = decode(server_share)?;
        self.modp.agree(&self.exponent, &share).map(SharedSecret::Number)
    }
}

/// A number as an `mpint` has it, without the length: shares are hashed as they are sent.
fn encode(number: &[u8]) -> Vec<u8> {
    let mut mpint = Vec::new();
    mpint.put_mpint(number);
    mpint.split_off(size_of::<u32>())
}

/// The number that an `mpint` without its length has. One that is negative or not in its
/// shortest form would be hashed in another form by the peer.
fn decode(share: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut mpint = Vec::new();
    mpint.put_string(share);
    match wire::mpint(&mpint) {
        Ok(([], number)) => Ok(number.to_vec()),
        _ => Err(Failure::BadShare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [DiffieHellman; 3] {
        [DiffieHellman::group14(), DiffieHellman::group16(), DiffieHellman::group18()]
    }

    fn number(secret: SharedSecret) -> Vec<u8> {
        match secret {
            SharedSecret::Number(secret) => secret.expose().to_vec(),
            SharedSecret::Bytes(_) => panic!("a number is hashed as an mpint"),
        }
    }

    #[test]
    fn both_sides_come_to_the_same_secret() {
        for (exchange, len) in all().iter().zip([256, 512, 1024]) {
            let initiator = exchange.initiate().unwrap();
            let (share, at_server) = exchange.respond(initiator.share()).unwrap();
            let at_client = number(initiator.finish(&share).unwrap());
            assert_eq!(at_client, number(at_server), "{}", exchange.name);
            assert_eq!(at_client.len(), len);
        }
    }

    #[test]
    fn numbers_that_are_not_in_their_only_form_are_refused() {
        let exchange = DiffieHellman::group14();
        for share in [&[][..], &[0], &[0, 2], &[0x80], &[0xff, 2], &[1], &[0, 0, 0x80]] {
            assert_eq!(exchange.respond(share).err(), Some(Failure::BadShare), "{share:x?}");
            let initiator = exchange.initiate().unwrap();
            assert_eq!(initiator.finish(share).err(), Some(Failure::BadShare), "{share:x?}");
        }
        assert!(exchange.respond(&[2]).is_ok());
    }

    #[test]
    fn a_number_with_the_highest_bit_gets_a_zero_in_front() {
        assert_eq!(encode(&[0x80, 1]), [0, 0x80, 1]);
        assert_eq!(encode(&[0x7f]), [0x7f]);
        assert_eq!(decode(&[0, 0x80, 1]).unwrap(), [0x80, 1]);
    }

    #[test]
    fn hashes_are_those_of_the_names() {
        assert_eq!(all().map(|it| it.hash(&[b"a"]).len()), [32, 64, 64]);
    }

    #[test]
    fn none_is_usual_at_servers() {
        let standings = all().map(|it| it.standing());
        assert_eq!(standings, [Standing::Named, Standing::Client, Standing::Client]);
    }
}
