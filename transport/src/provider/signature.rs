//! Signatures, to verify with.
//!
//! A signature on the wire is the algorithm's name and then, for all algorithms here, one string
//! ([RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6)); what is verified is
//! that string with its length before it, and nothing may follow it.

use adit_proto::provider::{Failure, Verify};
use adit_proto::wire;
use p521::ecdsa;
use p521::ecdsa::signature::Verifier;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};

use crate::public_key::material::{Curve, Material};

/// `ssh-ed25519`, [RFC 8709 section 6](https://www.rfc-editor.org/rfc/rfc8709#section-6).
#[derive(Debug, Clone, Copy)]
pub struct Ed25519;

impl Verify for Ed25519 {
    fn name(&self) -> &'static str {
        "ssh-ed25519"
    }

    fn key_type(&self) -> &'static str {
        "ssh-ed25519"
    }

    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let Some(Material::Ed25519(key)) = Material::parse(key) else {
            return Err(Failure::BadKey);
        };
        UnparsedPublicKey::new(&ED25519, key)
            .verify(message, only_string(signature)?)
            .map_err(|_| Failure::BadSignature)
    }
}

/// `ecdsa-sha2-*`, [RFC 5656 section 3.1.2](https://www.rfc-editor.org/rfc/rfc5656#section-3.1.2).
#[derive(Debug, Clone, Copy)]
pub struct Ecdsa {
    name: &'static str,
    curve: Curve,
}

impl Ecdsa {
    /// `ecdsa-sha2-nistp256`, with SHA-256.
    pub const NISTP256: Self = Self { name: "ecdsa-sha2-nistp256", curve: Curve::NistP256 };

    /// `ecdsa-sha2-nistp384`, with SHA-384.
    pub const NISTP384: Self = Self { name: "ecdsa-sha2-nistp384", curve: Curve::NistP384 };

    /// `ecdsa-sha2-nistp521`, with SHA-512.
    pub const NISTP521: Self = Self { name: "ecdsa-sha2-nistp521", curve: Curve::NistP521 };
}

/// Verifies the two numbers of an ECDSA signature over a message.
pub(super) fn verify_ecdsa(
    curve: Curve,
    point: &[u8],
    message: &[u8],
    numbers: &[u8],
) -> Result<(), Failure> {
    let fixed = fixed(numbers, curve.field_len())?;
    let algorithm: &dyn VerificationAlgorithm = match curve {
        Curve::NistP256 => &ECDSA_P256_SHA256_FIXED,
        Curve::NistP384 => &ECDSA_P384_SHA384_FIXED,
        Curve::NistP521 => return verify_nistp521(point, message, &fixed),
    };
    UnparsedPublicKey::new(algorithm, point)
        .verify(message, &fixed)
        .map_err(|_| Failure::BadSignature)
}

/// ring does not have this curve.
fn verify_nistp521(point: &[u8], message: &[u8], fixed: &[u8]) -> Result<(), Failure> {
    let key = ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| Failure::BadKey)?;
    let signature = ecdsa::Signature::from_slice(fixed).map_err(|_| Failure::BadSignature)?;
    key.verify(message, &signature).map_err(|_| Failure::BadSignature)
}

impl Verify for Ecdsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_type(&self) -> &'static str {
        self.name
    }

    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let point = match Material::parse(key) {
            Some(Material::Ecdsa { curve, point }) if curve == self.curve => point,
            _ => return Err(Failure::BadKey),
        };
        verify_ecdsa(self.curve, point, message, only_string(signature)?)
    }
}

/// The two numbers of an ECDSA signature, each filled up with leading zeros to `len` bytes.
fn fixed(signature: &[u8], len: usize) -> Result<Vec<u8>, Failure> {
    let (rest, r) = wire::mpint(signature).map_err(|_| Failure::BadSignature)?;
    let (rest, s) = wire::mpint(rest).map_err(|_| Failure::BadSignature)?;
    if !rest.is_empty() {
        return Err(Failure::BadSignature);
    }
    let mut fixed = padded(r, len)?;
    fixed.append(&mut padded(s, len)?);
    Ok(fixed)
}

