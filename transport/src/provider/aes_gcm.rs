//! AES in Galois/Counter Mode, [RFC 5647](https://www.rfc-editor.org/rfc/rfc5647).
//!
//! The names end in `@openssh.com` because the RFC's own negotiation of them is ambiguous, see
//! [PROTOCOL section 1.6](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).

use adit_proto::provider::{Alignment, Cipher, Failure, Layout, Open, Seal};
use adit_proto::secret::Secret;
use ring::aead::{self, AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, UnboundKey};

/// The length field is authenticated and not encrypted
/// ([section 7.3](https://www.rfc-editor.org/rfc/rfc5647#section-7.3)).
const LAYOUT: Layout =
    Layout { block: 16, alignment: Alignment::WithoutLength, tag: 16, head: LENGTH };

/// The length of the length field.
const LENGTH: usize = 4;

/// AES-GCM with a key of one length.
#[derive(Debug, Clone, Copy)]
pub struct AesGcm {
    name: &'static str,
    algorithm: &'static aead::Algorithm,
}

impl AesGcm {
    /// `aes128-gcm@openssh.com`.
    pub const AES128: Self = Self { name: "aes128-gcm@openssh.com", algorithm: &AES_128_GCM };

    /// `aes256-gcm@openssh.com`.
    pub const AES256: Self = Self { name: "aes256-gcm@openssh.com", algorithm: &AES_256_GCM };

    fn direction(&self, key: &Secret, iv: &Secret) -> Result<Direction, Failure> {
        let key = UnboundKey::new(self.algorithm, key.expose()).map_err(|_| Failure::Internal)?;
        Ok(Direction { key: LessSafeKey::new(key), nonces: Nonces::new(iv.expose())? })
    }
}

impl Cipher for AesGcm {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key_len(&self) -> usize {
        self.algorithm.key_len()
    }

    fn iv_len(&self) -> usize {
        aead::NONCE_LEN
    }

