//! Groups for [group exchange](super::group_exchange) from a file of
//! [moduli(5)](https://man.openbsd.org/moduli.5).

use adit_proto::provider::{Failure, Group, GroupSize};
use bytes::Bytes;

use crate::provider::modp::{KNOWN, SIZES, bits};

/// Where the system keeps them.
pub(super) const SYSTEM: &str = "/etc/ssh/moduli";

/// The type of a safe prime.
const SAFE: &str = "2";

/// What was tested: the sieve of Eratosthenes and Miller-Rabin find composites, and the last a
/// prime by all that can be told.
const COMPOSITE: u32 = 0x01;
const PROBABILISTIC: u32 = 0x04;

/// A longer line is none: the longest has a prime of [`SIZES`] and a few numbers.
const LONGEST: usize = 4096;

/// Groups of several sizes.
#[derive(Debug)]
pub(super) struct Moduli(Vec<(u32, Group)>);

impl Moduli {
    /// Those that `text`, the contents of a file of moduli, has, where they can be used, and those
    /// of [RFC 3526](https://www.rfc-editor.org/rfc/rfc3526) in sizes that it does not have.
    pub(super) fn new(text: &str) -> Self {
        let mut groups: Vec<_> = text.lines().filter_map(parse).collect();
        for known in KNOWN {
            if groups.iter().all(|(bits, _)| *bits != known.bits) {
                groups.push((known.bits, known.group()));
            }
        }
        Self(groups)
    }

    /// One of the groups of the size that is the best answer: the least that is not less than what
    /// is preferred, or else the greatest. `pick` chooses from so many.
    pub(super) fn choose(
        &self,
        size: GroupSize,
        pick: impl FnOnce(usize) -> Result<usize, Failure>,
    ) -> Result<Group, Failure> {
        let min = size.min.max(*SIZES.start());
        let max = size.max.min(*SIZES.end());
        let sizes = || self.0.iter().map(|(bits, _)| *bits).filter(|it| (min..=max).contains(it));
        let best = sizes().filter(|bits| *bits >= size.preferred).min().or_else(|| sizes().max());
        let fit = || self.0.iter().filter(|(bits, _)| Some(*bits) == best);
        let count = fit().count();
        if count == 0 {
            return Err(Failure::BadGroup);
        }
        let (_, group) = fit().nth(pick(count)?).ok_or(Failure::Internal)?;
        Ok(group.clone())
    }
}

/// A line: time, type, tests, tries, size, generator, modulus.
fn parse(line: &str) -> Option<(u32, Group)> {
    if line.len() > LONGEST || line.starts_with('#') {
        return None;
    }
    let mut fields = line.split_ascii_whitespace().skip(1);
    let mut next = || fields.next();
    let (kind, tests, _tries) = (next()?, next()?.parse::<u32>().ok()?, next()?);
    let (_size, generator, prime) = (next()?, next()?, next()?);
    if kind != SAFE || tests & COMPOSITE != 0 || tests & PROBABILISTIC == 0 {
        return None;
    }
    let (generator, prime) = (digits(generator)?, digits(prime)?);
    let bits = bits(&prime).filter(|bits| SIZES.contains(bits))?;
    Some((bits, Group { prime, generator }))
}

/// The bytes of a number in hexadecimal.
fn digits(text: &str) -> Option<Bytes> {
    let padded = format!("{}{text}", if text.len() % 2 == 1 { "0" } else { "" });
    let pairs = padded.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = pairs.map(byte).collect::<Option<_>>()?;
    bytes.first().filter(|first| **first != 0)?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(min: u32, preferred: u32, max: u32) -> GroupSize {
        GroupSize { min, preferred, max }
    }

    fn chosen(moduli: &Moduli, wanted: GroupSize) -> Option<u32> {
        let group = moduli.choose(wanted, |_| Ok(0)).ok()?;
        bits(&group.prime)
    }

    /// A line whose prime has so many bits.
    fn line(kind: u32, tests: u32, bits: usize) -> String {
        format!(
            "20220714110357 {kind} {tests} 100 {} 5 E9{}B\n",
            bits - 1,
            "0".repeat(bits / 4 - 3)
        )
    }

    #[test]
    fn without_a_file_there_are_the_groups_of_the_rfc() {
        let moduli = Moduli::new("");
        for (wanted, expected) in [
            (size(2048, 2048, 8192), Some(2048)),
            (size(2048, 2049, 8192), Some(3072)),
            (size(1024, 3072, 8192), Some(3072)),
            (size(2048, 8192, 8192), Some(8192)),
            (size(2048, 7680, 8191), Some(6144)),
            (size(0, 0, u32::MAX), Some(2048)),
            (size(512, 1024, 1024), None),
            (size(512, 1024, 2047), None),
            (size(8193, 8193, 16384), None),
            (size(2049, 2050, 3071), None),
        ] {
            assert_eq!(chosen(&moduli, wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_size_of_the_file_comes_before_that_of_the_rfc() {
        let text =
            ["# a comment\n", &line(2, 6, 2048), &line(2, 6, 2560), &line(2, 6, 2560)].concat();
        let moduli = Moduli::new(&text);
        assert_eq!(moduli.0.len(), 3 + 4);
        let group = moduli.choose(size(2048, 2048, 2048), |count| {
            assert_eq!(count, 1);
            Ok(0)
        });
        assert_eq!(group.unwrap().generator, [5][..]);
        assert_eq!(chosen(&moduli, size(2048, 2500, 8192)), Some(2560));
        moduli.choose(size(2048, 2500, 8192), |count| Ok(count - 1)).unwrap();
    }

    #[test]
    fn lines_that_promise_no_safe_prime_are_left_out() {
        let long = format!("{}{}", line(2, 6, 2048), "0".repeat(LONGEST));
        let lines = [
            line(4, 6, 2048),
            line(2, 7, 2048),
            line(2, 2, 2048),
            line(2, 6, 1024),
            line(2, 6, 16384),
            line(2, 6, 2048).replace("E9", "G9"),
            line(2, 6, 2048).replace("E9", "\u{e9}9"),
            line(2, 6, 2048).replace("E9", "00"),
            "20220714110357 2 6 100".to_owned(),
            long,
        ];
        for text in lines {
            assert_eq!(Moduli::new(&text).0.len(), KNOWN.len(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_lines_do_not_panic(text in ".{0,80}", fields in "[0-9A-F ]{0,60}") {
            Moduli::new(&text);
            Moduli::new(&fields);
        }
    }
}
