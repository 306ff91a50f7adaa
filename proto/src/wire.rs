//! The data types of the wire, [RFC 4251 section 5](https://www.rfc-editor.org/rfc/rfc4251#section-5).
//!
//! Parsers are nom functions over a slice; they are complete, so a value that is cut short is
//! an error and never a request for more. Values are written by the methods of [`Put`].

use bytes::{BufMut, Bytes, BytesMut};
use nom::bytes::complete::take;
use nom::combinator::{map, map_opt, map_res};
use nom::error::{Error, ErrorKind};
use nom::number::complete;
use nom::{IResult, Parser};

use crate::name::NameList;
use crate::secret::Secret;

/// What a parser of this module yields: the input that is left, and the value.
pub type Parsed<'a, T> = IResult<&'a [u8], T>;

/// A `byte`.
///
/// # Errors
/// Where the input is empty.
pub fn byte(input: &[u8]) -> Parsed<'_, u8> {
    complete::be_u8(input)
}

/// A `boolean`: zero is false, all else is true.
///
/// # Errors
/// Where the input is empty.
pub fn boolean(input: &[u8]) -> Parsed<'_, bool> {
    map(complete::be_u8, |byte| byte != 0).parse(input)
}

/// A `uint32`.
///
/// # Errors
/// Where fewer than four bytes are left.
pub fn uint32(input: &[u8]) -> Parsed<'_, u32> {
    complete::be_u32(input)
}

/// A `uint64`.
///
/// # Errors
/// Where fewer than eight bytes are left.
pub fn uint64(input: &[u8]) -> Parsed<'_, u64> {
    complete::be_u64(input)
}

/// A `string` of arbitrary bytes.
///
/// # Errors
/// Where fewer bytes are left than its length says.
pub fn string(input: &[u8]) -> Parsed<'_, &[u8]> {
    // Not `length_data`, which streams whatever its length parser does.
    let (input, len) = complete::be_u32(input)?;
    take(len).parse(input)
}

/// A `string` that must be UTF-8.
///
/// # Errors
/// Where it is cut short or not UTF-8.
pub fn utf8(input: &[u8]) -> Parsed<'_, &str> {
    map_res(string, std::str::from_utf8).parse(input)
}

/// A `name-list`.
///
/// # Errors
/// Where it is cut short or holds what is no name.
pub fn name_list(input: &[u8]) -> Parsed<'_, NameList> {
    map_res(utf8, NameList::parse).parse(input)
}

/// An `mpint` that is not negative: its bytes, big-endian, without the leading zeros.
///
/// # Errors
/// Where it is cut short, negative, or not in its shortest form.
pub fn mpint(input: &[u8]) -> Parsed<'_, &[u8]> {
    map_opt(string, |bytes| match bytes {
        [0, rest @ ..] => rest.first().filter(|digit| **digit >= 0x80).map(|_| rest),
        [0x80..=0xff, ..] => None,
        _ => Some(bytes),
    })
    .parse(input)
}

/// The end of the input.
///
/// # Errors
/// Where anything is left.
pub fn end(input: &[u8]) -> Parsed<'_, ()> {
    if input.is_empty() {
        Ok((input, ()))
    } else {
        Err(nom::Err::Error(Error::new(input, ErrorKind::Eof)))
    }
}

/// Writes the data types of the wire at the end of a buffer.
pub trait Put {
    /// A `byte`.
    fn put_byte(&mut self, value: u8);
    /// A `boolean`.
    fn put_boolean(&mut self, value: bool);
    /// A `uint32`.
    fn put_uint32(&mut self, value: u32);
    /// A `uint64`.
    fn put_uint64(&mut self, value: u64);
    /// Bytes as they are.
    fn put_raw(&mut self, bytes: &[u8]);

    /// A `string`. Longer than 4 GiB it cannot be: what lies behind is left out, which no
    /// caller can meet, since no packet is that long.
    fn put_string(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.put_uint32(len);
        self.put_raw(bytes);
    }

    /// A `name-list`.
    fn put_name_list(&mut self, list: &NameList) {
        self.put_string(list.as_str().as_bytes());
    }

    /// An `mpint` from the big-endian bytes of a number without sign.
    fn put_mpint(&mut self, bytes: &[u8]) {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = bytes.get(zeros..).unwrap_or_default();
        let sign = usize::from(digits.first().is_some_and(|byte| *byte >= 0x80));
        let len = u32::try_from(digits.len().saturating_add(sign)).unwrap_or(u32::MAX);
        self.put_uint32(len);
        if sign == 1 {
            self.put_byte(0);
        }
        self.put_raw(digits);
    }
}

impl Put for BytesMut {
    fn put_byte(&mut self, value: u8) {
        self.put_u8(value);
    }
    fn put_boolean(&mut self, value: bool) {
        self.put_u8(u8::from(value));
    }
    fn put_uint32(&mut self, value: u32) {
        self.put_u32(value);
    }
    fn put_uint64(&mut self, value: u64) {
        self.put_u64(value);
    }
    fn put_raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Put for Vec<u8> {
    fn put_byte(&mut self, value: u8) {
        self.push(value);
    }
    fn put_boolean(&mut self, value: bool) {
        self.push(u8::from(value));
    }
    fn put_uint32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_be_bytes());
    }
    fn put_uint64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_be_bytes());
    }
    fn put_raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Text for people, which a peer may send in any encoding; what is not UTF-8 is replaced