    fn sealer(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Seal>, Failure> {
        Ok(Box::new(self.direction(key, iv)?))
    }

    fn opener(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Open>, Failure> {
        Ok(Box::new(self.direction(key, iv)?))
    }
}

/// The key of one direction and the nonces that it has used.
struct Direction {
    key: LessSafeKey,
    nonces: Nonces,
}

impl Seal for Direction {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn seal(&mut self, _: u32, packet: &mut [u8], tag: &mut [u8]) -> Result<(), Failure> {
        let (length, text) = packet.split_first_chunk_mut::<LENGTH>().ok_or(Failure::Internal)?;
        let tag: &mut [u8; LAYOUT.tag] = tag.try_into().map_err(|_| Failure::Internal)?;
        let made = self
            .key
            .seal_in_place_separate_tag(self.nonces.next()?, Aad::from(&*length), text)
            .map_err(|_| Failure::Internal)?;
        tag.copy_from_slice(made.as_ref());
        Ok(())
    }
}

impl Open for Direction {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn length(&mut self, _: u32, head: &mut [u8]) -> u32 {
        head.first_chunk().map_or(0, |length| u32::from_be_bytes(*length))
    }

    fn open(&mut self, _: u32, packet: &mut [u8]) -> Result<(), Failure> {
        let (length, text) = packet.split_first_chunk_mut::<LENGTH>().ok_or(Failure::BadTag)?;
        self.key
            .open_in_place(self.nonces.next()?, Aad::from(&*length), text)
            .map_err(|_| Failure::BadTag)?;
        Ok(())
    }
}

/// The nonces of one key, one for each packet: 4 fixed bytes and an invocation counter of 8, which
/// starts where the initial IV says and wraps
/// ([section 7.1](https://www.rfc-editor.org/rfc/rfc5647#section-7.1)).
struct Nonces {
    fixed: [u8; 4],
    first: u64,
    used: u64,
}

impl Nonces {
    fn new(iv: &[u8]) -> Result<Self, Failure> {
        let (fixed, counter) = iv.split_first_chunk().ok_or(Failure::Internal)?;
        let counter = counter.try_into().map_err(|_| Failure::Internal)?;
        Ok(Self { fixed: *fixed, first: u64::from_be_bytes(counter), used: 0 })
    }

    /// The next nonce. None comes twice: when all are used up, it fails.
    fn next(&mut self) -> Result<aead::Nonce, Failure> {
        let invocation = self.first.wrapping_add(self.used);
        self.used = self.used.checked_add(1).ok_or(Failure::Internal)?;
        let mut nonce = [0; aead::NONCE_LEN];
        let (fixed, counter) = nonce.split_at_mut(self.fixed.len());
        fixed.copy_from_slice(&self.fixed);
        counter.copy_from_slice(&invocation.to_be_bytes());
        Ok(aead::Nonce::assume_unique_for_key(nonce))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::provider::sealed::{Pair, hex, packet};

    const BOTH: [AesGcm; 2] = [AesGcm::AES128, AesGcm::AES256];

    #[test]
    fn lengths_are_as_the_rfc_says() {
        assert_eq!(BOTH.map(|cipher| (cipher.key_len(), cipher.iv_len())), [(16, 12), (32, 12)]);
    }

    #[test]
    fn a_key_or_iv_of_another_length_is_refused() {
        let secret = |len| Secret::zeroed(len);
        for (key, iv) in [(15, 12), (17, 12), (0, 12), (16, 11), (16, 13), (16, 0)] {
            assert!(AesGcm::AES128.sealer(&secret(key), &secret(iv)).is_err(), "{key} {iv}");
            assert!(AesGcm::AES128.opener(&secret(key), &secret(iv)).is_err(), "{key} {iv}");
        }
    }

    /// Made by `openssl enc -aes-128-ecb` and GHASH by its definition, which agreed with test case 4
    /// of the GCM specification. The invocation counter wraps between the two packets.
    #[test]
    fn packets_are_sealed_as_another_implementation_does() {
        let known: [(AesGcm, [&str; 2]); 2] = [
            (
                AesGcm::AES128,
                [
                    "0000001053856d055208969eeb0211fc1518b9f0a77fb33fa7d67c0d2d99605a67044d0c",
                    "00000010233e69adffb7e1904004b00b8994a9f6100aa414077191474e4fda0b40207fb3",
                ],
            ),
            (
                AesGcm::AES256,
                [
                    "000000109db5c1649284cfeae44bc76dab97ecdcb83736f38ff1ceba55d12cb4991d6327",
                    "000000104c37cc1c3e9b5471c47ef7183efe317b3fe77007dee58ffe6baf34e7b4b5a92a",
                ],
            ),
        ];
        for (cipher, packets) in known {
            let key = Secret::new((0..32).take(cipher.key_len()).collect());
            let iv = Secret::new([&[100, 101, 102, 103][..], &[0xff; 8]].concat());
            let (sealer, opener) = (cipher.sealer(&key, &iv), cipher.opener(&key, &iv));
            let mut pair = Pair { sealer: sealer.unwrap(), opener: opener.unwrap() };
            for sealed in packets {
                let plain = packet(b"\x04hello world\0\0\0\0");
                assert_eq!(hex(&pair.seal(0, &plain)), sealed);
            }
        }
    }

    #[test]
    fn each_packet_has_a_nonce_of_its_own() {
        let mut nonces = Nonces { fixed: [1, 2, 3, 4], first: u64::MAX, used: 0 };
        let mut next = || *nonces.next().unwrap().as_ref();
        assert_eq!(next(), [1, 2, 3, 4, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(next(), [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(next(), [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn no_nonce_comes_twice() {
        let mut nonces = Nonces { fixed: [0; 4], first: 7, used: u64::MAX };
        assert!(nonces.next().is_err());
        assert!(nonces.next().is_err());
    }

    #[test]
    fn the_length_is_sent_in_the_clear_and_the_rest_is_not() {
        let mut pair = Pair::new(&AesGcm::AES256);
        let plain = packet(&[7; 60]);
        let sealed = pair.seal(3, &plain);
        assert_eq!(sealed[..4], plain[..4]);
        assert!(!sealed.windows(8).any(|window| window == [7; 8]));
    }

    #[test]
    fn packets_must_come_in_their_order() {
        let mut pair = Pair::new(&AesGcm::AES128);
        let first = pair.seal(0, &packet(b"first"));
        let second = pair.seal(1, &packet(b"second"));
        assert_eq!(pair.open(0, &second), Err(Failure::BadTag));
        let mut pair = Pair::new(&AesGcm::AES128);
        assert!(pair.open(0, &first).is_ok());
        assert_eq!(pair.open(1, &first), Err(Failure::BadTag));
    }

    #[test]
    fn buffers_too_short_are_errors() {
        let mut pair = Pair::new(&AesGcm::AES128);
        for len in 0..20 {
            assert!(pair.opener.open(0, &mut vec![0; len]).is_err());
        }
        assert!(pair.sealer.seal(0, &mut [0; 3], &mut [0; 16]).is_err());
        for tag in [0, 12, 15, 17] {
            assert!(pair.sealer.seal(0, &mut [0; 20], &mut vec![0; tag]).is_err());
        }
        assert_eq!(pair.opener.length(0, &mut [0; 3]), 0);
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(payloads in vec(vec(any::<u8>(), 0..3000), 1..4)) {
            for cipher in BOTH {
                let mut pair = Pair::new(&cipher);
                for (sequence, payload) in (0..).zip(&payloads) {
                    let plain = packet(payload);
                    let sealed = pair.seal(sequence, &plain);
                    prop_assert_eq!(pair.open(sequence, &sealed).unwrap(), plain);
                }
            }
        }

        #[test]
        fn any_flipped_bit_is_refused(payload in vec(any::<u8>(), 0..300), bit in any::<prop::sample::Index>()) {
            for cipher in BOTH {
                let mut pair = Pair::new(&cipher);
                let mut sealed = pair.seal(0, &packet(&payload));
                let bit = bit.index(sealed.len() * 8);
                sealed[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(pair.open(0, &sealed), Err(Failure::BadTag));
            }
        }
    }
}
