//! The cryptography that the core calls on, by ring, and by other crates for what ring lacks:
//! AES-CTR, P-521, Diffie-Hellman over numbers, and the post-quantum encapsulations.
//!
//! ring does not wipe the keys that it holds; what this module itself holds of secrets is wiped
//! when it is dropped.

use std::sync::{Arc, OnceLock};

pub use adit_proto::provider::Presence;
use adit_proto::provider::{
    Cipher, Compression, GroupExchange, KeyExchange, Mac, Provider, StreamCipher, Verify,
};

use crate::certificate::verifier::Certified;
use crate::provider::aes_ctr::AesCtr;
use crate::provider::aes_gcm::AesGcm;
use crate::provider::chacha20_poly1305::ChaCha20Poly1305;
use crate::provider::diffie_hellman::DiffieHellman;
use crate::provider::ecdh::Ecdh;
use crate::provider::ecdh_p521::EcdhP521;
use crate::provider::fastest::Fastest;
use crate::provider::group_exchange::DhGroupExchange;
use crate::provider::hmac_sha2::HmacSha2;
use crate::provider::mlkem::MlKem768X25519;
use crate::provider::random::System;
use crate::provider::security_key::SecurityKey;
use crate::provider::signature::{Ecdsa, Ed25519, Rsa};
use crate::provider::sntrup761::Sntrup761X25519;
use crate::provider::zlib::Zlib;

pub mod aes_ctr;
pub mod aes_gcm;
pub mod chacha20_poly1305;
pub mod diffie_hellman;
pub mod ecdh;
pub mod ecdh_p521;
mod ephemeral;
pub mod fastest;
pub mod group_exchange;
mod hash;
pub mod hmac_sha2;
mod hybrid;
pub mod mlkem;
mod modp;
mod moduli;
pub mod preset;
pub mod random;
#[cfg(test)]
mod sealed;
pub mod security_key;
pub mod signature;
pub mod sntrup761;
pub mod zlib;

/// Every algorithm that there is, in the order of preference.
///
/// The post-quantum key exchanges come first. Which of them are offered says a
/// [preset](preset::Preset), or whoever names them. Which cipher does is measured once in a process, in
/// less than two milliseconds: AES-GCM where the CPU has instructions for it, ChaCha20-Poly1305
/// elsewhere. Later calls return the same provider.
pub fn default() -> Arc<Provider> {
    static DEFAULT: OnceLock<Arc<Provider>> = OnceLock::new();
    DEFAULT.get_or_init(|| Arc::new(of(Fastest::measured()))).clone()
}

/// Every algorithm that there is, with the cipher family first that is the fastest.
fn of(fastest: Fastest) -> Provider {
    Provider {
        random: Box::new(System),
        exchanges: exchanges(),
        group_exchanges: group_exchanges(),
        ciphers: ciphers(fastest),
        stream_ciphers: stream_ciphers(),
        macs: macs(),
        compressions: compressions(),
        verifiers: verifiers(),
    }
}

fn exchanges() -> Vec<Box<dyn KeyExchange>> {
    vec![
        Box::new(MlKem768X25519),
        Box::new(Sntrup761X25519::STANDARD),
        Box::new(Sntrup761X25519::OPENSSH),
        Box::new(Ecdh::CURVE25519),
        Box::new(Ecdh::CURVE25519_LIBSSH),
        Box::new(Ecdh::NISTP256),
        Box::new(Ecdh::NISTP384),
        Box::new(EcdhP521),
        Box::new(DiffieHellman::group16()),
        Box::new(DiffieHellman::group18()),
        Box::new(DiffieHellman::group14()),
    ]
}

fn group_exchanges() -> Vec<Box<dyn GroupExchange>> {
    vec![Box::new(DhGroupExchange::default())]
}

fn ciphers(fastest: Fastest) -> Vec<Box<dyn Cipher>> {
    let mut ciphers: Vec<Box<dyn Cipher>> =
        vec![Box::new(AesGcm::AES128), Box::new(AesGcm::AES256), Box::new(ChaCha20Poly1305)];
    match fastest {
        Fastest::AesGcm => {}
        Fastest::ChaCha20Poly1305 => ciphers.rotate_right(1),
    }
    ciphers
}

fn stream_ciphers() -> Vec<Box<dyn StreamCipher>> {
    vec![Box::new(AesCtr::AES128), Box::new(AesCtr::AES192), Box::new(AesCtr::AES256)]
}

