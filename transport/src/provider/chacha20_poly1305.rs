//! ChaCha20-Poly1305 as OpenSSH has it,
//! [PROTOCOL.chacha20poly1305](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.chacha20poly1305).
//!
//! It has two keys: one for the length field, one for the packet and its tag. The nonce is the
//! sequence number, so a key is good for 2^32 packets.

mod long;

use adit_proto::provider::{Alignment, Cipher, Failure, Layout, Open, Seal};
use adit_proto::secret::Secret;
use ring::aead::chacha20_poly1305_openssh::{
    KEY_LEN, OpeningKey, PACKET_LENGTH_LEN, SealingKey, TAG_LEN,
};

use crate::provider::chacha20_poly1305::long::Long;

const LAYOUT: Layout =
    Layout { block: 8, alignment: Alignment::WithoutLength, tag: TAG_LEN, head: PACKET_LENGTH_LEN };

/// `chacha20-poly1305@openssh.com`.
#[derive(Debug, Clone, Copy)]
pub struct ChaCha20Poly1305;

impl Cipher for ChaCha20Poly1305 {
    fn name(&self) -> &'static str {
        "chacha20-poly1305@openssh.com"
    }

    fn key_len(&self) -> usize {
        KEY_LEN
    }

    fn iv_len(&self) -> usize {
        0
    }

    fn sealer(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Seal>, Failure> {
        let key = whole(key, iv)?;
        Ok(Box::new(Sealer { key: SealingKey::new(key), long: Long::new(key), sealed: 0 }))
    }

    fn opener(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Open>, Failure> {
        let key = whole(key, iv)?;
        Ok(Box::new(Opener { key: OpeningKey::new(key), long: Long::new(key) }))
    }
}

/// The key, where it and the IV have their lengths.
fn whole<'a>(key: &'a Secret, iv: &Secret) -> Result<&'a [u8; KEY_LEN], Failure> {
    if !iv.is_empty() {
        return Err(Failure::Internal);
    }
    key.expose().try_into().map_err(|_| Failure::Internal)
}

struct Sealer {
    key: SealingKey,
    long: Long,
    /// How many packets were sealed: with one more than 2^32 a nonce would come twice.
    sealed: u64,
}

impl Seal for Sealer {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn seal(&mut self, sequence: u32, packet: &mut [u8], tag: &mut [u8]) -> Result<(), Failure> {
        let tag = tag.try_into().map_err(|_| Failure::Internal)?;
        if packet.len() < PACKET_LENGTH_LEN || self.sealed > u64::from(u32::MAX) {
            return Err(Failure::Internal);
        }
        self.sealed = self.sealed.saturating_add(1);
        if packet.len() >= long::FROM {
            return self.long.seal(sequence, packet, tag);
        }
        self.key.seal_in_place(sequence, packet, tag);
        Ok(())
    }
}

struct Opener {
    key: OpeningKey,
    long: Long,
}

impl Open for Opener {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    /// Leaves `head` encrypted, as the tag is over the encrypted length.
    fn length(&mut self, sequence: u32, head: &mut [u8]) -> u32 {
        head.first_chunk().map_or(0, |encrypted| {
            u32::from_be_bytes(self.key.decrypt_packet_length(sequence, *encrypted))
        })
    }

