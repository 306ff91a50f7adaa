//! The set-up of an X11 connection,
//! [X Window System Protocol section 8](https://www.x.org/releases/X11R7.7/doc/xproto/x11protocol.html#Connection_Setup):
//! what a program says first, and the answer that lets it in no further.
//!
//! ```text
//!  program                                                         display
//!    byte order, version, lengths, name of the secret, secret  -->
//!                                                             <--  Failed: why
//! ```

mod failed;
mod fault;

use std::fmt;

use nom::Parser;
use nom::bytes::streaming::take;
use nom::number::Endianness;
use nom::number::streaming::{be_u8, u16};
use zeroize::Zeroizing;

use crate::prefix::{self, Parsed, fail};
use crate::x11::cookie::{Cookie, PROTOCOL};

pub use crate::x11::setup::failed::Failed;
pub use crate::x11::setup::fault::Fault;

/// Longest name of a kind of secret, in bytes.
const LONGEST_NAME: u16 = 256;
/// Longest secret, in bytes.
const LONGEST_SECRET: u16 = 1024;

/// In which order a program sends the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The most significant first, `B`.
    Big,
    /// The least significant first, `l`.
    Little,
}

impl Order {
    /// A number of 16 bits.
    fn number(self, number: u16) -> [u8; 2] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }

    fn letter(self) -> u8 {
        match self {
            Self::Big => b'B',
            Self::Little => b'l',
        }
    }
}

/// What a program says first to a display.
///
/// The secret is wiped from memory when it is dropped, and not shown by [`fmt::Debug`].
#[derive(Clone, PartialEq, Eq)]
pub struct Setup {
    order: Order,
    major: u16,
    minor: u16,
    name: Vec<u8>,
    secret: Zeroizing<Vec<u8>>,
}

impl Setup {
    /// Reads a set-up from what has come so far; yields it and how many bytes it took, or nothing
    /// where more has to come first. What is behind it are requests to the display.
    ///
    /// # Errors
    /// [`Fault`], where no more bytes can make it right.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        prefix::parse(input, setup)
    }

    /// In which order the program sends, and reads, the bytes of numbers.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Whether it shows this cookie.
    pub fn shows(&self, cookie: &Cookie) -> bool {
        self.name == PROTOCOL.as_bytes() && cookie.is(&self.secret)
    }

    /// The same with this cookie in the place of what it shows, in its wire form.
    pub fn encode_with(&self, cookie: &Cookie) -> Zeroizing<Vec<u8>> {
        encode(self.order, (self.major, self.minor), PROTOCOL.as_bytes(), cookie.bytes())
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, major, minor, name, .. } = self;
        write!(f, "Setup({order:?}, {major}.{minor}, {}, ..)", name.escape_ascii())
    }
}

fn setup(input: &[u8]) -> Parsed<'_, Setup, Fault> {
    let (input, letter) = be_u8(input)?;
    let (order, endianness) = match letter {
        b'B' => (Order::Big, Endianness::Big),
        b'l' => (Order::Little, Endianness::Little),
        _ => return fail(Fault::Order(letter)),
    };
    let mut number = u16(endianness);
    let (input, _unused) = be_u8(input)?;
    let (input, major) = number.parse(input)?;
    let (input, minor) = number.parse(input)?;
    let (input, name_len) = number.parse(input)?;
    if name_len > LONGEST_NAME {
        return fail(Fault::TooLong);
    }
    let (input, secret_len) = number.parse(input)?;
    if secret_len > LONGEST_SECRET {
        return fail(Fault::TooLong);
    }
    let (input, _unused) = take(2_usize).parse(input)?;
    let (input, name) = padded(input, name_len)?;
    let (input, secret) = padded(input, secret_len)?;
    let (name, secret) = (name.to_vec(), Zeroizing::new(secret.to_vec()));
    Ok((input, Setup { order, major, minor, name, secret }))
}

/// Bytes that are filled up to a multiple of four.
fn padded(input: &[u8], len: u16) -> Parsed<'_, &[u8], Fault> {
    let (input, bytes) = take(len).parse(input)?;
    let (input, _) = take(padding(len.into())).parse(input)?;
    Ok((input, bytes))
}

/// How many bytes follow so many.
fn padding(len: usize) -> usize {
    len.wrapping_neg() % 4
}

