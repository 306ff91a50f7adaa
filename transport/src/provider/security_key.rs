//! Signatures of security keys, to verify with,
//! [PROTOCOL.u2f](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.u2f).
//!
//! ```text
//! signature:  string  what the key made: 64 bytes, or two mpints
//!             byte    flags
//!             uint32  counter
//!
//! signed:     SHA-256(application), flags, counter, SHA-256(message)
//! ```
//!
//! A signature that verifies says by its flags whether the holder was there; the counter is not
//! looked at, as nothing here remembers it.

use adit_proto::provider::{Failure, Presence, Verify};
use adit_proto::wire::{self, Put};
use nom::Parser;
use nom::combinator::all_consuming;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::provider::signature::verify_ecdsa;
use crate::public_key::material::{Curve, Material, SK_ECDSA, SK_ED25519};

/// A security key's algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityKey {
    /// `sk-ssh-ed25519@openssh.com`.
    Ed25519,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`.
    Ecdsa,
}

/// The bit of the flags that says that the key was touched.
const TOUCHED: u8 = 0x01;

/// The bit of the flags that says that the holder was verified.
const VERIFIED: u8 = 0x04;

impl Verify for SecurityKey {
    fn name(&self) -> &'static str {
        match self {
            Self::Ed25519 => SK_ED25519,
            Self::Ecdsa => SK_ECDSA,
        }
    }

    fn key_type(&self) -> &'static str {
        self.name()
    }

    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let (made, flags, counter) = parts(signature).ok_or(Failure::BadSignature)?;
        let signed = |application: &str| {
            let mut signed = Vec::with_capacity(69);
            signed.put_raw(digest(&SHA256, application.as_bytes()).as_ref());
            signed.put_byte(flags);
            signed.put_uint32(counter);
            signed.put_raw(digest(&SHA256, message).as_ref());
            signed
        };
        match (self, Material::parse(key)) {
            (Self::Ed25519, Some(Material::SkEd25519 { key, application })) => {
                UnparsedPublicKey::new(&ED25519, key)
                    .verify(&signed(application), made)
                    .map_err(|_| Failure::BadSignature)
            }
            (Self::Ecdsa, Some(Material::SkEcdsa { point, application })) => {
                verify_ecdsa(Curve::NistP256, point, &signed(application), made)
            }
            _ => Err(Failure::BadKey),
        }
    }

    fn presence(&self, signature: &[u8]) -> Option<Presence> {
        let (_, flags, _) = parts(signature)?;
        Some(Presence { touched: flags & TOUCHED != 0, verified: flags & VERIFIED != 0 })
    }
}

fn parts(signature: &[u8]) -> Option<(&[u8], u8, u32)> {
    let parts = all_consuming((wire::string, wire::byte, wire::uint32)).parse(signature);
    parts.ok().map(|(_, parts)| parts)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    use super::*;

    /// A security key in software: it signs what such keys sign.
    enum Soft {
        Ed25519(Ed25519KeyPair),
        Ecdsa(EcdsaKeyPair),
    }

    impl Soft {
        fn both() -> [(SecurityKey, Self); 2] {
            let random = SystemRandom::new();
            let ed25519 = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
            let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(how, &random).unwrap();
            let ecdsa = EcdsaKeyPair::from_pkcs8(how, pkcs8.as_ref(), &random).unwrap();
            [
                (SecurityKey::Ed25519, Self::Ed25519(ed25519)),
                (SecurityKey::Ecdsa, Self::Ecdsa(ecdsa)),
            ]
        }

        fn key(&self, application: &str) -> Vec<u8> {
            let mut key = Vec::new();
            match self {
                Self::Ed25519(pair) => {
                    key.put_string(SK_ED25519.as_bytes());
                    key.put_string(pair.public_key().as_ref());
                }
                Self::Ecdsa(pair) => {
                    key.put_string(SK_ECDSA.as_bytes());
                    key.put_string(b"nistp256");
                    key.put_string(pair.public_key().as_ref());
                }
            }
            key.put_string(application.as_bytes());
            key
        }

        fn sign(&self, application: &str, message: &[u8], flags: u8) -> Vec<u8> {
            let mut data = digest(&SHA256, application.as_bytes()).as_ref().to_vec();
            data.extend([flags, 0, 0, 0, 9]);
            data.extend(digest(&SHA256, message).as_ref());
            let mut signature = Vec::new();
            match self {
                Self::Ed25519(pair) => signature.put_string(pair.sign(&data).as_ref()),
                Self::Ecdsa(pair) => {
                    let fixed = pair.sign(&SystemRandom::new(), &data).unwrap();
                    let mut numbers = Vec::new();
                    fixed.as_ref().chunks(32).for_each(|number| numbers.put_mpint(number));
                    signature.put_string(&numbers);
                }
            }
            signature.extend([flags, 0, 0, 0, 9]);
            signature
        }
    }

    #[test]
    fn signatures_verify_and_say_who_was_there() {
        for (verifier, soft) in Soft::both() {
            let key = soft.key("ssh:");
            for (flags, touched, verified) in
                [(0, false, false), (1, true, false), (4, false, true), (5, true, true)]
            {
                let signature = soft.sign("ssh:", b"message", flags);
                assert_eq!(verifier.verify(&key, b"message", &signature), Ok(()));
                let presence = verifier.presence(&signature);
                assert_eq!(presence, Some(Presence { touched, verified }));
            }
        }
    }

    #[test]
    fn another_message_flag_counter_or_application_does_not_verify() {
        for (verifier, soft) in Soft::both() {
            let (key, signature) = (soft.key("ssh:"), soft.sign("ssh:", b"message", 1));
            let bad = Err(Failure::BadSignature);
            assert_eq!(verifier.verify(&key, b"massage", &signature), bad);
            assert_eq!(verifier.verify(&soft.key("ssh:x"), b"message", &signature), bad);
            for at in 1..=5 {
                let mut changed = signature.clone();
                let at = changed.len() - at;
                changed[at] ^= 4;
                assert_eq!(verifier.verify(&key, b"message", &changed), bad, "{at}");
            }
            for len in 0..signature.len() {
                assert_eq!(verifier.verify(&key, b"message", &signature[..len]), bad, "{len}");
            }
        }
    }

    #[test]
    fn a_key_of_another_type_is_refused() {
        let [(ed25519, soft), (ecdsa, other)] = Soft::both();
        let signature = soft.sign("ssh:", b"message", 1);
        assert_eq!(ecdsa.verify(&soft.key("ssh:"), b"", &signature), Err(Failure::BadKey));
        assert_eq!(ed25519.verify(&other.key("ssh:"), b"", &signature), Err(Failure::BadKey));
    }

    proptest! {
        #[test]
        fn arbitrary_input_never_panics(bytes in vec(any::<u8>(), 0..200)) {
            for (verifier, soft) in Soft::both() {
                prop_assert!(verifier.verify(&soft.key("ssh:"), b"", &bytes).is_err());
                prop_assert!(verifier.verify(&bytes, b"", &soft.sign("", b"", 0)).is_err());
                let _ = verifier.presence(&bytes);
            }
        }
    }
}
