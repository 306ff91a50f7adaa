//! The parts of a specification.

use std::ops::Range;
use std::path::PathBuf;

use nom::branch::alt;
use nom::bytes::complete::take_till;
use nom::character::complete::{anychar, char, none_of};
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use crate::host;
use crate::spec::fault::{Error, Fault};
use crate::spec::service;

/// Most parts that a specification has.
const MOST: usize = 4;
/// Longest path that a Unix socket's address holds, in bytes, without its closing zero.
const LONGEST_PATH: usize = 107;

/// One part: what stands between two colons, its escapes undone.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) text: String,
    /// Whether a slash that was not escaped makes it a path.
    pub(super) path: bool,
    /// Where it stands in the specification, in bytes, brackets included.
    pub(super) span: Range<usize>,
}

/// Takes a specification apart. There is at least one part, and there are at most four.
pub(super) fn split(text: &str) -> Result<Vec<Field>, Error> {
    if let Some((at, control)) = text.char_indices().find(|(_, it)| it.is_control()) {
        let span = at..at.saturating_add(control.len_utf8());
        return Err(Error::new(text, span, Fault::Control));
    }
    let offset = |rest: &str| text.len().saturating_sub(rest.len());
    let mut fields = Vec::with_capacity(MOST);
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let start = offset(rest);
        if fields.len() == MOST {
            return Err(Error::new(text, start..text.len(), Fault::TooMany));
        }
        let Ok((after, (part, path))) = part(rest) else {
            return Err(Error::new(text, start..text.len(), Fault::Unclosed));
        };
        fields.push(Field { text: part, path, span: start..offset(after) });
        rest = end_of_part(text, after)?;
    }
    if fields.is_empty() { Err(Error::whole(text, Fault::Empty)) } else { Ok(fields) }
}

/// What follows the colon that ends a part.
fn end_of_part<'a>(text: &str, after: &'a str) -> Result<&'a str, Error> {
    if after.is_empty() {
        return Ok(after);
    }
    if let Some(rest) = after.strip_prefix(':') {
        return Ok(rest);
    }
    let start = text.len().saturating_sub(after.len());
    let len = after.find(':').unwrap_or(after.len());
    let fault = if after == "\\" { Fault::EscapesNothing } else { Fault::AfterBracket };
    Err(Error::new(text, start..start.saturating_add(len), fault))
}

/// A part, and whether it is a path.
fn part(input: &str) -> IResult<&str, (String, bool)> {
    if input.starts_with('[') { bracketed(input) } else { plain(input) }
}

fn bracketed(input: &str) -> IResult<&str, (String, bool)> {
    delimited(char('['), take_till(|character| character == ']'), char(']'))
        .map(|literal: &str| (literal.to_owned(), literal.contains('/')))
        .parse(input)
}

fn plain(input: &str) -> IResult<&str, (String, bool)> {
    let escaped = preceded(char('\\'), anychar).map(|character| (character, false));
    let bare = none_of(":\\").map(|character| (character, character == '/'));
    fold_many0(
        alt((escaped, bare)),
        || (String::new(), false),
        |(mut text, path), (character, slash)| {
            text.push(character);
            (text, path || slash)
        },
    )
    .parse(input)
}

impl Field {
    /// The part as a port. Zero is one.
    pub(super) fn to_port(&self, spec: &str) -> Result<u16, Error> {
        let digits = !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit());
        let port = if digits { self.text.parse().ok() } else { service::port(&self.text) };
        port.ok_or_else(|| self.fault(spec, Fault::Port(self.text.clone())))
    }

    /// The part as a name or an address.
    pub(super) fn to_host(&self, spec: &str) -> Result<String, Error> {
        if self.path {
            return Err(self.fault(spec, Fault::Misplaced));
        }
        if self.text.is_empty() {
            return Err(self.fault(spec, Fault::NoHost));
        }
        if !host::is_valid(&self.text) {
            return Err(self.fault(spec, Fault::Host(self.text.clone())));
        }
        Ok(self.text.clone())
    }

    /// The part as the path of a Unix socket.
    pub(super) fn to_path(&self, spec: &str) -> Result<PathBuf, Error> {
        if self.text.len() > LONGEST_PATH {
            return Err(self.fault(spec, Fault::LongPath(LONGEST_PATH)));
        }
        Ok(PathBuf::from(&self.text))
    }

    fn fault(&self, spec: &str, fault: Fault) -> Error {
        Error::new(spec, self.span.clone(), fault)
    }
}
