//! Key exchange over the curve P-521, which ring does not have,
//! [RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4).

use adit_proto::provider::{Failure, Initiator, KeyExchange, SharedSecret};
use adit_proto::secret::Secret;
use p521::elliptic_curve::sec1::ToSec1Point;
use p521::{PublicKey, SecretKey};
use ring::digest::SHA512;
use zeroize::Zeroizing;

use crate::provider::hash::hash;
use crate::provider::random;

/// The length of a coordinate and of a private number in bytes; of the first one only one bit
/// counts.
const LEN: usize = 66;

/// The length of a point that is not compressed, and how it begins.
const POINT: usize = 1 + 2 * LEN;
const UNCOMPRESSED: u8 = 4;

/// How often a private number is drawn that is none, which does not happen once in 2^250.
const DRAWS: usize = 8;

/// `ecdh-sha2-nistp521`.
#[derive(Debug, Clone, Copy)]
pub struct EcdhP521;

impl KeyExchange for EcdhP521 {
    fn name(&self) -> &'static str {
        "ecdh-sha2-nistp521"
    }

    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        Ok(Box::new(Ephemeral::generate()?))
    }

    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        let peer = point(client_share)?;
        let ephemeral = Ephemeral::generate()?;
        let secret = ephemeral.agree(&peer);
        Ok((ephemeral.share, secret))
    }

    fn hash(&self, parts: &[&[u8]]) -> Secret {
        hash(&SHA512, parts)
    }
}

/// A key pair for one agreement. The private number is wiped when it is dropped.
struct Ephemeral {
    key: SecretKey,
    share: Vec<u8>,
}

impl Ephemeral {
    fn generate() -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; LEN]);
        for _ in 0..DRAWS {
            random::fill(bytes.as_mut_slice())?;
            if let Some(first) = bytes.first_mut() {
                *first &= 1;
            }
            if let Ok(ephemeral) = Self::new(bytes.as_slice()) {
                return Ok(ephemeral);
            }
        }
        Err(Failure::Internal)
    }

    fn new(bytes: &[u8]) -> Result<Self, Failure> {
        let key = SecretKey::from_slice(bytes).map_err(|_| Failure::Internal)?;
        let share = key.public_key().to_sec1_point(false).as_bytes().to_vec();
        Ok(Self { key, share })
    }

    fn agree(&self, peer: &PublicKey) -> SharedSecret {
        let secret = p521::ecdh::diffie_hellman(self.key.to_nonzero_scalar(), peer.as_affine());
        SharedSecret::Number(Secret::from(secret.raw_secret_bytes().as_slice()))
    }
}

impl Initiator for Ephemeral {
    fn share(&self) -> &[u8] {
        &self.share
    }

    fn finish(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Failure> {
        Ok(self.agree(&point(server_share)?))
    }
}

/// A point on the curve, not compressed.
fn point(share: &[u8]) -> Result<PublicKey, Failure> {
    if share.len() != POINT || share.first() != Some(&UNCOMPRESSED) {
        return Err(Failure::BadShare);
    }
    PublicKey::from_sec1_bytes(share).map_err(|_| Failure::BadShare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::sealed::{bytes, hex};

    fn number(secret: SharedSecret) -> Vec<u8> {
        match secret {
            SharedSecret::Number(secret) => secret.expose().to_vec(),
            SharedSecret::Bytes(_) => panic!("a number is hashed as an mpint"),
        }
    }

    /// [RFC 5903 section 8.3](https://www.rfc-editor.org/rfc/rfc5903#section-8.3).
    #[test]
    fn it_agrees_as_the_rfc_shows() {
        let ephemeral = Ephemeral::new(&bytes(
            "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937\
             ba9777f5957b2639bab072462f68c27a57382d4a52",
        ))
        .unwrap();
        assert_eq!(
            hex(&ephemeral.share),
            "040015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d\
             107564941885942af5a7f4601723c4195d176ced3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c\
             739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582"
        );
        let peer = "0400d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6\
                    be64a6c2912d4ef2d0433ced2b6171640012d9460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c\
                    724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a";
        assert_eq!(
            hex(&number(ephemeral.agree(&point(&bytes(peer)).unwrap()))),
            "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c0\
             6b3c715a3a8cc3151f2bee417996d19f3ddea"
        );
    }

    #[test]
    fn both_sides_come_to_the_same_secret() {
        let initiator = EcdhP521.initiate().unwrap();
        assert_eq!(initiator.share().len(), POINT);
        let (share, at_server) = EcdhP521.respond(initiator.share()).unwrap();
        assert_eq!(number(initiator.finish(&share).unwrap()), number(at_server));
        assert_eq!(EcdhP521.hash(&[]).len(), 64);
    }

    #[test]
    fn shares_that_are_no_point_are_refused() {
        let share = EcdhP521.initiate().unwrap().share().to_vec();
        let refused = |share: &[u8]| EcdhP521.respond(share).err() == Some(Failure::BadShare);
        for len in 0..share.len() {
            assert!(refused(&share[..len]), "{len}");
        }
        assert!(refused(&[&share[..], &[0]].concat()));
        let mut off = share.clone();
        *off.last_mut().unwrap() ^= 1;
        assert!(refused(&off));
        let compressed = [&[2 | share[132] & 1][..], &share[1..67]].concat();
        assert!(refused(&compressed), "a compressed point");
        assert!(refused(&[0]), "the point at infinity");
        assert!(EcdhP521.initiate().unwrap().finish(&off).is_err());
    }

    #[test]
    fn numbers_out_of_range_are_no_private_key() {
        for bytes in [[0; LEN], [0xff; LEN]] {
            assert!(Ephemeral::new(&bytes).is_err());
        }
    }
}
