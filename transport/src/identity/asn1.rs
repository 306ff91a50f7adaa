//! Private keys as OpenSSL writes them: PKCS #1
//! ([RFC 8017 appendix A.1.2](https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.2)), SEC 1
//! ([RFC 5915](https://www.rfc-editor.org/rfc/rfc5915)) and PKCS #8
//! ([RFC 5958](https://www.rfc-editor.org/rfc/rfc5958)).

use pkcs1::RsaPrivateKeyRef;
use pkcs8::der::asn1::{ObjectIdentifier, OctetStringRef};
use pkcs8::der::{Decode, ErrorKind};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use sec1::EcPrivateKey;

use adit_proto::secret::Secret;

use crate::identity::fields::{self, Fields};
use crate::identity::problem::Problem;
use crate::public_key::material::Curve;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const NISTP256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const NISTP384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const NISTP521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The most rounds of PBKDF2 that are gone through: some ten seconds. OpenSSL makes 2048.
const MOST_ROUNDS: u32 = 10_000_000;

/// The most memory that scrypt may take, in bytes: eight times of what OpenSSL takes at most.
const MOST_MEMORY: u64 = 256 << 20;

/// The most passes over that memory.
const MOST_PASSES: u64 = 16;

/// Reads `RSAPrivateKey`.
pub(super) fn pkcs1(der: &[u8]) -> Result<Fields, Problem> {
    let key = RsaPrivateKeyRef::from_der(der).map_err(damaged)?;
    if key.other_prime_infos.is_some() {
        return Err(Problem::KeyType("rsa with more than two primes".to_owned()));
    }
    Fields::rsa(&fields::Rsa {
        modulus: key.modulus.as_bytes(),
        exponent: key.public_exponent.as_bytes(),
        private: key.private_exponent.as_bytes(),
        inverse: key.coefficient.as_bytes(),
        primes: [key.prime1.as_bytes(), key.prime2.as_bytes()],
    })
}

/// Reads `ECPrivateKey`, on the curve that it or what is around it names.
pub(super) fn sec1(der: &[u8], around: Option<ObjectIdentifier>) -> Result<Fields, Problem> {
    let key = EcPrivateKey::from_der(der).map_err(damaged)?;
    let named = key.parameters.and_then(sec1::EcParameters::named_curve);
    let curve = match named.or(around) {
        Some(NISTP256) => Curve::NistP256,
        Some(NISTP384) => Curve::NistP384,
        Some(NISTP521) => Curve::NistP521,
        Some(other) => return Err(Problem::KeyType(format!("ecdsa on the curve {other}"))),
        None => return Err(Problem::Damaged),
    };
    let point = key.public_key.ok_or(Problem::NoPublicHalf)?;
    match point.first() {
        Some(4) => Fields::ecdsa(curve, key.private_key, point),
        Some(2 | 3) => Err(Problem::Compressed),
        _ => Err(Problem::Damaged),
    }
}

/// Reads `PrivateKeyInfo`.
pub(super) fn pkcs8(der: &[u8]) -> Result<Fields, Problem> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(damaged)?;
    let key = info.private_key.as_bytes();
    match info.algorithm.oid {
        RSA => pkcs1(key),
        EC => sec1(key, info.algorithm.parameters_oid().ok()),
        ED25519 => {
            let seed = <&OctetStringRef>::from_der(key).map_err(damaged)?;
            let public = info.public_key.map(|bits| bits.raw_bytes());
            Fields::ed25519(seed.as_bytes(), public)
        }
        other => Err(Problem::KeyType(kind(other))),
    }
}

/// Looks whether `EncryptedPrivateKeyInfo` is encrypted in a way that is known and takes no more
/// time and memory than anybody has.
pub(super) fn check_encrypted(der: &[u8]) -> Result<(), Problem> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(damaged)?;
    match &info.encryption_algorithm {
        EncryptionScheme::Pbes2(parameters) => check_cost(parameters),
        other => Err(Problem::Cipher(format!("pkcs5 scheme {}", other.oid()))),
    }
}

fn check_cost(parameters: &Parameters) -> Result<(), Problem> {
    match &parameters.kdf {
        Kdf::Pbkdf2(it) if it.iteration_count <= MOST_ROUNDS => Ok(()),
        Kdf::Pbkdf2(it) => Err(Problem::Rounds(it.iteration_count)),
        Kdf::Scrypt(it) => {
            let block = 128_u64.saturating_mul(it.block_size.into());
            let memory = block.saturating_mul(it.cost_parameter);
            let fits = memory <= MOST_MEMORY && u64::from(it.parallelization) <= MOST_PASSES;
            if fits { Ok(()) } else { Err(Problem::Memory) }
        }
        other => Err(Problem::Cipher(format!("key derivation {}", other.oid()))),
    }
}

/// Decrypts `EncryptedPrivateKeyInfo` and reads what is in it. It blocks for as long as the file's
/// key derivation takes.
pub(super) fn decrypt(der: &[u8], passphrase: &Secret) -> Result<Fields, Problem> {
    check_encrypted(der)?;
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(damaged)?;
    // The cipher has no check of its own: what a wrong passphrase yields is no structure.
    let plain = info.decrypt(passphrase.expose()).map_err(|_| Problem::WrongPassphrase)?;
    PrivateKeyInfoRef::from_der(plain.as_bytes()).map_err(|_| Problem::WrongPassphrase)?;
    pkcs8(plain.as_bytes())
}

/// What algorithms are called that do not sign here.
fn kind(oid: ObjectIdentifier) -> String {
    const KNOWN: [(&str, &str); 6] = [
        ("1.2.840.10040.4.1", "dsa"),
        ("1.2.840.113549.1.1.10", "rsa for pss alone"),
        ("1.2.840.113549.1.3.1", "diffie-hellman"),
        ("1.3.101.110", "x25519"),
        ("1.3.101.111", "x448"),
        ("1.3.101.113", "ed448"),
    ];
    let name = oid.to_string();
    let known = KNOWN.iter().find(|(number, _)| *number == name);
    known.map_or(name, |(_, name)| (*name).to_owned())
}

fn damaged(error: impl Into<pkcs8::Error>) -> Problem {
    let pkcs8::Error::Asn1(error) = error.into() else { return Problem::Damaged };
    match error.kind() {
        ErrorKind::OidUnknown { oid } => Problem::Cipher(oid.to_string()),
        _ => Problem::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            let _ = pkcs1(&bytes);
            let _ = sec1(&bytes, None);
            let _ = pkcs8(&bytes);
            let _ = check_encrypted(&bytes);
        }
    }
}