fn encode(
    order: Order,
    (major, minor): (u16, u16),
    name: &[u8],
    secret: &[u8],
) -> Zeroizing<Vec<u8>> {
    // Grown in place, it would leave the secret behind.
    let len = name.len().saturating_add(secret.len()).saturating_add(18);
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    out.extend([order.letter(), 0]);
    let len = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    for number in [major, minor, len(name), len(secret), 0] {
        out.extend(order.number(number));
    }
    for bytes in [name, secret] {
        out.extend_from_slice(bytes);
        out.extend(std::iter::repeat_n(0, padding(bytes.len())));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prefix::laws::{is_read, is_steady};

    fn orders() -> impl Strategy<Value = Order> {
        prop_oneof![Just(Order::Big), Just(Order::Little)]
    }

    proptest! {
        #[test]
        fn a_set_up_is_read_wherever_it_is_split(
            order in orders(),
            major in any::<u16>(),
            minor in any::<u16>(),
            name in prop::collection::vec(any::<u8>(), 0..70),
            secret in prop::collection::vec(any::<u8>(), 0..70),
        ) {
            let whole = encode(order, (major, minor), &name, &secret);
            prop_assert_eq!(whole.len() % 4, 0);
            let setup = Setup { order, major, minor, name, secret: Zeroizing::new(secret) };
            is_read(&whole, &setup, Setup::parse);
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            is_steady(&bytes, Setup::parse);
        }

        #[test]
        fn arbitrary_lengths_do_no_harm(
            letter in prop_oneof![Just(b'B'), Just(b'l')],
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            is_steady(&[&[letter], &bytes[..]].concat(), Setup::parse);
        }
    }

    /// As `xdpyinfo` sends it.
    const PROGRAM: &[u8] =
        b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0\x01\x02\x03\x04\x05\x06\x07\x08\
          \x09\x0a\x0b\x0c\x0d\x0e\x0f\x10";

    #[test]
    fn the_cookie_that_was_announced_is_replaced_by_the_real_one() {
        let (setup, _) = Setup::parse(PROGRAM).unwrap().unwrap();
        let announced = Cookie::from_hex("0102030405060708090a0b0c0d0e0f10").unwrap();
        assert!(setup.shows(&announced));
        assert!(!setup.shows(&Cookie::new([0; 16])));
        let real = setup.encode_with(&Cookie::new([0xAA; 16]));
        assert_eq!(real[..32], PROGRAM[..32]);
        assert_eq!(real[32..], [0xAA; 16]);
        assert_eq!(*setup.encode_with(&announced), PROGRAM);
    }

    #[test]
    fn a_real_cookie_of_another_length_makes_the_set_up_as_long_as_it_has_to_be() {
        let (setup, _) = Setup::parse(PROGRAM).unwrap().unwrap();
        let real = setup.encode_with(&Cookie::from_hex("a1b2c3d4e5").unwrap());
        assert_eq!((real[8], real.len()), (5, 12 + 20 + 8));
        let (again, used) = Setup::parse(&real).unwrap().unwrap();
        assert_eq!((again.secret.as_slice(), used), (&b"\xa1\xb2\xc3\xd4\xe5"[..], real.len()));
    }

    #[test]
    fn no_secret_and_one_of_another_kind_show_no_cookie() {
        let cookie = Cookie::new([1; 16]);
        for (name, secret) in [("", &[][..]), (PROTOCOL, &[]), ("XDM-AUTHORIZATION-1", &[1; 16])] {
            let whole = encode(Order::Big, (11, 0), name.as_bytes(), secret);
            let (setup, _) = Setup::parse(&whole).unwrap().unwrap();
            assert!(!setup.shows(&cookie), "{name}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_has_come() {
        assert_eq!(Setup::parse(b"B\0\0\x0b\0\0\x01\x01"), Err(Fault::TooLong));
        assert_eq!(Setup::parse(b"l\0\x0b\0\0\0\0\0\x01\x04"), Err(Fault::TooLong));
        assert_eq!(Setup::parse(b"S"), Err(Fault::Order(b'S')));
    }

    #[test]
    fn the_secret_is_not_shown() {
        let (setup, _) = Setup::parse(PROGRAM).unwrap().unwrap();
        assert_eq!(format!("{setup:?}"), "Setup(Little, 11.0, MIT-MAGIC-COOKIE-1, ..)");
    }
}
