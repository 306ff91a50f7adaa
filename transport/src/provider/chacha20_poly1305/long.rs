//! ChaCha20-Poly1305 for long packets.

use adit_proto::provider::Failure;
use adit_proto::secret::Secret;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};
use chacha20::{ChaCha20Legacy, Key, LegacyNonce};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use ring::aead::chacha20_poly1305_openssh::{KEY_LEN, PACKET_LENGTH_LEN, TAG_LEN};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The length of packets, the length field included, from which on this is faster than ring, whose
/// Poly1305 knows no vectors on x86-64. Below, setting up costs more than that brings.
pub(super) const FROM: usize = 16 * 1024;

/// Seals and opens long packets, as ring does short ones.
pub(super) struct Long {
    /// The key for packets, and behind it that for length fields.
    keys: Secret,
}

impl Long {
    pub(super) fn new(keys: &[u8; KEY_LEN]) -> Self {
        Self { keys: Secret::new(keys.to_vec()) }
    }

    /// Seals a packet that begins with its length field.
    pub(super) fn seal(
        &self,
        sequence: u32,
        packet: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), Failure> {
        let (of_packet, of_length) = self.keys()?;
        let (length, body) =
            packet.split_at_mut_checked(PACKET_LENGTH_LEN).ok_or(Failure::Internal)?;
        stream(of_length, sequence).apply_keystream(length);
        let (mut stream, mac) = begin(of_packet, sequence);
        stream.apply_keystream(body);
        *tag = mac.compute_unpadded(packet).into();
        Ok(())
    }

    /// Opens a packet whose length field is encrypted, and stays so.
    ///
    /// # Errors
    /// [`Failure::BadTag`]; the packet is as it was then.
    pub(super) fn open(
        &self,
        sequence: u32,
        packet: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Failure> {
        let (of_packet, _) = self.keys()?;
        let (mut stream, mac) = begin(of_packet, sequence);
        let expected: [u8; TAG_LEN] = mac.compute_unpadded(packet).into();
        if !bool::from(expected.ct_eq(tag)) {
            return Err(Failure::BadTag);
        }
        let body = packet.get_mut(PACKET_LENGTH_LEN..).ok_or(Failure::BadTag)?;
        stream.apply_keystream(body);
        Ok(())
    }

    fn keys(&self) -> Result<(&Key, &Key), Failure> {
        let halves = self.keys.expose().split_at_checked(KEY_LEN / 2);
        let (of_packet, of_length) = halves.ok_or(Failure::Internal)?;
        let key = |half| <&Key>::try_from(half).map_err(|_| Failure::Internal);
        Ok((key(of_packet)?, key(of_length)?))
    }
}

/// The keystream for the packet with this number.
fn stream(key: &Key, sequence: u32) -> ChaCha20Legacy {
    ChaCha20Legacy::new(key, &LegacyNonce::from(u64::from(sequence).to_be_bytes()))
}

/// The first block of the keystream is the key of the tag, and what follows is for the packet.
fn begin(key: &Key, sequence: u32) -> (ChaCha20Legacy, Poly1305) {
    let mut stream = stream(key, sequence);
    let mut block = Zeroizing::new([0; 64]);
    stream.apply_keystream(&mut *block);
    let mut of_tag = Zeroizing::new([0; 32]);
    of_tag.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
    (stream, Poly1305::new((&*of_tag).into()))
}
