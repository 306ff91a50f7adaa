//! What a proxy answers.

use nom::Parser;
use nom::bytes::complete::{tag, take, take_while};
use nom::character::complete::line_ending;
use nom::combinator::{map_opt, opt, rest};
use nom::sequence::{preceded, terminated};

use crate::connect::fault::Fault;
use crate::connect::head;
use crate::connect::status::Status;
use crate::prefix::Parsed;

/// What a proxy answers,
/// [RFC 9112 section 4](https://www.rfc-editor.org/rfc/rfc9112#section-4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// How the request ended. After a success all that follows is the tunnel's.
    pub status: Status,
    /// Words for people, in the proxy's choice.
    pub reason: String,
}

impl Response {
    /// A response with the usual words.
    pub fn new(status: Status) -> Self {
        Self { status, reason: status.reason().to_owned() }
    }

    /// Reads the head of a response.
    ///
    /// # Errors
    /// [`Fault`], where no more bytes can make it right.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        let Some((lines, used)) = head::split(input)? else { return Ok(None) };
        // No field matters here, so none can be wrong.
        let (is_http_1, response) = head::parse(lines, terminated(first_line, rest))?;
        if is_http_1 { Ok(Some((response, used))) } else { Err(Fault::Version) }
    }

    /// Its wire form. `fields` are whole lines, and `text` is what a client may show if there
    /// is no tunnel, after which the connection ends.
    pub fn encode(&self, fields: &str, text: &str) -> Vec<u8> {
        let Self { status, reason } = self;
        let first = format!("HTTP/1.1 {status} {reason}\r\n{fields}");
        if status.is_success() || status.is_interim() {
            return format!("{first}\r\n").into_bytes();
        }
        format!(
            "{first}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{text}",
            text.len()
        )
        .into_bytes()
    }
}

fn first_line(input: &[u8]) -> Parsed<'_, (bool, Response), Fault> {
    let space = || tag(&b" "[..]);
    let reason = take_while(|byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    let reason = opt(preceded(space(), reason)).map(Option::unwrap_or_default);
    (
        terminated(head::version, space()),
        map_opt(take(3_usize), status),
        terminated(reason, line_ending),
    )
        .map(|(is_http_1, status, reason): (_, _, &[u8])| {
            let reason = String::from_utf8_lossy(reason).trim().to_owned();
            (is_http_1, Response { status, reason })
        })
        .parse(input)
}

fn status(digits: &[u8]) -> Option<Status> {
    let number = str::from_utf8(digits).ok()?.parse().ok()?;
    (100..1000).contains(&number).then_some(Status(number))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::prefix::laws;

    fn response(status: u16, reason: &str) -> Response {
        Response { status: Status(status), reason: reason.to_owned() }
    }

    #[test]
    fn responses_of_proxies_are_read() {
        let cases: [(&[u8], Response); 6] = [
            (b"HTTP/1.1 200 OK\r\n\r\n", response(200, "OK")),
            (b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n", {
                Response::new(Status::OK)
            }),
            (b"HTTP/1.1 200 \r\n\r\n", response(200, "")),
            (b"HTTP/1.1 200\r\nX-Odd : a\r\n folded\r\n\r\n", response(200, "")),
            (b"HTTP/1.1 407 No\nA: b\n\n", response(407, "No")),
            (b"HTTP/1.1 403 gesperrt \xff\r\n\r\n", response(403, "gesperrt \u{fffd}")),
        ];
        for (bytes, response) in cases {
            laws::is_read(bytes, &response, Response::parse);
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let cases: [(&[u8], Fault); 7] = [
            (b"HTTP/2.0 200 OK\r\n\r\n", Fault::Version),
            (b"ICY 200 OK\r\n\r\n", Fault::Malformed),
            (b"HTTP/1.1 20 OK\r\n\r\n", Fault::Malformed),
            (b"HTTP/1.1 +20 OK\r\n\r\n", Fault::Malformed),
            (b"HTTP/1.1 099 OK\r\n\r\n", Fault::Malformed),
            (b"HTTP/1.1 2000 OK\r\n\r\n", Fault::Malformed),
            (b"\r\n", Fault::Malformed),
        ];
        for (bytes, fault) in cases {
            assert_eq!(Response::parse(bytes), Err(fault), "{:?}", str::from_utf8(bytes));
        }
    }

    #[test]
    fn a_response_is_written_as_the_rfc_has_it() {
        let bytes = Response::new(Status::OK).encode("", "not sent");
        assert_eq!(bytes, b"HTTP/1.1 200 Connection established\r\n\r\n");
        let bytes = Response::new(Status::FORBIDDEN).encode("A: b\r\n", "no\n");
        assert_eq!(
            str::from_utf8(&bytes),
            Ok("HTTP/1.1 403 Forbidden\r\nA: b\r\nContent-Type: text/plain; charset=utf-8\r\n\
                Content-Length: 3\r\nConnection: close\r\n\r\nno\n"),
        );
    }

    proptest! {
        #[test]
        fn a_response_is_read_back(number in 100_u16..1000, reason in "([!-~]([ -~]*[!-~])?)?") {
            let response = response(number, &reason);
            let bytes = response.encode("", "");
            laws::is_read(&bytes, &response, Response::parse);
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(
            head in "(HTTP/1.1 (200|403 x\r\n))?",
            bytes in vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n')], 0..200),
        ) {
            laws::is_steady(&[head.as_bytes(), &bytes].concat(), Response::parse);
        }
    }
}
