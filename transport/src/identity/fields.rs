//! The numbers of a private key, as they stand in the files of OpenSSH,
//! [PROTOCOL.key section 3](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key).
//!
//! Keys of other formats are brought into this form, so that there is one way to make keys of
//! numbers, with one set of checks.

use adit_proto::secret::Secret;
use adit_proto::wire::Put;
use bytes::Bytes;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::identity::problem::Problem;
use crate::public_key::PublicKey;
use crate::public_key::material::Curve;

/// A private key in numbers, which need not belong together.
#[derive(Debug)]
pub(super) struct Fields {
    /// The public half.
    pub(super) public_key: PublicKey,
    /// The private section from the key's type on, with an empty comment.
    pub(super) section: Secret,
}

/// The numbers of an RSA key, big-endian, with or without leading zeros.
pub(super) struct Rsa<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
    pub(super) private: &'a [u8],
    pub(super) inverse: &'a [u8],
    pub(super) primes: [&'a [u8]; 2],
}

impl Fields {
    /// An Ed25519 key. The public half follows from the seed.
    pub(super) fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<Self, Problem> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Problem::Damaged)?;
        let derived = pair.public_key().as_ref();
        if public.is_some_and(|public| public != derived) {
            return Err(Problem::Mismatch);
        }
        let mut wire = Vec::new();
        wire.put_string(b"ssh-ed25519");
        wire.put_string(derived);
        let mut fields = room(wire.len() + seed.len() + derived.len());
        fields.put_raw(&wire);
        fields.put_uint32(64);
        fields.put_raw(seed);
        fields.put_raw(derived);
        Self::of(wire, fields)
    }

    /// An ECDSA key.
    pub(super) fn ecdsa(curve: Curve, number: &[u8], point: &[u8]) -> Result<Self, Problem> {
        let mut wire = Vec::new();
        wire.put_string(format!("ecdsa-sha2-{}", curve.name()).as_bytes());
        wire.put_string(curve.name().as_bytes());
        wire.put_string(point);
        let mut fields = room(wire.len() + number.len());
        fields.put_raw(&wire);
        fields.put_mpint(number);
        Self::of(wire, fields)
    }

    /// An RSA key.
    pub(super) fn rsa(rsa: &Rsa<'_>) -> Result<Self, Problem> {
        let mut wire = Vec::new();
        wire.put_string(b"ssh-rsa");
        wire.put_mpint(rsa.exponent);
        wire.put_mpint(rsa.modulus);
        let mut fields = room(6 * rsa.modulus.len() + rsa.exponent.len());
        fields.put_string(b"ssh-rsa");
        let [p, q] = rsa.primes;
        for number in [rsa.modulus, rsa.exponent, rsa.private, rsa.inverse, p, q] {
            fields.put_mpint(number);
        }
        Self::of(wire, fields)
    }

    fn of(public: Vec<u8>, mut fields: Vec<u8>) -> Result<Self, Problem> {
        fields.put_string(b"");
        let section = Secret::new(fields);
        let public_key = PublicKey::from_wire(Bytes::from(public)).map_err(|_| Problem::Damaged)?;
        Ok(Self { public_key, section })
    }
}

/// A vector that does not grow, so that no copy is left behind by growth.
fn room(numbers: usize) -> Vec<u8> {
    Vec::with_capacity(numbers.saturating_add(128))
}