    fn open(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Failure> {
        let (packet, tag) = packet.split_last_chunk_mut().ok_or(Failure::BadTag)?;
        if packet.len() >= long::FROM {
            return self.long.open(sequence, packet, tag);
        }
        self.key.open_in_place(sequence, packet, tag).map_err(|_| Failure::BadTag)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::provider::sealed::{Pair, hex, packet};

    #[test]
    fn a_key_or_iv_of_another_length_is_refused() {
        for (key, iv) in [(63, 0), (65, 0), (32, 0), (0, 0), (64, 12)] {
            let (key, iv) = (Secret::zeroed(key), Secret::zeroed(iv));
            assert!(ChaCha20Poly1305.sealer(&key, &iv).is_err());
            assert!(ChaCha20Poly1305.opener(&key, &iv).is_err());
        }
    }

    /// Made by `openssl enc -chacha20` and `openssl mac POLY1305`.
    #[test]
    fn packets_are_sealed_as_another_implementation_does() {
        let (key, iv) = (Secret::new((0..64).collect()), Secret::zeroed(0));
        let sealer = ChaCha20Poly1305.sealer(&key, &iv).unwrap();
        let opener = ChaCha20Poly1305.opener(&key, &iv).unwrap();
        let sealed = Pair { sealer, opener }.seal(0x0102_0304, &packet(b"\x04hello world\0\0\0\0"));
        assert_eq!(
            hex(&sealed),
            "bc79806b92aa79deb77e06debb1f4898a8405a7485d7eef70aa6f9ae2e47c84c16d86ea0",
        );
    }

    #[test]
    fn the_length_is_encrypted_and_read_back() {
        let mut pair = Pair::new(&ChaCha20Poly1305);
        let plain = packet(&[7; 60]);
        let sealed = pair.seal(3, &plain);
        assert_ne!(sealed[..4], plain[..4]);
        let mut head = sealed[..4].to_vec();
        assert_eq!(pair.opener.length(3, &mut head).to_be_bytes(), plain[..4]);
        assert_eq!(head, sealed[..4]);
        assert!(!sealed.windows(8).any(|window| window == [7; 8]));
    }

    #[test]
    fn a_packet_opens_under_its_own_sequence_number_only() {
        let mut pair = Pair::new(&ChaCha20Poly1305);
        let sealed = pair.seal(5, &packet(b"payload"));
        for sequence in [0, 4, 6, u32::MAX] {
            assert_eq!(pair.open(sequence, &sealed), Err(Failure::BadTag));
        }
        assert!(pair.open(5, &sealed).is_ok());
    }

    #[test]
    fn no_nonce_comes_twice() {
        let (key, long) = (SealingKey::new(&[7; KEY_LEN]), Long::new(&[7; KEY_LEN]));
        let mut sealer = Sealer { key, long, sealed: u64::from(u32::MAX) };
        assert!(sealer.seal(u32::MAX, &mut [0; 20], &mut [0; 16]).is_ok());
        assert!(sealer.seal(0, &mut [0; 20], &mut [0; 16]).is_err());
    }

    #[test]
    fn buffers_too_short_are_errors() {
        let mut pair = Pair::new(&ChaCha20Poly1305);
        for len in 0..20 {
            assert!(pair.opener.open(0, &mut vec![0; len]).is_err());
        }
        for len in 0..4 {
            assert!(pair.sealer.seal(0, &mut vec![0; len], &mut [0; 16]).is_err());
        }
        assert!(pair.sealer.seal(0, &mut [0; 20], &mut [0; 15]).is_err());
        assert_eq!(pair.opener.length(0, &mut [0; 3]), 0);
    }

    #[test]
    fn long_packets_are_sealed_and_opened_as_by_ring() {
        let keys: [u8; KEY_LEN] = std::array::from_fn(|at| at.try_into().unwrap());
        let (sealing, opening) = (SealingKey::new(&keys), OpeningKey::new(&keys));
        let long = Long::new(&keys);
        for len in [4, 5, 20, 63, 64, 65, 255, long::FROM, 32_773, 262_144] {
            let sequence = u32::MAX - u32::try_from(len).unwrap();
            let plain: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (mut one, mut other) = (plain.clone(), plain.clone());
            let (mut one_tag, mut other_tag) = ([0; TAG_LEN], [0; TAG_LEN]);
            sealing.seal_in_place(sequence, &mut one, &mut one_tag);
            long.seal(sequence, &mut other, &mut other_tag).unwrap();
            assert_eq!((&one, one_tag), (&other, other_tag), "{len}");
            let opened = opening.open_in_place(sequence, &mut one, &one_tag).unwrap().to_vec();
            other_tag[15] ^= 1;
            let before = other.clone();
            assert_eq!(long.open(sequence, &mut other, &other_tag), Err(Failure::BadTag));
            assert_eq!(other, before, "what is not genuine stays as it is");
            other_tag[15] ^= 1;
            long.open(sequence, &mut other, &other_tag).unwrap();
            assert_eq!((&other[4..], &*opened), (&plain[4..], &plain[4..]), "{len}");
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(payload in vec(any::<u8>(), 0..10_000), sequence in any::<u32>()) {
            let mut pair = Pair::new(&ChaCha20Poly1305);
            let plain = packet(&payload);
            let sealed = pair.seal(sequence, &plain);
            prop_assert_eq!(&pair.open(sequence, &sealed).unwrap()[4..], &plain[4..]);
        }

        #[test]
        fn any_flipped_bit_is_refused(payload in vec(any::<u8>(), 0..300), bit in any::<prop::sample::Index>()) {
            let mut pair = Pair::new(&ChaCha20Poly1305);
            let mut sealed = pair.seal(0, &packet(&payload));
            let bit = bit.index(sealed.len() * 8);
            sealed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(pair.open(0, &sealed), Err(Failure::BadTag));
        }
    }
}
