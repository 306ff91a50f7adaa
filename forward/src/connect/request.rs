//! What a client asks for.

use nom::Parser;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::line_ending;
use nom::sequence::terminated;
use zeroize::Zeroizing;

use crate::connect::fault::Fault;
use crate::connect::{authority, authorization, head};
use crate::credentials::Credentials;
use crate::prefix::Parsed;

/// Where the credentials stand: [RFC 9110 section
/// 11.7.2](https://www.rfc-editor.org/rfc/rfc9110#section-11.7.2).
const AUTHORIZATION: &str = "Proxy-Authorization";

/// A request for a tunnel,
/// [RFC 9110 section 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// A name, or an address; an IPv6 address has no brackets here.
    pub host: String,
    /// The port, which is not zero.
    pub port: u16,
    /// Who asks, where the client says so in the way of
    /// [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617).
    pub credentials: Option<Credentials>,
}

impl Request {
    /// Reads the head of a request.
    ///
    /// # Errors
    /// [`Fault`], where no more bytes can make it right.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        let Some((lines, used)) = head::split(input)? else { return Ok(None) };
        let parser = (first_line, head::field(AUTHORIZATION));
        let ((method, target, is_http_1), authorization) = head::parse(lines, parser)?;
        if !is_http_1 {
            return Err(Fault::Version);
        }
        if method != b"CONNECT" {
            return Err(Fault::Method);
        }
        let (host, port) = authority::parse(target).ok_or(Fault::Authority)?;
        let credentials = authorization.and_then(authorization::parse);
        Ok(Some((Self { host, port, credentials }, used)))
    }

    /// Its wire form, which holds the password.
    ///
    /// # Errors
    /// [`Fault::Authority`] where the host cannot stand in a request, [`Fault::User`] where the
    /// user cannot.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let place = authority::encode(&self.host, self.port).ok_or(Fault::Authority)?;
        let request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
        let Some(credentials) = &self.credentials else {
            return Ok(Zeroizing::new([&request, "\r\n"].concat().into_bytes()));
        };
        let value = authorization::encode(credentials)?;
        let parts = [&request, AUTHORIZATION, ": ", &value, "\r\n\r\n"];
        Ok(Zeroizing::new(parts.concat().into_bytes()))
    }
}

/// Method, target, and whether the version is HTTP/1.
fn first_line(input: &[u8]) -> Parsed<'_, (&[u8], &[u8], bool), Fault> {
    let space = || tag(&b" "[..]);
    let target = take_while1(|byte: u8| byte > b' ' && byte != 0x7f);
    let version = terminated(head::version, line_ending);
    (terminated(head::token, space()), terminated(target, space()), version).parse(input)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::connect::fault::LONGEST;
    use crate::prefix::laws;

    fn to(host: &str, port: u16) -> Request {
        Request { host: host.to_owned(), port, credentials: None }
    }

    #[test]
    fn requests_of_programs_are_read() {
        let curl = b"CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\
                     User-Agent: curl/7.88.1\r\nProxy-Connection: Keep-Alive\r\n\r\n";
        laws::is_read(curl, &to("db.example", 5432), Request::parse);
        let old = b"CONNECT 192.0.2.1:443 HTTP/1.0\n\n";
        laws::is_read(old, &to("192.0.2.1", 443), Request::parse);
        let v6 = b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n";
        laws::is_read(v6, &to("2001:db8::1", 443), Request::parse);
        let login = b"CONNECT h:1 HTTP/1.1\r\nproxy-authorization: Basic YTpi\r\n\r\n";
        let request = Request { credentials: Some(Credentials::new("a", "b")), ..to("h", 1) };
        laws::is_read(login, &request, Request::parse);
        let other = b"CONNECT h:1 HTTP/1.1\r\nProxy-Authorization: Bearer YTpi\r\n\r\n";
        laws::is_read(other, &to("h", 1), Request::parse);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let cases: [(&[u8], Fault); 14] = [
            (b"GET http://h/ HTTP/1.1\r\n\r\n", Fault::Method),
            (b"connect h:80 HTTP/1.1\r\n\r\n", Fault::Method),
            (b"PRI * HTTP/2.0\r\n\r\n", Fault::Version),
            (b"CONNECT h HTTP/1.1\r\n\r\n", Fault::Authority),
            (b"CONNECT h:0 HTTP/1.1\r\n\r\n", Fault::Authority),
            (b"CONNECT /x:80 HTTP/1.1\r\n\r\n", Fault::Authority),
            (b"CONNECT h:80\r\n\r\n", Fault::Malformed),
            (b"CONNECT  h:80 HTTP/1.1\r\n\r\n", Fault::Malformed),
            (b"CONNECT h:80 HTTP/1.1 \r\n\r\n", Fault::Malformed),
            (b"CONNECT h:80 HTTP/1\r\n\r\n", Fault::Malformed),
            (b"CONNECT h:80 HTTP/1.1\r\n\r\r\n\r\n", Fault::Malformed),
            (b"CONNECT h:80 HTTP/1.1\r\nnonsense\r\n\r\n", Fault::Malformed),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Fault::Malformed),
            (b"\r\n", Fault::Malformed),
        ];
        for (bytes, fault) in cases {
            assert_eq!(Request::parse(bytes), Err(fault), "{:?}", str::from_utf8(bytes));
        }
        assert_eq!(Request::parse(&[b'C'; LONGEST]), Err(Fault::TooLong));
    }

    #[test]
    fn what_would_be_two_logins_is_an_error() {
        let twice = b"CONNECT h:1 HTTP/1.1\r\nProxy-Authorization: Basic YTpi\r\n\
                      PROXY-AUTHORIZATION: Basic YTpi\r\n\r\n";
        assert_eq!(Request::parse(twice), Err(Fault::Malformed));
    }

    #[test]
    fn a_request_is_written_as_the_rfc_has_it() {
        let request = Request { credentials: Some(Credentials::new("a", "b")), ..to("::1", 22) };
        assert_eq!(
            str::from_utf8(&request.encode().unwrap()),
            Ok("CONNECT [::1]:22 HTTP/1.1\r\nHost: [::1]:22\r\n\
                Proxy-Authorization: Basic YTpi\r\n\r\n"),
        );
        assert_eq!(to("a\r\nb", 1).encode(), Err(Fault::Authority));
    }

    fn a_host() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9._~-]{1,255}",
            any::<Ipv4Addr>().prop_map(|address| address.to_string()),
            any::<Ipv6Addr>().prop_map(|address| address.to_string()),
        ]
    }

    fn some_credentials() -> impl Strategy<Value = Option<Credentials>> {
        let password = vec(any::<u8>(), 0..100);
        prop_oneof![
            Just(None),
            ("[^:]{0,50}", password).prop_map(|(user, it)| Some(Credentials::new(user, it))),
        ]
    }

    proptest! {
        #[test]
        fn a_request_is_read_back(
            host in a_host(),
            port in 1..=u16::MAX,
            credentials in some_credentials(),
        ) {
            let request = Request { host, port, credentials };
            laws::is_read(&request.encode().unwrap(), &request, Request::parse);
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
            laws::is_steady(&bytes, Request::parse);
        }

        #[test]
        fn near_misses_do_no_harm(
            first in "(CONNECT|GET) [a-z:0-9\\[\\]]{0,9} HTTP/1.1",
            rest in "(\r?\n|A|:| |\0|Proxy-Authorization: Basic|YTpi){0,12}",
        ) {
            laws::is_steady(format!("{first}{rest}\r\n\r\n").as_bytes(), Request::parse);
        }
    }
}