fn macs() -> Vec<Box<dyn Mac>> {
    vec![
        Box::new(HmacSha2::SHA256_ETM),
        Box::new(HmacSha2::SHA512_ETM),
        Box::new(HmacSha2::SHA256),
        Box::new(HmacSha2::SHA512),
    ]
}

fn compressions() -> Vec<Box<dyn Compression>> {
    vec![Box::new(Zlib)]
}

/// Those of plain keys, and then those of certified ones.
fn verifiers() -> Vec<Box<dyn Verify>> {
    let mut verifiers: Vec<Box<dyn Verify>> = vec![
        Box::new(Ed25519),
        Box::new(Ecdsa::NISTP256),
        Box::new(Ecdsa::NISTP384),
        Box::new(Ecdsa::NISTP521),
        Box::new(SecurityKey::Ed25519),
        Box::new(SecurityKey::Ecdsa),
        Box::new(Rsa::SHA512),
        Box::new(Rsa::SHA256),
    ];
    verifiers.extend(Certified::all());
    verifiers
}

#[cfg(test)]
mod tests {
    use adit_proto::config::Algorithms;

    use super::*;

    fn cipher_names(fastest: Fastest) -> Vec<&'static str> {
        of(fastest).ciphers.iter().map(|cipher| cipher.name()).collect()
    }

    #[test]
    fn the_fastest_cipher_comes_first() {
        assert_eq!(
            cipher_names(Fastest::AesGcm),
            ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"],
        );
        assert_eq!(
            cipher_names(Fastest::ChaCha20Poly1305),
            ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"],
        );
    }

    #[test]
    fn all_stand_in_their_order() {
        let all = Algorithms::all(&of(Fastest::AesGcm));
        assert_eq!(
            all.exchanges.iter().collect::<Vec<_>>(),
            [
                "mlkem768x25519-sha256",
                "sntrup761x25519-sha512",
                "sntrup761x25519-sha512@openssh.com",
                "curve25519-sha256",
                "curve25519-sha256@libssh.org",
                "ecdh-sha2-nistp256",
                "ecdh-sha2-nistp384",
                "ecdh-sha2-nistp521",
                "diffie-hellman-group16-sha512",
                "diffie-hellman-group18-sha512",
                "diffie-hellman-group14-sha256",
                "diffie-hellman-group-exchange-sha256",
            ],
        );
        assert_eq!(
            all.ciphers.iter().collect::<Vec<_>>(),
            [
                "aes128-gcm@openssh.com",
                "aes256-gcm@openssh.com",
                "chacha20-poly1305@openssh.com",
                "aes128-ctr",
                "aes192-ctr",
                "aes256-ctr",
            ],
        );
        assert_eq!(
            all.macs.iter().collect::<Vec<_>>(),
            [
                "hmac-sha2-256-etm@openssh.com",
                "hmac-sha2-512-etm@openssh.com",
                "hmac-sha2-256",
                "hmac-sha2-512",
            ],
        );
        assert_eq!(all.compressions.as_str(), "none,zlib@openssh.com");
    }

    #[test]
    fn signature_algorithms_stand_in_their_order() {
        let provider = default();
        let names: Vec<_> =
            provider.verifiers.iter().map(|it| (it.name(), it.key_type())).collect();
        assert_eq!(
            names,
            [
                ("ssh-ed25519", "ssh-ed25519"),
                ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
                ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
                ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
                ("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com"),
                ("sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
                ("rsa-sha2-512", "ssh-rsa"),
                ("rsa-sha2-256", "ssh-rsa"),
                ("ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com"),
                (
                    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
                    "ecdsa-sha2-nistp256-cert-v01@openssh.com"
                ),
                (
                    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
                    "ecdsa-sha2-nistp384-cert-v01@openssh.com"
                ),
                (
                    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
                    "ecdsa-sha2-nistp521-cert-v01@openssh.com"
                ),
                ("sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com"),
                (
                    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
                    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"
                ),
                ("rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"),
                ("rsa-sha2-256-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"),
            ],
        );
    }

    #[test]
    fn certificates_are_for_users_and_not_for_hosts() {
        let algorithms = Algorithms::of(&default());
        assert!(algorithms.signatures.contains("ssh-ed25519-cert-v01@openssh.com"));
        assert_eq!(
            algorithms.host_keys.to_string(),
            "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,\
             sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,\
             rsa-sha2-512,rsa-sha2-256",
        );
    }

    #[test]
    fn the_default_is_made_once() {
        assert!(Arc::ptr_eq(&default(), &default()));
    }
}
