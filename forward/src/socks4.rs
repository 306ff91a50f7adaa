//! The messages of SOCKS version 4
//! ([SOCKS](https://www.openssh.com/txt/socks4.protocol)) and its extension 4a
//! ([SOCKS 4A](https://www.openssh.com/txt/socks4a.protocol)), by which names reach the proxy
//! unresolved.
//!
//! ```text
//!  client                                           proxy
//!    Request: command, port, address, user [, name]  -->
//!                                                   <--  Reply
//!    =============== bytes of the tunnel ===============
//! ```

use std::net::Ipv4Addr;

use nom::combinator::{map_res, verify};
use nom::number::streaming::{be_u8, be_u16, be_u32};
use nom::sequence::terminated;
use nom::{Err, Needed, Parser, bytes::streaming::take};

use crate::host;
use crate::prefix::{self, Parsed, fail};

/// The first byte of a request.
pub const VERSION: u8 = 4;

/// Longest user id, in bytes. The protocol sets no limit.
const LONGEST_USER: usize = 255;

/// What a client asks for.
///
/// The user id that comes with it is not kept: nothing vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub command: Command,
    /// An IPv4 address, or with 4a a name.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Connect to the host.
    Connect,
    /// Wait for a connection from the host.
    Bind,
}

impl Request {
    /// Reads a request from what has come so far; yields it and how many bytes it took, or
    /// nothing where more has to come first. What is behind it belongs to the tunnel.
    ///
    /// # Errors
    /// [`Fault`], where no more bytes can make it right.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        prefix::parse(input, request)
    }
}

fn request(input: &[u8]) -> Parsed<'_, Request, Fault> {
    let (input, _) = verify(be_u8, |version| *version == VERSION).parse(input)?;
    let (input, command) = map_res(be_u8, Command::try_from).parse(input)?;
    let (input, port) = be_u16(input)?;
    let (input, address) = be_u32(input)?;
    let (input, _) = string(input, LONGEST_USER, Fault::User)?;
    // 4a: an address of the form 0.0.0.x, which no host has, says that a name follows.
    if !(1..=255).contains(&address) {
        let host = Ipv4Addr::from_bits(address).to_string();
        return Ok((input, Request { command, host, port }));
    }
    let (input, name) = string(input, host::LONGEST, Fault::Name)?;
    match str::from_utf8(name) {
        Ok(name) if host::is_valid(name) => {
            Ok((input, Request { command, host: name.to_owned(), port }))
        }
        _ => fail(Fault::Name),
    }
}

/// A string that ends with a zero byte.
fn string(input: &[u8], longest: usize, too_long: Fault) -> Parsed<'_, &[u8], Fault> {
    match input.iter().take(longest.saturating_add(1)).position(|byte| *byte == 0) {
        Some(len) => terminated(take(len), be_u8).parse(input),
        None if input.len() > longest => fail(too_long),
        None => Err(Err::Incomplete(Needed::Unknown)),
    }
}

impl TryFrom<u8> for Command {
    type Error = Fault;

    fn try_from(code: u8) -> Result<Self, Fault> {
        match code {
            1 => Ok(Self::Connect),
            2 => Ok(Self::Bind),
            _ => Err(Fault::Command(code)),
        }
    }
}

/// What the proxy answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The target was reached.
    Granted,
    /// It was not; there is no way to say why.
    Rejected,
}

impl Reply {
    /// Its wire form. The address in it means nothing for CONNECT and is zero.
    pub fn encode(self) -> [u8; 8] {
        let code = match self {
            Self::Granted => 90,
            Self::Rejected => 91,
        };
        [0, code, 0, 0, 0, 0, 0, 0]
    }
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is none.
    #[error("this is no SOCKS4 request")]
    Malformed,
    /// There is no such command.
    #[error("there is no SOCKS4 command {0}")]
    Command(u8),
    /// The user id is longer than 255 bytes.
    #[error("the user id of a SOCKS4 request is longer than {LONGEST_USER} bytes")]
    User,
    /// The name cannot name a host.
    #[error("the name in a SOCKS4 request names no host")]
    Name,
}

impl prefix::Fault for Fault {
    const MALFORMED: Self = Self::Malformed;
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::prefix::laws;

    fn to(host: &str, port: u16) -> Request {
        Request { command: Command::Connect, host: host.to_owned(), port }
    }

    #[test]
    fn an_address_is_read() {
        let bytes = b"\x04\x01\x00\x50\xc0\x00\x02\x01Fred\x00";
        laws::is_read(bytes, &to("192.0.2.1", 80), Request::parse);
        let bytes = b"\x04\x02\x01\xbb\x00\x00\x00\x00\x00";
        let bind = Request { command: Command::Bind, ..to("0.0.0.0", 443) };
        laws::is_read(bytes, &bind, Request::parse);
    }

    #[test]
    fn a_name_is_read_and_not_resolved() {
        let bytes = b"\x04\x01\x14\xe9\x00\x00\x00\x01me\x00db.example\x00";
        laws::is_read(bytes, &to("db.example", 5353), Request::parse);
        let bytes = b"\x04\x01\x00\x16\x00\x00\x00\xff\x00::1\x00";
        laws::is_read(bytes, &to("::1", 22), Request::parse);
    }

    #[test]
    fn what_is_longer_than_allowed_is_an_error_before_all_of_it_came() {
        let long = |len: usize| vec![b'x'; len];
        let request = |address: &[u8], user: usize, name: usize| {
            [&b"\x04\x01\x00\x50"[..], address, &long(user), b"\0", &long(name), b"\0"].concat()
        };
        let (ip, is_4a) = (&[10, 0, 0, 1], &[0, 0, 0, 7]);
        assert!(Request::parse(&request(ip, 255, 0)).unwrap().is_some());
        assert_eq!(Request::parse(&request(ip, 256, 0)[..264]), Err(Fault::User));
        assert!(Request::parse(&request(is_4a, 255, 255)).unwrap().is_some());
        assert_eq!(Request::parse(&request(is_4a, 0, 256)[..265]), Err(Fault::Name));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let cases: [(&[u8], Fault); 6] = [
            (b"\x05", Fault::Malformed),
            (b"\x04\x00", Fault::Command(0)),
            (b"\x04\x03", Fault::Command(3)),
            (b"\x04\x01\x00\x50\x00\x00\x00\x01\x00\x00", Fault::Name),
            (b"\x04\x01\x00\x50\x00\x00\x00\x01\x00a b\x00", Fault::Name),
            (b"\x04\x01\x00\x50\x00\x00\x00\x01\x00\xff\x00", Fault::Name),
        ];
        for (bytes, fault) in cases {
            assert_eq!(Request::parse(bytes), Err(fault), "{bytes:?}");
        }
    }

    #[test]
    fn replies_are_those_of_the_protocol() {
        assert_eq!(Reply::Granted.encode(), [0, 90, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Reply::Rejected.encode(), [0, 91, 0, 0, 0, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_no_harm(
            head in prop_oneof![Just(vec![]), Just(vec![4, 1]), Just(vec![4, 1, 0, 1, 0, 0, 0, 1])],
            bytes in vec(prop_oneof![any::<u8>(), Just(0), Just(b'a')], 0..600),
        ) {
            laws::is_steady(&[head, bytes].concat(), Request::parse);
        }
    }
}
