//! Values at the front of bytes that are still coming.

use nom::error::{ErrorKind, FromExternalError, ParseError};
use nom::{Err, IResult, Parser};

/// What a parser of this crate yields within: what is left, and the value.
pub(crate) type Parsed<'a, T, F> = IResult<&'a [u8], T, Wrong<F>>;

/// Runs a parser on what has come so far: yields the value and how many bytes it took, or
/// nothing where more has to come first.
///
/// # Errors
/// The fault, where no more bytes can make it right.
pub(crate) fn parse<'a, T, F>(
    input: &'a [u8],
    mut parser: impl Parser<&'a [u8], Output = T, Error = Wrong<F>>,
) -> Result<Option<(T, usize)>, F> {
    match parser.parse(input) {
        Ok((rest, value)) => Ok(Some((value, input.len().saturating_sub(rest.len())))),
        Err(Err::Incomplete(_)) => Ok(None),
        Err(Err::Error(Wrong(fault)) | Err::Failure(Wrong(fault))) => Err(fault),
    }
}

/// Ends a parser with a fault.
pub(crate) fn fail<'a, T, F>(fault: F) -> Parsed<'a, T, F> {
    Err(Err::Failure(Wrong(fault)))
}

/// What is wrong with a message. One of them says no more than that.
pub(crate) trait Fault {
    const MALFORMED: Self;
}

/// A fault, on its way through nom.
#[derive(Debug)]
pub(crate) struct Wrong<F>(F);

impl<I, F: Fault> ParseError<I> for Wrong<F> {
    fn from_error_kind(_: I, _: ErrorKind) -> Self {
        Self(F::MALFORMED)
    }

    fn append(_: I, _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl<I, F> FromExternalError<I, F> for Wrong<F> {
    fn from_external_error(_: I, _: ErrorKind, fault: F) -> Self {
        Self(fault)
    }
}

/// What every parser of bytes that are still coming has to keep to.
#[cfg(test)]
pub(crate) mod laws {
    use std::fmt::Debug;

    /// A whole message is read alone and with anything behind it, which is left; what is cut
    /// off before its end needs more, so that it does not matter where it is split.
    pub(crate) fn is_read<T: Debug + PartialEq, F: Debug + PartialEq>(
        whole: &[u8],
        value: &T,
        parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, F>,
    ) {
        for behind in [&b""[..], b"\0", b"\x05\x01", b"GET / HTTP/1.1\r\n\r\n"] {
            let (found, used) = parse(&[whole, behind].concat()).unwrap().expect("it is whole");
            assert_eq!((&found, used), (value, whole.len()));
        }
        for len in 0..whole.len() {
            assert_eq!(parse(&whole[..len]), Ok(None), "{len} bytes of {whole:?}");
        }
    }

    /// Whatever comes, more of it does not change what was found, and a fault stays one.
    pub(crate) fn is_steady<T: Debug + PartialEq, F: Debug + PartialEq>(
        bytes: &[u8],
        parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, F>,
    ) {
        let mut last = Ok(None);
        for len in 0..=bytes.len() {
            let found = parse(&bytes[..len]);
            if last != Ok(None) {
                assert_eq!(found, last, "{len} bytes of {bytes:?}");
            }
            if let Ok(Some((_, used))) = &found {
                assert!(*used <= len);
            }
            last = found;
        }
    }
}