/// when it is read, and control characters are shown escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub String);

impl Text {
    /// The text, which may have several lines, with all escaped by which a peer could steer a
    /// terminal or have words read in another order than they stand in.
    pub fn sanitized(&self) -> String {
        self.escaped(|character| !matches!(character, '\n' | '\t') && steers(character))
    }

    /// As [`sanitized`](Self::sanitized), in one line, for a place in a sentence or a log.
    pub fn sanitized_line(&self) -> String {
        self.escaped(steers)
    }

    fn escaped(&self, steers: impl Fn(char) -> bool) -> String {
        let mut shown = String::with_capacity(self.0.len());
        for character in self.0.chars() {
            if steers(character) {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        shown
    }
}

/// Whether a character does something to what stands around it: controls, the separators of lines
/// and paragraphs, and the marks that turn the direction of writing
/// ([Unicode Standard Annex 9](https://www.unicode.org/reports/tr9/)).
fn steers(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}')
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A type that is a field of messages.
pub(crate) trait Field: Sized {
    /// Parses the field. `packet` is the buffer that `input` is a part of, for fields that
    /// share its memory in place of copying.
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> Parsed<'a, Self>;

    /// Writes the field.
    fn encode(&self, out: &mut BytesMut);
}

impl Field for bool {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> Parsed<'a, Self> {
        boolean(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_boolean(*self);
    }
}

impl Field for u32 {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> Parsed<'a, Self> {
        uint32(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_uint32(*self);
    }
}

impl<const N: usize> Field for [u8; N] {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> Parsed<'a, Self> {
        match input.split_first_chunk::<N>() {
            Some((head, rest)) => Ok((rest, *head)),
            None => Err(nom::Err::Error(Error::new(input, ErrorKind::Eof))),
        }
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_raw(self);
    }
}

impl Field for String {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> Parsed<'a, Self> {
        map(utf8, str::to_owned).parse(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_string(self.as_bytes());
    }
}

impl Field for Text {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> Parsed<'a, Self> {
        map(string, |bytes| Self(String::from_utf8_lossy(bytes).into_owned())).parse(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_string(self.0.as_bytes());
    }
}

impl Field for Bytes {
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> Parsed<'a, Self> {
        map(string, |bytes| packet.slice_ref(bytes)).parse(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_string(self);
    }
}

impl Field for Secret {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> Parsed<'a, Self> {
        map(string, Self::from).parse(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_string(self.expose());
    }
}

impl Field for NameList {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> Parsed<'a, Self> {
        name_list(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_name_list(self);
    }
}

/// A number without sign: its bytes, big-endian, without leading zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mpint(pub Bytes);

impl Field for Mpint {
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> Parsed<'a, Self> {
        map(mpint, |digits| Self(packet.slice_ref(digits))).parse(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_mpint(&self.0);
    }
}

/// All that is left of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rest(pub Bytes);

impl Field for Rest {
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> Parsed<'a, Self> {
        Ok((&[], Self(packet.slice_ref(input))))
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_raw(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mpints_are_written_as_the_rfc_shows() {
        let cases: [(&[u8], &[u8]); 4] = [
            (&[], &[0, 0, 0, 0]),
            (&[0, 0], &[0, 0, 0, 0]),
            (
                &[0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7],
                &[0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7],
            ),
            (&[0x80], &[0, 0, 0, 2, 0, 0x80]),
        ];
        for (number, wire) in cases {
            let mut out = Vec::new();
            out.put_mpint(number);
            assert_eq!(out, wire);
        }
    }

    #[test]
    fn negative_and_padded_mpints_are_refused() {
        for wire in [&[0, 0, 0, 1, 0x80][..], &[0, 0, 0, 1, 0], &[0, 0, 0, 2, 0, 1]] {
            assert!(mpint(wire).is_err(), "{wire:?}");
        }
    }

    #[test]
    fn a_length_beyond_the_input_is_an_error() {
        assert!(string(&[0xff, 0xff, 0xff, 0xff, 1]).is_err());
    }

    #[test]
    fn text_cannot_steer_a_terminal() {
        assert_eq!(Text::from("a\u{1b}[2J\nb").sanitized(), "a\\u{1b}[2J\nb");
        assert_eq!(Text::from("a\u{202e}b\u{2028}").sanitized(), "a\\u{202e}b\\u{2028}");
    }

    #[test]
    fn text_for_a_sentence_is_one_line() {
        assert_eq!(Text::from("a\r\nb\u{85}").sanitized_line(), "a\\r\\nb\\u{85}");
    }

    proptest! {
        #[test]
        fn an_mpint_is_read_as_written(number in vec(any::<u8>(), 0..40)) {
            let mut out = Vec::new();
            out.put_mpint(&number);
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            prop_assert_eq!(mpint(&out).unwrap(), (&[][..], &number[zeros..]));
        }

        #[test]
        fn a_string_is_read_as_written(bytes in vec(any::<u8>(), 0..40), tail in vec(any::<u8>(), 0..4)) {
            let mut out = Vec::new();
            out.put_string(&bytes);
            out.extend_from_slice(&tail);
            prop_assert_eq!(string(&out).unwrap(), (&tail[..], &bytes[..]));
        }
    }
}