/// `ssh-rsa` keys with SHA-2, [RFC 8332 section 3](https://www.rfc-editor.org/rfc/rfc8332#section-3).
/// Keys shorter than 2048 bits are refused, and those longer than 8192.
#[derive(Debug, Clone, Copy)]
pub struct Rsa {
    name: &'static str,
    parameters: &'static RsaParameters,
}

impl Rsa {
    /// `rsa-sha2-512`.
    pub const SHA512: Self = Self { name: "rsa-sha2-512", parameters: &RSA_PKCS1_2048_8192_SHA512 };

    /// `rsa-sha2-256`.
    pub const SHA256: Self = Self { name: "rsa-sha2-256", parameters: &RSA_PKCS1_2048_8192_SHA256 };
}

impl Verify for Rsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_type(&self) -> &'static str {
        "ssh-rsa"
    }

    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let material = Material::parse(key);
        let (e, n) = match material {
            Some(Material::Rsa { exponent, modulus }) => (exponent, modulus),
            _ => return Err(Failure::BadKey),
        };
        if !material.and_then(|it| it.bits()).is_some_and(|bits| (2048..=8192).contains(&bits)) {
            return Err(Failure::KeySize);
        }
        // Some leave out the leading zeros of a signature.
        let signature = padded(only_string(signature)?, n.len())?;
        RsaPublicKeyComponents { n, e }
            .verify(self.parameters, message, &signature)
            .map_err(|_| Failure::BadSignature)
    }
}

/// The string that a signature is, after its algorithm.
fn only_string(signature: &[u8]) -> Result<&[u8], Failure> {
    match wire::string(signature) {
        Ok(([], string)) => Ok(string),
        _ => Err(Failure::BadSignature),
    }
}

