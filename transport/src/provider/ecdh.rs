//! Key exchange over elliptic curves,
//! [RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4) and
//! [RFC 8731](https://www.rfc-editor.org/rfc/rfc8731).

use adit_proto::provider::{Failure, Initiator, KeyExchange, SharedSecret};
use adit_proto::secret::Secret;
use ring::agreement::{Algorithm, ECDH_P256, ECDH_P384, X25519};
use ring::digest;

use crate::provider::ephemeral::Ephemeral;
use crate::provider::hash::hash;

/// A Diffie-Hellman exchange of curve points.
#[derive(Debug, Clone, Copy)]
pub struct Ecdh {
    name: &'static str,
    curve: &'static Algorithm,
    hash: &'static digest::Algorithm,
}

impl Ecdh {
    /// `curve25519-sha256`, [RFC 8731 section 3](https://www.rfc-editor.org/rfc/rfc8731#section-3).
    pub const CURVE25519: Self =
        Self { name: "curve25519-sha256", curve: &X25519, hash: &digest::SHA256 };

    /// The same by the name that it had before it was standardised.
    pub const CURVE25519_LIBSSH: Self =
        Self { name: "curve25519-sha256@libssh.org", ..Self::CURVE25519 };

    /// `ecdh-sha2-nistp256`,
    /// [RFC 5656 section 6.3](https://www.rfc-editor.org/rfc/rfc5656#section-6.3).
    pub const NISTP256: Self =
        Self { name: "ecdh-sha2-nistp256", curve: &ECDH_P256, hash: &digest::SHA256 };

    /// `ecdh-sha2-nistp384`,
    /// [RFC 5656 section 6.3](https://www.rfc-editor.org/rfc/rfc5656#section-6.3).
    pub const NISTP384: Self =
        Self { name: "ecdh-sha2-nistp384", curve: &ECDH_P384, hash: &digest::SHA384 };
}

impl KeyExchange for Ecdh {
    fn name(&self) -> &'static str {
        self.name
    }

    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        Ok(Box::new(Half(Ephemeral::generate(self.curve)?)))
    }

    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        let ephemeral = Ephemeral::generate(self.curve)?;
        let share = ephemeral.share().to_vec();
        Ok((share, SharedSecret::Number(ephemeral.agree(client_share)?)))
    }

    fn hash(&self, parts: &[&[u8]]) -> Secret {
        hash(self.hash, parts)
    }
}

/// The client's half.
struct Half(Ephemeral);

impl Initiator for Half {
    fn share(&self) -> &[u8] {
        self.0.share()
    }

    fn finish(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Failure> {
        self.0.agree(server_share).map(SharedSecret::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Ecdh; 4] =
        [Ecdh::CURVE25519, Ecdh::CURVE25519_LIBSSH, Ecdh::NISTP256, Ecdh::NISTP384];

    fn number(secret: SharedSecret) -> Vec<u8> {
        match secret {
            SharedSecret::Number(secret) => secret.expose().to_vec(),
            SharedSecret::Bytes(_) => panic!("a number is hashed as an mpint"),
        }
    }

    fn refused<T>(result: Result<T, Failure>) -> bool {
        result.err() == Some(Failure::BadShare)
    }

    #[test]
    fn both_sides_come_to_the_same_secret() {
        for exchange in ALL {
            let initiator = exchange.initiate().unwrap();
            let (share, at_server) = exchange.respond(initiator.share()).unwrap();
            let at_client = initiator.finish(&share).unwrap();
            assert_eq!(number(at_client), number(at_server), "{}", exchange.name);
        }
    }

    #[test]
    fn shares_have_the_length_of_their_curve() {
        let lengths = ALL.map(|exchange| exchange.initiate().unwrap().share().len());
        assert_eq!(lengths, [32, 32, 65, 97]);
    }

    #[test]
    fn no_key_is_used_twice() {
        for exchange in ALL {
            let [one, two] = [(); 2].map(|()| exchange.initiate().unwrap().share().to_vec());
            assert_ne!(one, two);
        }
    }

    #[test]
    fn a_share_of_another_length_is_refused() {
        for exchange in ALL {
            let share = exchange.initiate().unwrap().share().to_vec();
            for len in 0..share.len() {
                assert!(refused(exchange.respond(&share[..len])), "{} {len}", exchange.name);
                assert!(refused(exchange.initiate().unwrap().finish(&share[..len])));
            }
            let longer = [&share[..], &[0]].concat();
            assert!(refused(exchange.respond(&longer)));
        }
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        for exchange in [Ecdh::NISTP256, Ecdh::NISTP384] {
            let mut share = exchange.initiate().unwrap().share().to_vec();
            *share.last_mut().unwrap() ^= 1;
            assert!(refused(exchange.respond(&share)));
        }
    }

    /// The points of small order, [RFC 7748 section 6.1](https://www.rfc-editor.org/rfc/rfc7748#section-6.1).
    #[test]
    fn an_x25519_share_that_makes_the_secret_zero_is_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        for share in [[0; 32], one] {
            assert!(refused(Ecdh::CURVE25519.respond(&share)));
            assert!(refused(Ecdh::CURVE25519.initiate().unwrap().finish(&share)));
        }
    }

    #[test]
    fn parts_are_hashed_one_after_another() {
        let whole = Ecdh::NISTP384.hash(&[b"abc"]);
        assert_eq!(Ecdh::NISTP384.hash(&[b"a", b"", b"bc"]), whole);
        assert_eq!(whole.expose(), digest::digest(&digest::SHA384, b"abc").as_ref());
        assert_eq!(Ecdh::CURVE25519.hash(&[]).len(), 32);
    }
}
