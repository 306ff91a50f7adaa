//! The secret by which a display lets programs in.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The name of the only kind of secret that is used here, as X11 and Secure Shell call it.
pub const PROTOCOL: &str = "MIT-MAGIC-COOKIE-1";

/// How many bytes a cookie has that is made here.
pub const LEN: usize = 16;

/// Most bytes of a cookie. Those that are in use have 16.
const LONGEST: usize = 256;

/// The secret by which a display lets programs in, of the kind [`PROTOCOL`]: whoever shows it may
/// see and do everything there.
///
/// It is wiped from memory when it is dropped, and not shown by [`fmt::Debug`].
#[derive(Clone)]
pub struct Cookie(Zeroizing<Vec<u8>>);

impl Cookie {
    /// A cookie of these bytes, which should be random.
    pub fn new(bytes: [u8; LEN]) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The cookie that `xauth` or a peer writes in hexadecimal digits. `None` where it is none, or
    /// has more than 256 bytes.
    pub fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.is_empty() || pairs.len() > LONGEST || !rest.is_empty() {
            return None;
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
        for [high, low] in pairs {
            bytes.push(digit(*high)? << 4 | digit(*low)?);
        }
        Some(Self(bytes))
    }

    /// The cookie in hexadecimal digits.
    pub fn to_hex(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len().saturating_mul(2)));
        for nibble in self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.extend(char::from_digit(nibble.into(), 16));
        }
        text
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether these bytes are it. It takes the same time wherever two of equal length differ.
    pub fn is(&self, shown: &[u8]) -> bool {
        self.0.ct_eq(shown).into()
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", Cookie::new([7; LEN])), "Cookie(..)");
    }

    #[test]
    fn only_the_same_bytes_are_it() {
        let cookie = Cookie::new([7; LEN]);
        assert!(cookie.is(&[7; LEN]));
        for other in [&[7; LEN - 1][..], &[7; LEN + 1], &[8; LEN], &[]] {
            assert!(!cookie.is(other));
        }
    }

    #[test]
    fn what_is_not_in_pairs_of_digits_is_none() {
        let long = "0".repeat(2 * LONGEST + 2);
        for text in ["", "0", "0g", "0x", " 0", "00 ", "é0", "+1", &long] {
            assert!(Cookie::from_hex(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn digits_are_read_as_they_are_written(
            bytes in prop::collection::vec(any::<u8>(), 1..LONGEST),
        ) {
            let text = Cookie(Zeroizing::new(bytes.clone())).to_hex();
            for text in [&*text, &text.to_uppercase()] {
                let cookie = Cookie::from_hex(text).unwrap();
                prop_assert_eq!(cookie.bytes(), &bytes);
            }
        }

        #[test]
        fn arbitrary_words_do_no_harm(text in ".*") {
            let _ = Cookie::from_hex(&text);
        }
    }
}
