//! Identification strings, [RFC 4253 section 4.2](https://www.rfc-editor.org/rfc/rfc4253#section-4.2).

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::error;

/// The longest identification string, with CR and LF.
const MAX_LINE: usize = 255;

/// The longest other line, and the most bytes before the identification string.
const MAX_BEFORE: usize = 16 * 1024;

/// A side's identification string, for instance `SSH-2.0-adit_0.1.0`, without CR and LF.
#[derive(Clone, PartialEq, Eq)]
pub struct Identification(Bytes);

impl Identification {
    /// This side's own: `software` is the part behind the version, printable and without
    /// white space or minus sign.
    ///
    /// # Errors
    /// Where `software` has another character, is empty, or makes the string too long.
    pub fn own(software: &str) -> Result<Self, error::Identification> {
        let fits = !software.is_empty() && software.len() + "SSH-2.0-\r\n".len() <= MAX_LINE;
        if fits && software.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'-') {
            Ok(Self(Bytes::from(format!("SSH-2.0-{software}"))))
        } else {
            Err(error::Identification::Unusable)
        }
    }

    /// The string as it came, without CR and LF. It need not be UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the software says that it is OpenSSH, which is all that some extensions go by.
    pub fn is_openssh(&self) -> bool {
        self.0.strip_prefix(b"SSH-2.0-").is_some_and(|rest| rest.starts_with(b"OpenSSH"))
    }

    /// Whether the software says that it is adit.
    pub fn is_adit(&self) -> bool {
        self.0.strip_prefix(b"SSH-2.0-").is_some_and(|rest| rest.starts_with(b"adit_"))
    }

    fn parse(line: &[u8]) -> Result<Self, error::Identification> {
        if line.len() + 2 > MAX_LINE || line.contains(&0) {
            return Err(error::Identification::Unusable);
        }
        // A server that also speaks version 1 says 1.99 (RFC 4253 section 5.1).
        if line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.99-") {
            Ok(Self(Bytes::copy_from_slice(line)))
        } else {
            Err(error::Identification::Version(shown(line)))
        }
    }
}

impl fmt::Display for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&shown(&self.0), f)
    }
}

/// A line of a stranger, fit for a terminal.
fn shown(line: &[u8]) -> String {
    let text: String = line.escape_ascii().map(char::from).take(120).collect();
    text.trim_end().to_owned()
}

/// Whether lines may stand before the identification string: a server may send some, a
/// client may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preamble {
    Allowed,
    Forbidden,
}

/// Finds the peer's identification string in what it sends first.
#[derive(Debug)]
pub(crate) struct Scanner {
    preamble: Preamble,
    /// Bytes in the lines before.
    before: usize,
    first_line: Option<String>,
}

impl Scanner {
    pub(crate) fn new(preamble: Preamble) -> Self {
        Self { preamble, before: 0, first_line: None }
    }

    /// Takes lines from `input` up to and with the identification string.
    pub(crate) fn scan(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Identification>, error::Identification> {
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let mut line = input.split_to(end + 1);
            line.truncate(end);
            if line.last() == Some(&b'\r') {
                line.truncate(end - 1);
            }
            if line.starts_with(b"SSH-") {
                return Identification::parse(&line).map(Some);
            }
            self.skip(&line)?;
        }
        let limit = if input.starts_with(b"SSH-") { MAX_LINE } else { MAX_BEFORE };
        if input.len() > limit { Err(self.give_up(input)) } else { Ok(None) }
    }

    /// The first line that came before an identification string.
    pub(crate) fn first_line(&self) -> Option<&str> {
        self.first_line.as_deref()
    }

    fn skip(&mut self, line: &[u8]) -> Result<(), error::Identification> {
        self.before += line.len() + 1;
        if self.before > MAX_BEFORE || self.preamble == Preamble::Forbidden {
            return Err(self.give_up(line));
        }
        self.first_line.get_or_insert_with(|| shown(line));
        Ok(())
    }

    fn give_up(&mut self, line: &[u8]) -> error::Identification {
        if line.starts_with(b"SSH-") {
            error::Identification::Unusable
        } else {
            error::Identification::NotSsh(self.first_line.take().unwrap_or_else(|| shown(line)))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(preamble: Preamble, sent: &[u8]) -> Result<Option<String>, error::Identification> {
        let mut input = BytesMut::from(sent);
        let found = Scanner::new(preamble).scan(&mut input)?;
        Ok(found.map(|it| it.to_string()))
    }

    #[test]
    fn a_line_may_end_with_or_without_carriage_return() {
        for sent in [&b"SSH-2.0-x y\r\n"[..], b"SSH-2.0-x y\n"] {
            assert_eq!(scan(Preamble::Forbidden, sent), Ok(Some("SSH-2.0-x y".to_owned())));
        }
    }

    #[test]
    fn lines_may_come_before_that_of_a_server_but_not_of_a_client() {
        let sent = b"\xff not utf-8\r\nhello\r\nSSH-1.99-x\r\n";
        assert_eq!(scan(Preamble::Allowed, sent), Ok(Some("SSH-1.99-x".to_owned())));
        assert_eq!(
            scan(Preamble::Forbidden, b"GET / HTTP/1.1\r\n"),
            Err(error::Identification::NotSsh("GET / HTTP/1.1".to_owned()))
        );
    }

    #[test]
    fn version_one_is_refused() {
        let told = error::Identification::Version("SSH-1.5-old".to_owned());
        assert_eq!(scan(Preamble::Allowed, b"SSH-1.5-old\r\n"), Err(told));
    }

    #[test]
    fn over_long_lines_and_nul_bytes_are_refused() {
        let long = [b"SSH-2.0-", &[b'x'; 300][..]].concat();
        assert_eq!(scan(Preamble::Allowed, &long), Err(error::Identification::Unusable));
        let ended = [&long[..], b"\r\n"].concat();
        assert_eq!(scan(Preamble::Allowed, &ended), Err(error::Identification::Unusable));
        let nul = b"SSH-2.0-a\0b\r\n";
        assert_eq!(scan(Preamble::Allowed, nul), Err(error::Identification::Unusable));
    }

    #[test]
    fn endless_talk_before_it_is_refused_with_its_first_line() {
        let talk = b"550 no ssh here\r\n".repeat(2000);
        let told = error::Identification::NotSsh("550 no ssh here".to_owned());
        assert_eq!(scan(Preamble::Allowed, &talk), Err(told));
    }

    #[test]
    fn what_follows_stays_in_the_input() {
        let mut input = BytesMut::from(&b"SSH-2.0-x\r\nrest"[..]);
        Scanner::new(Preamble::Allowed).scan(&mut input).unwrap().unwrap();
        assert_eq!(&input[..], b"rest");
    }

    #[test]
    fn own_software_names_are_checked() {
        assert_eq!(Identification::own("adit_1").unwrap().as_bytes(), b"SSH-2.0-adit_1");
        for bad in ["", "a b", "a-b", "a\n", &"x".repeat(250)] {
            assert!(Identification::own(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_split_of_the_input_finds_the_same(split in 0..29_usize) {
            let sent = b"hello\r\nSSH-2.0-peer_1.0 hi\r\n";
            let mut scanner = Scanner::new(Preamble::Allowed);
            let mut input = BytesMut::from(&sent[..split]);
            let early = scanner.scan(&mut input).unwrap();
            input.extend_from_slice(&sent[split..]);
            let found = early.or_else(|| scanner.scan(&mut input).unwrap());
            prop_assert_eq!(found.unwrap().to_string(), "SSH-2.0-peer_1.0 hi");
        }
    }
}
