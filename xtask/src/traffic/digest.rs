//! A fast fingerprint of what one end sent and the other received.
//!
//! Every byte is compared with what it should be as well; this shows that the two ends compared
//! the same bytes. It is no protection against malice and needs none.

use crate::traffic::pattern;

const FACTOR: u64 = 0x9fb2_1c65_1e98_df25;
const WORD: usize = 8;

/// A fingerprint that does not depend on how the bytes were cut into pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    state: u64,
    partial: [u8; WORD],
    filled: usize,
    bytes: u64,
}

impl Digest {
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        self.bytes += pattern::length(bytes.len());
        while self.filled > 0
            && let Some((first, rest)) = bytes.split_first()
        {
            self.push(*first);
            bytes = rest;
        }
        let mut words = bytes.chunks_exact(WORD);
        for word in words.by_ref() {
            self.mix(<[u8; WORD]>::try_from(word).unwrap_or_default());
        }
        words.remainder().iter().for_each(|byte| self.push(*byte));
    }

    /// How many bytes there were.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The fingerprint, as 16 hexadecimal digits.
    pub(crate) fn finish(&self) -> String {
        let mut last = self.clone();
        last.mix(last.partial);
        last.mix(last.bytes.to_le_bytes());
        format!("{:016x}", last.state)
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.partial.get_mut(self.filled) {
            *place = byte;
        }
        self.filled += 1;
        if self.filled == WORD {
            self.mix(self.partial);
            (self.partial, self.filled) = ([0; WORD], 0);
        }
    }

    fn mix(&mut self, word: [u8; WORD]) {
        self.state = (self.state.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&[u8]]) -> String {
        let mut digest = Digest::default();
        pieces.iter().for_each(|piece| digest.update(piece));
        digest.finish()
    }

    #[test]
    fn it_does_not_depend_on_the_pieces() {
        let bytes: Vec<u8> = (0..=255).collect();
        let whole = of(&[&bytes]);
        for cut in 0..bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(of(&[first, second]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn it_depends_on_every_byte_and_on_the_length() {
        let zeros = [0; 17];
        let whole = of(&[&zeros]);
        for changed in 0..zeros.len() {
            let mut other = zeros;
            other[changed] = 1;
            assert_ne!(of(&[&other]), whole, "byte {changed}");
        }
        assert_ne!(of(&[&zeros[..16]]), whole);
    }
}
