//! What requests and responses have in common: their end, their lines, their fields.

use nom::Parser;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::line_ending;
use nom::combinator::{all_consuming, verify};
use nom::multi::fold_many0;
use nom::number::complete::be_u8;
use nom::sequence::{preceded, terminated};

use crate::connect::fault::{Fault, LONGEST};
use crate::prefix::{self, Parsed};

/// Takes the head off what has come so far: yields its lines without the empty one that ends
/// it, and how many bytes it took.
pub(super) fn split(input: &[u8]) -> Result<Option<(&[u8], usize)>, Fault> {
    let within = input.get(..LONGEST).unwrap_or(input);
    let mut lines = 0;
    for line in within.split_inclusive(|byte| *byte == b'\n') {
        let after = line.len().saturating_add(lines);
        if matches!(line, b"\n" | b"\r\n") {
            return Ok(within.get(..lines).map(|lines| (lines, after)));
        }
        lines = after;
    }
    if input.len() < LONGEST { Ok(None) } else { Err(Fault::TooLong) }
}

/// Runs a parser on lines that are whole.
pub(super) fn parse<'a, T>(
    lines: &'a [u8],
    parser: impl Parser<&'a [u8], Output = T, Error = prefix::Wrong<Fault>>,
) -> Result<T, Fault> {
    match prefix::parse(lines, all_consuming(parser))? {
        Some((value, _)) => Ok(value),
        None => Err(Fault::Malformed),
    }
}

/// The fields that stand behind the first line. Yields the value of the one with this name,
/// which may not come twice; the case of the name does not matter.
pub(super) fn field<'a>(
    name: &str,
) -> impl Parser<&'a [u8], Output = Option<&'a [u8]>, Error = prefix::Wrong<Fault>> {
    let pick = |found: Result<_, _>, (other, value): (&[u8], &'a [u8])| match found {
        found if !other.eq_ignore_ascii_case(name.as_bytes()) => found,
        Ok(None) => Ok(Some(value)),
        _ => Err(Fault::Malformed),
    };
    nom::combinator::map_res(fold_many0(any_field, || Ok(None), pick), |found| found)
}

fn any_field(input: &[u8]) -> Parsed<'_, (&[u8], &[u8]), Fault> {
    let value = take_while(|byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    (terminated(token, tag(&b":"[..])), terminated(value, line_ending))
        .map(|(name, value): (_, &[u8])| (name, value.trim_ascii()))
        .parse(input)
}

/// A token, as methods and the names of fields are:
/// [RFC 9110 section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
pub(super) fn token(input: &[u8]) -> Parsed<'_, &[u8], Fault> {
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    take_while1(of_token).parse(input)
}

/// The version of the protocol: whether it is HTTP/1.
pub(super) fn version(input: &[u8]) -> Parsed<'_, bool, Fault> {
    let digit = || verify(be_u8, u8::is_ascii_digit);
    preceded(tag(&b"HTTP/"[..]), (terminated(digit(), tag(&b"."[..])), digit()))
        .map(|(major, _)| major == b'1')
        .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_an_empty_line_of_either_form() {
        let cases: [(&[u8], &[u8], usize); 5] = [
            (b"a\r\nb\r\n\r\nrest", b"a\r\nb\r\n", 8),
            (b"a\nb\n\nrest", b"a\nb\n", 5),
            (b"a\r\n\nrest", b"a\r\n", 4),
            (b"a\n\r\n\r\n", b"a\n", 4),
            (b"\r\n\r\n", b"", 2),
        ];
        for (input, lines, used) in cases {
            assert_eq!(split(input), Ok(Some((lines, used))));
        }
        for input in [&b""[..], b"a", b"a\r\n", b"a\r\n\r", b"a\n\r", b"a\r\n \r\n"] {
            assert_eq!(split(input), Ok(None), "{input:?}");
        }
    }

    #[test]
    fn a_head_has_a_longest_form() {
        let mut bytes = vec![b'x'; LONGEST - 3];
        bytes.extend(b"\n\r\nrest");
        assert_eq!(split(&bytes).map(|found| found.unwrap().1), Ok(LONGEST));
        assert_eq!(split(&bytes[..LONGEST - 1]), Ok(None));
        bytes.insert(0, b'x');
        assert_eq!(split(&bytes[..LONGEST]), Err(Fault::TooLong));
        assert_eq!(split(&bytes), Err(Fault::TooLong));
    }

    #[test]
    fn a_field_is_found_whatever_its_case() {
        let found = |lines: &'static [u8]| parse(lines, field("Host"));
        assert_eq!(found(b""), Ok(None));
        assert_eq!(found(b"A: b\r\nhOST:\t h:80 \r\nC:d\n"), Ok(Some(&b"h:80"[..])));
        assert_eq!(found(b"Host:\r\n"), Ok(Some(&b""[..])));
        assert_eq!(found(b"Hosts: a\r\n"), Ok(None));
    }

    #[test]
    fn what_two_readers_may_read_differently_is_an_error() {
        let lines: [&[u8]; 10] = [
            b"Host: a\r\nHost: b\r\n",
            b"Host: a\r\n b\r\n",
            b"Host : a\r\n",
            b": a\r\n",
            b"Host\r\n",
            b"Host: a\rb\r\n",
            b"Host: a\x00\r\n",
            b"Host: a\x7f\r\n",
            b"Host: a\r\r\n",
            b"Host: a",
        ];
        for lines in lines {
            assert_eq!(parse(lines, field("Host")), Err(Fault::Malformed), "{lines:?}");
        }
    }
}
