//! What a client asks a proxy for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nom::Parser;
use nom::combinator::map_res;
use nom::multi::length_data;
use nom::number::streaming::{be_u8, be_u16, be_u32, be_u128};
use nom::sequence::preceded;

use crate::host;
use crate::prefix::{self, Parsed, fail};
use crate::socks5::fault::Fault;
use crate::socks5::greeting::{VERSION, version};

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// What a client asks for,
/// [RFC 1928 section 4](https://www.rfc-editor.org/rfc/rfc1928#section-4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub command: Command,
    /// A name, or an address, which travels as such.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What is to be done,
/// [RFC 1928 section 4](https://www.rfc-editor.org/rfc/rfc1928#section-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Connect to the host.
    Connect,
    /// Wait for a connection from the host.
    Bind,
    /// Carry datagrams; the host is where the client sends them from.
    UdpAssociate,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Fault`], where no more bytes can make it right.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        prefix::parse(input, |input| {
            let (input, _) = version(input)?;
            let (input, command) = map_res(be_u8, Command::try_from).parse(input)?;
            let (input, host) = preceded(be_u8, host).parse(input)?;
            let (input, port) = be_u16(input)?;
            Ok((input, Self { command, host, port }))
        })
    }

    /// Its wire form.
    ///
    /// # Errors
    /// [`Fault::Name`] where the host is none.
    pub fn encode(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![VERSION, self.command.code(), 0];
        match self.host.parse() {
            Ok(IpAddr::V4(address)) => {
                bytes.push(IPV4);
                bytes.extend(address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                bytes.push(IPV6);
                bytes.extend(address.octets());
            }
            Err(_) if host::is_valid(&self.host) => {
                bytes.push(NAME);
                bytes.push(u8::try_from(self.host.len()).map_err(|_| Fault::Name)?);
                bytes.extend(self.host.as_bytes());
            }
            Err(_) => return Err(Fault::Name),
        }
        bytes.extend(self.port.to_be_bytes());
        Ok(bytes)
    }
}

fn host(input: &[u8]) -> Parsed<'_, String, Fault> {
    let (input, kind) = be_u8(input)?;
    match kind {
        IPV4 => be_u32.map(|bits| Ipv4Addr::from_bits(bits).to_string()).parse(input),
        IPV6 => be_u128.map(|bits| Ipv6Addr::from_bits(bits).to_string()).parse(input),
        NAME => map_res(length_data(be_u8), name).parse(input),
        _ => fail(Fault::AddressType(kind)),
    }
}

fn name(bytes: &[u8]) -> Result<String, Fault> {
    let text = str::from_utf8(bytes).map_err(|_| Fault::Name)?;
    if host::is_valid(text) { Ok(text.to_owned()) } else { Err(Fault::Name) }
}

/// An address that a reply carries and nobody needs. Its name may be empty there.
pub(super) fn address(input: &[u8]) -> Parsed<'_, (), Fault> {
    let (input, kind) = be_u8(input)?;
    let (input, ()) = match kind {
        IPV4 => be_u32.map(drop).parse(input),
        IPV6 => be_u128.map(drop).parse(input),
        NAME => length_data(be_u8).map(drop).parse(input),
        _ => fail(Fault::AddressType(kind)),
    }?;
    be_u16.map(drop).parse(input)
}

impl Command {
    fn code(self) -> u8 {
        match self {
            Self::Connect => 1,
            Self::Bind => 2,
            Self::UdpAssociate => 3,
        }
    }
}

impl TryFrom<u8> for Command {
    type Error = Fault;

    fn try_from(code: u8) -> Result<Self, Fault> {
        [Self::Connect, Self::Bind, Self::UdpAssociate]
            .into_iter()
            .find(|command| command.code() == code)
            .ok_or(Fault::Command(code))
    }
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
    fn requests_are_those_of_the_rfc() {
        let cases: [(Request, &[u8]); 4] = [
            (to("192.0.2.1", 80), b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"),
            (to("db.example", 5432), b"\x05\x01\x00\x03\x0adb.example\x15\x38"),
            (
                to("2001:db8::1", 443),
                b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb",
            ),
            (
                Request { command: Command::UdpAssociate, ..to("0.0.0.0", 0) },
                b"\x05\x03\x00\x01\0\0\0\0\0\0",
            ),
        ];
        for (request, bytes) in cases {
            assert_eq!(request.encode().unwrap(), bytes);
            laws::is_read(bytes, &request, Request::parse);
        }
    }

    #[test]
    fn an_address_may_also_come_as_a_name() {
        let bytes = b"\x05\x01\x00\x03\x03::1\x00\x16";
        laws::is_read(bytes, &to("::1", 22), Request::parse);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let cases: [(&[u8], Fault); 7] = [
            (b"\x04", Fault::Malformed),
            (b"\x05\x00", Fault::Command(0)),
            (b"\x05\x04", Fault::Command(4)),
            (b"\x05\x01\x00\x02", Fault::AddressType(2)),
            (b"\x05\x01\x00\x03\x00", Fault::Name),
            (b"\x05\x01\x00\x03\x03a b", Fault::Name),
            (b"\x05\x01\x00\x03\x01\xff", Fault::Name),
        ];
        for (bytes, fault) in cases {
            assert_eq!(Request::parse(bytes), Err(fault), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_not_sent() {
        for host in ["", "a b", "a\r\n", &"x".repeat(256)] {
            assert_eq!(to(host, 1).encode(), Err(Fault::Name), "{host:?}");
        }
    }

    fn a_host() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9._-]{1,255}",
            any::<Ipv4Addr>().prop_map(|address| address.to_string()),
            any::<Ipv6Addr>().prop_map(|address| address.to_string()),
        ]
    }

    proptest! {
        #[test]
        fn a_request_is_read_back(host in a_host(), port in any::<u16>(), code in 1_u8..=3) {
            let request = Request { command: Command::try_from(code).unwrap(), host, port };
            laws::is_read(&request.encode().unwrap(), &request, Request::parse);
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(
            head in prop_oneof![Just(vec![]), Just(vec![5, 1, 0]), Just(vec![5, 1, 0, 3])],
            bytes in vec(any::<u8>(), 0..300),
        ) {
            laws::is_steady(&[head, bytes].concat(), Request::parse);
        }
    }
}
