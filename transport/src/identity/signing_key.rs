//! Private keys, to sign with.

use std::fmt;

use adit_proto::secret::Secret;
use adit_proto::wire::{self, Parsed, Put};
use nom::Parser;
use p521::ecdsa;
use p521::ecdsa::signature::Signer;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};

use crate::identity::problem::Problem;
use crate::identity::rsa;
use crate::public_key::PublicKey;
use crate::public_key::material::{Curve, Material};

/// A private key in the form that ring signs with. ring does not wipe it. P-521, which ring does not
/// have, is the `p521` crate's, which does.
pub(super) enum SigningKey {
    Ed25519(Box<Ed25519KeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Nistp521(Box<ecdsa::SigningKey>),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    /// Parses the private fields that belong to `public_key`, from the key's type on. The first
    /// value is what follows them.
    pub(super) fn parse<'a>(
        fields: &'a [u8],
        public_key: &PublicKey,
    ) -> Result<(&'a [u8], Self), Problem> {
        let (rest, key_type) = whole(wire::utf8(fields))?;
        if key_type != public_key.key_type() {
            return Err(Problem::Mismatch);
        }
        match public_key.material() {
            Material::Ed25519(public) => ed25519(rest, public),
            Material::Ecdsa { curve, point } => ecdsa(rest, curve, point),
            Material::Rsa { exponent, modulus } => rsa(rest, exponent, modulus),
            Material::SkEd25519 { .. } | Material::SkEcdsa { .. } => Err(Problem::SecurityKey),
            Material::Other => Err(Problem::KeyType(key_type.to_owned())),
        }
    }

    /// Signs by one of the algorithms of the key's type. What is made is the string that follows
    /// the algorithm's name in a signature on the wire; `None` where the algorithm is of another
    /// type or ring fails.
    pub(super) fn sign(&self, algorithm: &str, data: &[u8]) -> Option<Vec<u8>> {
        match (self, algorithm) {
            (Self::Ed25519(key), "ssh-ed25519") => Some(key.sign(data).as_ref().to_vec()),
            (Self::Ecdsa(key), "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384") => {
                key.sign(&SystemRandom::new(), data).ok().map(|fixed| mpints(fixed.as_ref()))
            }
            (Self::Nistp521(key), "ecdsa-sha2-nistp521") => {
                let signature: ecdsa::Signature = key.try_sign(data).ok()?;
                Some(mpints(&signature.to_bytes()))
            }
            (Self::Rsa(key), "rsa-sha2-512" | "rsa-sha2-256") => sign_rsa(key, algorithm, data),
            _ => None,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn whole<T>(parsed: Parsed<'_, T>) -> Result<(&[u8], T), Problem> {
    parsed.map_err(|_| Problem::Damaged)
}

/// `string` public key, `string` seed and public key.
fn ed25519<'a>(input: &'a [u8], public: &[u8]) -> Result<(&'a [u8], SigningKey), Problem> {
    let (rest, (inner, pair)) = whole((wire::string, wire::string).parse(input))?;
    let (seed, repeated) = pair.split_at_checked(32).ok_or(Problem::Damaged)?;
    if inner != public || repeated != public {
        return Err(Problem::Mismatch);
    }
    let key =
        Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(|_| Problem::Mismatch)?;
    Ok((rest, SigningKey::Ed25519(Box::new(key))))
}

/// `string` curve, `string` point, `mpint` private number.
fn ecdsa<'a>(
    input: &'a [u8],
    curve: Curve,
    point: &[u8],
) -> Result<(&'a [u8], SigningKey), Problem> {
    let (rest, (name, inner, number)) =
        whole((wire::utf8, wire::string, wire::mpint).parse(input))?;
    if name != curve.name() || inner != point {
        return Err(Problem::Mismatch);
    }
    let mut padded = Secret::zeroed(curve.field_len());
    let zeros = padded.len().checked_sub(number.len()).ok_or(Problem::Damaged)?;
    padded.expose_mut().iter_mut().skip(zeros).zip(number).for_each(|(to, from)| *to = *from);
    let algorithm = match curve {
        Curve::NistP256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::NistP384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::NistP521 => return Ok((rest, nistp521(padded.expose(), point)?)),
    };
    let random = SystemRandom::new();
    let key =
        EcdsaKeyPair::from_private_key_and_public_key(algorithm, padded.expose(), point, &random)
            .map_err(|_| Problem::Mismatch)?;
    Ok((rest, SigningKey::Ecdsa(Box::new(key))))
}

fn nistp521(number: &[u8], point: &[u8]) -> Result<SigningKey, Problem> {
    let key = ecdsa::SigningKey::from_slice(number).map_err(|_| Problem::Mismatch)?;
    if key.verifying_key().to_sec1_point(false).as_bytes() != point {
        return Err(Problem::Mismatch);
    }
    Ok(SigningKey::Nistp521(Box::new(key)))
}

/// `mpint` n, e, d, inverse of q modulo p, p, q.
fn rsa<'a>(input: &'a [u8], e: &[u8], n: &[u8]) -> Result<(&'a [u8], SigningKey), Problem> {
    let bits = Material::Rsa { exponent: e, modulus: n }.bits().unwrap_or_default();
    if ![2048, 3072, 4096].contains(&bits) {
        return Err(Problem::RsaSize(bits));
    }
    let numbers =
        (wire::mpint, wire::mpint, wire::mpint, wire::mpint, wire::mpint, wire::mpint).parse(input);
    let (rest, (inner_n, inner_e, d, q_inverse, p, q)) = whole(numbers)?;
    // Longer numbers are none of a key, and only cost time.
    if (inner_n, inner_e) != (n, e) || [d, p, q].iter().any(|number| number.len() > n.len()) {
        return Err(Problem::Mismatch);
    }
    let d_p = rsa::exponent(d, p).ok_or(Problem::Mismatch)?;
    let d_q = rsa::exponent(d, q).ok_or(Problem::Mismatch)?;
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d,
        p,
        q,
        dP: d_p.expose(),
        dQ: d_q.expose(),
        qInv: q_inverse,
    };
    let key = RsaKeyPair::from_components(&components).map_err(|_| Problem::Mismatch)?;
    Ok((rest, SigningKey::Rsa(Box::new(key))))
}

fn sign_rsa(key: &RsaKeyPair, algorithm: &str, data: &[u8]) -> Option<Vec<u8>> {
    let padding = if algorithm == "rsa-sha2-256" { &RSA_PKCS1_SHA256 } else { &RSA_PKCS1_SHA512 };
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(padding, &SystemRandom::new(), data, &mut signature).ok()?;
    Some(signature)
}

/// The two numbers of an ECDSA signature, which ring puts one after the other, as `mpint`s
/// ([RFC 5656 section 3.1.2](https://www.rfc-editor.org/rfc/rfc5656#section-3.1.2)).
fn mpints(fixed: &[u8]) -> Vec<u8> {
    let mut signature = Vec::new();
    for number in fixed.chunks(fixed.len().div_ceil(2).max(1)) {
        signature.put_mpint(number);
    }
    signature
}
