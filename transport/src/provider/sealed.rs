//! Packets sealed and opened, and bytes as digits, for the tests of ciphers.

use adit_proto::provider::{Cipher, Failure, Open, Seal};
use adit_proto::secret::Secret;

/// Both ends of one direction.
pub(super) struct Pair {
    pub(super) sealer: Box<dyn Seal>,
    pub(super) opener: Box<dyn Open>,
}

impl Pair {
    pub(super) fn new(cipher: &dyn Cipher) -> Self {
        let secret = |len: usize| Secret::new((0..=255).cycle().skip(11).take(len).collect());
        let (key, iv) = (secret(cipher.key_len()), secret(cipher.iv_len()));
        let (sealer, opener) =
            (cipher.sealer(&key, &iv).unwrap(), cipher.opener(&key, &iv).unwrap());
        assert_eq!(sealer.layout(), opener.layout());
        Self { sealer, opener }
    }

    /// The sealed packet with its tag.
    pub(super) fn seal(&mut self, sequence: u32, plain: &[u8]) -> Vec<u8> {
        let mut sealed = [plain, &vec![0; self.sealer.layout().tag]].concat();
        let (packet, tag) = sealed.split_at_mut(plain.len());
        self.sealer.seal(sequence, packet, tag).unwrap();
        sealed
    }

    /// The opened packet without its tag.
    pub(super) fn open(&mut self, sequence: u32, sealed: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut packet = sealed.to_vec();
        let head = self.opener.layout().head;
        self.opener.length(sequence, &mut packet[..head]);
        self.opener.open(sequence, &mut packet)?;
        packet.truncate(packet.len() - self.opener.layout().tag);
        Ok(packet)
    }
}

/// A packet with this payload, which is not padded: ciphers do not mind.
pub(super) fn packet(payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [&len.to_be_bytes(), payload].concat()
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hexadecimal digits.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let byte = |digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}
