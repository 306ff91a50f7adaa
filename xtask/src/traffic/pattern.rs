//! The bytes that travel: a function of a seed and a position, so that any stretch of them can be
//! made and checked anywhere without keeping the rest.

use std::fmt;

const WORD: usize = 8;

/// How much is compared at once.
const STRETCH: usize = 4096;

/// A stream without an end, and without a period that a tunnel's buffers could hide in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    seed: u64,
}

/// The first byte that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) position: u64,
}

impl Pattern {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Writes the bytes from `position` on into `buffer`.
    pub(crate) fn fill(self, position: u64, buffer: &mut [u8]) {
        let (mut index, skipped) = (position >> 3, usize::try_from(position & 7).unwrap_or(0));
        let word = self.word(index);
        let head = word.get(skipped..).unwrap_or_default();
        let (first, rest) = buffer.split_at_mut(head.len().min(buffer.len()));
        copy_start(head, first);
        for chunk in rest.chunks_mut(WORD) {
            index += 1;
            let word = self.word(index);
            match <&mut [u8; WORD]>::try_from(&mut *chunk) {
                Ok(whole) => *whole = word,
                Err(_) => copy_start(&word, chunk),
            }
        }
    }

    /// Whether `bytes` are those from `position` on.
    pub(crate) fn check(self, mut position: u64, bytes: &[u8]) -> Result<(), Mismatch> {
        let mut expected = [0; STRETCH];
        for seen in bytes.chunks(STRETCH) {
            let expected = expected.get_mut(..seen.len()).unwrap_or_default();
            self.fill(position, expected);
            if seen != expected {
                let same = seen.iter().zip(&*expected).take_while(|(a, b)| a == b).count();
                return Err(Mismatch { position: position + length(same) });
            }
            position += length(seen.len());
        }
        Ok(())
    }

    /// SplitMix64: every index gives an independent word.
    fn word(self, index: u64) -> [u8; WORD] {
        let mut word = self.seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    }
}

/// A length in bytes as a part of a position.
pub(crate) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn copy_start(from: &[u8], to: &mut [u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} is not what was sent", self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERN: Pattern = Pattern { seed: 7 };

    #[test]
    fn a_stretch_is_the_same_wherever_it_is_begun() {
        let mut whole = [0; 100];
        PATTERN.fill(0, &mut whole);
        for start in 0..40 {
            for end in start..60 {
                let mut part = vec![0; end - start];
                PATTERN.fill(length(start), &mut part);
                assert_eq!(part, whole[start..end], "{start}..{end}");
            }
        }
    }

    #[test]
    fn what_was_filled_is_right_and_one_changed_byte_is_not() {
        let mut bytes = vec![0; 3 * STRETCH + 5];
        PATTERN.fill(13, &mut bytes);
        assert_eq!(PATTERN.check(13, &bytes), Ok(()));
        let last = bytes.len() - 1;
        for changed in [0, STRETCH, last] {
            bytes[changed] ^= 1;
            let position = 13 + length(changed);
            assert_eq!(PATTERN.check(13, &bytes), Err(Mismatch { position }));
            bytes[changed] ^= 1;
        }
    }

    #[test]
    fn another_position_or_seed_gives_other_bytes() {
        let mut bytes = [0; 64];
        PATTERN.fill(0, &mut bytes);
        assert!(PATTERN.check(8, &bytes).is_err());
        assert!(Pattern::new(8).check(0, &bytes).is_err());
    }
}
