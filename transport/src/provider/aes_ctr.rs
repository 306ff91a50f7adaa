//! AES in counter mode, [RFC 4344 section 4](https://www.rfc-editor.org/rfc/rfc4344#section-4).
//!
//! It conceals and does not protect integrity: a MAC goes with it.

use adit_proto::provider::{Failure, Keystream, StreamCipher};
use adit_proto::secret::Secret;
use aes::cipher::KeyIvInit;
use aes::{Aes128, Aes192, Aes256};
use ctr::Ctr128BE;

/// The length of a block and of the counter.
const BLOCK: usize = 16;

/// AES-CTR with a key of one length.
#[derive(Debug, Clone, Copy)]
pub struct AesCtr {
    name: &'static str,
    key_len: usize,
}

impl AesCtr {
    /// `aes128-ctr`.
    pub const AES128: Self = Self { name: "aes128-ctr", key_len: 16 };

    /// `aes192-ctr`.
    pub const AES192: Self = Self { name: "aes192-ctr", key_len: 24 };

    /// `aes256-ctr`.
    pub const AES256: Self = Self { name: "aes256-ctr", key_len: 32 };
}

impl StreamCipher for AesCtr {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        self.key_len
    }

    fn block_len(&self) -> usize {
        BLOCK
    }

    fn keystream(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Keystream>, Failure> {
        if key.len() != self.key_len {
            return Err(Failure::Internal);
        }
        let (key, iv) = (key.expose(), iv.expose());
        let wrong = |_| Failure::Internal;
        Ok(match self.key_len {
            16 => Box::new(Stream(Ctr128BE::<Aes128>::new_from_slices(key, iv).map_err(wrong)?)),
            24 => Box::new(Stream(Ctr128BE::<Aes192>::new_from_slices(key, iv).map_err(wrong)?)),
            _ => Box::new(Stream(Ctr128BE::<Aes256>::new_from_slices(key, iv).map_err(wrong)?)),
        })
    }
}

/// A key and a counter. The key is wiped when it is dropped.
struct Stream<C>(C);

impl<C: aes::cipher::StreamCipher + Send> Keystream for Stream<C> {
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Failure> {
        self.0.try_apply_keystream(bytes).map_err(|_| Failure::Internal)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::provider::sealed::{bytes, hex};

    const ALL: [AesCtr; 3] = [AesCtr::AES128, AesCtr::AES192, AesCtr::AES256];

    #[test]
    fn a_key_or_iv_of_another_length_is_refused() {
        for cipher in ALL {
            for (key, iv) in [(15, 16), (17, 16), (33, 16), (0, 16), (cipher.key_len, 12)] {
                let (key, iv) = (Secret::zeroed(key), Secret::zeroed(iv));
                assert!(cipher.keystream(&key, &iv).is_err(), "{}", cipher.name);
            }
        }
    }

    /// [NIST SP 800-38A](https://doi.org/10.6028/NIST.SP.800-38A), appendix F.5.
    #[test]
    fn blocks_are_as_in_the_vectors_of_the_standard() {
        let known = [
            (
                AesCtr::AES128,
                "2b7e151628aed2a6abf7158809cf4f3c",
                "874d6191b620e3261bef6864990db6ce",
            ),
            (
                AesCtr::AES192,
                "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
                "1abc932417521ca24f2b0459fe7e6e0b",
            ),
            (
                AesCtr::AES256,
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "601ec313775789a5b7a7f504bbf3d228",
            ),
        ];
        for (cipher, key, sealed) in known {
            let (key, iv) = (bytes(key), bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"));
            let mut block = bytes("6bc1bee22e409f96e93d7e117393172a");
            let stream = cipher.keystream(&Secret::new(key), &Secret::new(iv));
            stream.unwrap().apply(&mut block).unwrap();
            assert_eq!(hex(&block), sealed, "{}", cipher.name);
        }
    }

    #[test]
    fn the_counter_wraps() {
        let (key, iv) = (Secret::zeroed(16), Secret::new(vec![0xff; 16]));
        let mut stream = AesCtr::AES128.keystream(&key, &iv).unwrap();
        let mut blocks = [0; 32];
        stream.apply(&mut blocks).unwrap();
        let mut zero = [0; 16];
        let mut stream = AesCtr::AES128.keystream(&key, &Secret::zeroed(16)).unwrap();
        stream.apply(&mut zero).unwrap();
        assert_eq!(blocks[16..], zero);
    }

    proptest! {
        #[test]
        fn the_stream_goes_on_wherever_it_is_cut(parts in prop::collection::vec(0..70_usize, 1..6)) {
            for cipher in ALL {
                let secret = |len| Secret::new((7..).take(len).collect());
                let (key, iv) = (secret(cipher.key_len), secret(16));
                let total = parts.iter().sum();
                let mut whole = vec![0; total];
                cipher.keystream(&key, &iv).unwrap().apply(&mut whole).unwrap();
                let mut stream = cipher.keystream(&key, &iv).unwrap();
                let mut cut = Vec::new();
                for len in &parts {
                    let mut part = vec![0; *len];
                    stream.apply(&mut part).unwrap();
                    cut.extend(part);
                }
                prop_assert_eq!(cut, whole);
            }
        }
    }
}
