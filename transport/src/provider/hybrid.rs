//! What hybrids of a post-quantum key encapsulation and X25519 have in common.
//!
//! ```text
//! client  C_INIT   encapsulation key || X25519 public key (32)
//! server  S_REPLY  ciphertext        || X25519 public key (32)
//! both    K        HASH(encapsulated secret (32) || X25519 secret (32)), hashed as a string
//! ```
//!
//! Who breaks one of the two learns nothing. A ciphertext that was altered gives a secret that
//! the other side does not have, rather than an error: the encapsulations reject implicitly, and
//! the signature of the exchange then does not verify.

use adit_proto::provider::{Failure, SharedSecret};
use adit_proto::secret::Secret;
use ring::digest::Algorithm;

use crate::provider::hash::hash;

/// The length of an X25519 public key.
const X25519_LEN: usize = 32;

/// Parts a share into that of the encapsulation and that of X25519.
pub(super) fn split(share: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    let at = share.len().checked_sub(X25519_LEN).ok_or(Failure::BadShare)?;
    share.split_at_checked(at).ok_or(Failure::BadShare)
}

/// The secret of both secrets.
pub(super) fn combine(
    algorithm: &'static Algorithm,
    post_quantum: &[u8],
    classical: &Secret,
) -> SharedSecret {
    SharedSecret::Bytes(hash(algorithm, &[post_quantum, classical.expose()]))
}

#[cfg(test)]
mod tests {
    use ring::digest::{SHA256, digest};

    use super::*;

    #[test]
    fn the_secret_depends_on_both_parts() {
        let secret = |post_quantum: u8, classical: u8| {
            let classical = Secret::from(&[classical; 32][..]);
            match combine(&SHA256, &[post_quantum; 32], &classical) {
                SharedSecret::Bytes(secret) => secret.expose().to_vec(),
                SharedSecret::Number(_) => panic!("a hybrid secret is hashed as a string"),
            }
        };
        let both = [[1; 32], [2; 32]].concat();
        assert_eq!(secret(1, 2), digest(&SHA256, &both).as_ref());
        assert_ne!(secret(1, 2), secret(1, 3));
        assert_ne!(secret(1, 2), secret(3, 2));
    }

    #[test]
    fn the_last_32_bytes_are_those_of_x25519() {
        assert_eq!(split(&[7; 40]), Ok((&[7; 8][..], &[7; 32][..])));
        assert_eq!(split(&[7; 31]), Err(Failure::BadShare));
    }
}