/// A number filled up with leading zeros.
fn padded(number: &[u8], len: usize) -> Result<Vec<u8>, Failure> {
    let zeros = len.checked_sub(number.len()).ok_or(Failure::BadSignature)?;
    let mut padded = vec![0; zeros];
    padded.extend_from_slice(number);
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::Put;
    use base64ct::{Base64, Encoding};
    use proptest::prelude::*;
    use ring::digest;

    use super::*;

    /// A signature that `ssh-keygen -Y sign -n adit` or `ssh-agent` made over one line of text,
    /// [PROTOCOL.sshsig](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig).
    struct Signed {
        key: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
    }

    impl Signed {
        fn load(armored: &str, algorithm: &str) -> Self {
            let base64: String = armored.lines().filter(|line| !line.starts_with("---")).collect();
            let blob = Base64::decode_vec(&base64).unwrap();
            let (rest, key) = wire::string(&blob[10..]).unwrap();
            let (rest, _namespace) = wire::string(rest).unwrap();
            let (rest, _reserved) = wire::string(rest).unwrap();
            let (rest, _hash) = wire::string(rest).unwrap();
            let (_, signature) = wire::string(rest).unwrap();
            let (signature, name) = wire::utf8(signature).unwrap();
            assert_eq!(name, algorithm);
            let hash = digest::digest(&digest::SHA512, b"a message to sign\n");
            let mut message = b"SSHSIG".to_vec();
            for part in [&b"adit"[..], b"", b"sha512", hash.as_ref()] {
                message.put_string(part);
            }
            Self { key: key.to_vec(), message, signature: signature.to_vec() }
        }

        fn verify(&self, by: &dyn Verify) -> Result<(), Failure> {
            by.verify(&self.key, &self.message, &self.signature)
        }
    }

    macro_rules! signed {
        ($algorithm:literal) => {
            Signed::load(
                include_str!(concat!("../../testdata/signatures/", $algorithm, ".sig")),
                $algorithm,
            )
        };
    }

    fn all() -> [(&'static dyn Verify, Signed); 6] {
        [
            (&Ed25519, signed!("ssh-ed25519")),
            (&Ecdsa::NISTP256, signed!("ecdsa-sha2-nistp256")),
            (&Ecdsa::NISTP384, signed!("ecdsa-sha2-nistp384")),
            (&Ecdsa::NISTP521, signed!("ecdsa-sha2-nistp521")),
            (&Rsa::SHA512, signed!("rsa-sha2-512")),
            (&Rsa::SHA256, signed!("rsa-sha2-256")),
        ]
    }

    #[test]
    fn signatures_of_openssh_verify() {
        for (verifier, signed) in all() {
            assert_eq!(signed.verify(verifier), Ok(()), "{}", verifier.name());
        }
    }

    #[test]
    fn a_signature_over_something_else_does_not_verify() {
        for (verifier, mut signed) in all() {
            signed.message.push(0);
            assert_eq!(signed.verify(verifier), Err(Failure::BadSignature));
        }
    }

    #[test]
    fn a_signature_by_another_hash_does_not_verify() {
        assert_eq!(signed!("rsa-sha2-256").verify(&Rsa::SHA512), Err(Failure::BadSignature));
        assert_eq!(signed!("rsa-sha2-512").verify(&Rsa::SHA256), Err(Failure::BadSignature));
    }

    #[test]
    fn a_key_of_another_type_is_refused() {
        for (verifier, _) in all() {
            for (other, signed) in all() {
                if verifier.key_type() != other.key_type() {
                    assert_eq!(signed.verify(verifier), Err(Failure::BadKey));
                }
            }
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        for (verifier, signed) in all() {
            let Signed { key, message, signature } = &signed;
            for len in 0..signature.len() {
                let result = verifier.verify(key, message, &signature[..len]);
                assert_eq!(result, Err(Failure::BadSignature), "{} {len}", verifier.name());
            }
            for len in 0..key.len() {
                let result = verifier.verify(&key[..len], message, signature);
                assert_eq!(result, Err(Failure::BadKey), "{} {len}", verifier.name());
            }
        }
    }

    #[test]
    fn nothing_may_follow_a_signature_or_a_key() {
        for (verifier, mut signed) in all() {
            signed.signature.push(0);
            assert_eq!(signed.verify(verifier), Err(Failure::BadSignature));
            signed.signature.pop();
            signed.key.push(0);
            assert_eq!(signed.verify(verifier), Err(Failure::BadKey));
        }
    }

    #[test]
    fn numbers_of_an_ecdsa_signature_are_filled_up() {
        let mut signature = Vec::new();
        signature.put_mpint(&[1]);
        signature.put_mpint(&[0x80; 32]);
        let mut expected = vec![0; 31];
        expected.push(1);
        expected.extend([0x80; 32]);
        assert_eq!(fixed(&signature, 32), Ok(expected));
    }

    #[test]
    fn numbers_of_an_ecdsa_signature_may_not_be_longer_than_the_field() {
        let mut signature = Vec::new();
        signature.put_mpint(&[1; 33]);
        signature.put_mpint(&[1; 32]);
        assert_eq!(fixed(&signature, 32), Err(Failure::BadSignature));
    }

    #[test]
    fn an_rsa_signature_without_its_leading_zeros_is_filled_up() {
        assert_eq!(padded(&[7, 8], 4), Ok(vec![0, 0, 7, 8]));
        assert_eq!(padded(&[7; 5], 4), Err(Failure::BadSignature));
    }

    #[test]
    fn short_rsa_keys_are_refused() {
        let mut modulus = vec![0xff; 255];
        modulus[0] = 0x7f;
        let mut key = Vec::new();
        key.put_string(b"ssh-rsa");
        key.put_mpint(&[1, 0, 1]);
        key.put_mpint(&modulus);
        let result = Rsa::SHA512.verify(&key, b"", &[0, 0, 0, 1, 7]);
        assert_eq!(result, Err(Failure::KeySize));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_flipped_bit_is_refused(bit in any::<prop::sample::Index>()) {
            for (verifier, mut signed) in all() {
                let bit = bit.index(signed.signature.len() * 8);
                signed.signature[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(signed.verify(verifier), Err(Failure::BadSignature));
            }
        }

        #[test]
        fn arbitrary_input_never_panics(
            key in prop::collection::vec(any::<u8>(), 0..200),
            signature in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            for (verifier, signed) in all() {
                prop_assert!(verifier.verify(&key, b"", &signature).is_err());
                prop_assert!(verifier.verify(&signed.key, b"", &signature).is_err());
            }
        }
    }
}
