//! What a proxy answers to a request.

use std::fmt;

use nom::Parser;
use nom::number::streaming::be_u8;
use nom::sequence::preceded;

use crate::prefix;
use crate::refusal::Refusal;
use crate::socks5::fault::Fault;
use crate::socks5::greeting::{VERSION, version};
use crate::socks5::request::address;

/// What a proxy answers to a request,
/// [RFC 1928 section 6](https://www.rfc-editor.org/rfc/rfc1928#section-6).
///
/// The address that comes with it means nothing to those who only want to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply(
    /// The number of the answer.
    pub u8,
);

impl Reply {
    /// The target was reached.
    pub const SUCCEEDED: Self = Self(0);
    /// It was not, for a cause that has no number.
    pub const FAILURE: Self = Self(1);
    /// A rule of the proxy forbids it.
    pub const NOT_ALLOWED: Self = Self(2);
    /// No way leads to its network.
    pub const NETWORK_UNREACHABLE: Self = Self(3);
    /// The host cannot be reached, or there is none of that name.
    pub const HOST_UNREACHABLE: Self = Self(4);
    /// The target refused.
    pub const REFUSED: Self = Self(5);
    /// A time to live is over. As other proxies do, this one says so where the target did not
    /// answer in time, so that this can be told from the rest.
    pub const EXPIRED: Self = Self(6);
    /// The proxy does not know the command.
    pub const COMMAND: Self = Self(7);
    /// The proxy does not know the type of address.
    pub const ADDRESS_TYPE: Self = Self(8);

    /// Reads a reply. One that is no success is whole with its number: the client ends there,
    /// and some proxies send no more.
    ///
    /// # Errors
    /// [`Fault`], where no more bytes can make it right.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        prefix::parse(input, |input| {
            let (input, reply) = preceded(version, be_u8.map(Self)).parse(input)?;
            if reply != Self::SUCCEEDED {
                return Ok((input, reply));
            }
            let (input, ()) = preceded(be_u8, address).parse(input)?;
            Ok((input, reply))
        })
    }

    /// Its wire form. The address is zero, as it is not known what the far end uses.
    pub fn encode(self) -> [u8; 10] {
        [VERSION, self.0, 0, 1, 0, 0, 0, 0, 0, 0]
    }
}

/// The words of the RFC.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::SUCCEEDED => "succeeded",
            Self::FAILURE => "general failure",
            Self::NOT_ALLOWED => "connection not allowed by its rules",
            Self::NETWORK_UNREACHABLE => "network unreachable",
            Self::HOST_UNREACHABLE => "host unreachable",
            Self::REFUSED => "connection refused",
            Self::EXPIRED => "time to live expired",
            Self::COMMAND => "command not supported",
            Self::ADDRESS_TYPE => "address type not supported",
            Self(_) => "a failure without a name",
        })
    }
}

impl From<&Refusal> for Reply {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Refused => Self::REFUSED,
            Refusal::Unreachable | Refusal::NameNotFound => Self::HOST_UNREACHABLE,
            Refusal::NetworkUnreachable => Self::NETWORK_UNREACHABLE,
            Refusal::NotAllowed | Refusal::Prohibited(_) => Self::NOT_ALLOWED,
            Refusal::TimedOut => Self::EXPIRED,
            Refusal::ResourceShortage | Refusal::Other(_) => Self::FAILURE,
        }
    }
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Command(_) => Self::COMMAND,
            Fault::AddressType(_) => Self::ADDRESS_TYPE,
            Fault::Name => Self::HOST_UNREACHABLE,
            Fault::Malformed | Fault::Login => Self::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::prefix::laws;

    #[test]
    fn a_success_is_read_to_the_end_of_its_address() {
        assert_eq!(Reply::SUCCEEDED.encode(), [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let addresses: [&[u8]; 4] = [
            &[1, 192, 0, 2, 1, 0x1f, 0x90],
            &[3, 4, b'h', b'o', b's', b't', 0, 80],
            &[3, 0, 0, 0],
            &[4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80],
        ];
        for address in addresses {
            let bytes = [&[5, 0, 0], address].concat();
            laws::is_read(&bytes, &Reply::SUCCEEDED, Reply::parse);
        }
    }

    #[test]
    fn a_refusal_is_whole_with_its_number() {
        for code in 1..=255 {
            assert_eq!(Reply(code).encode(), [5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
            laws::is_read(&[5, code], &Reply(code), Reply::parse);
        }
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        assert_eq!(Reply::parse(b"HTTP/1.1"), Err(Fault::Malformed));
        assert_eq!(Reply::parse(&[5, 0, 0, 2]), Err(Fault::AddressType(2)));
    }

    #[test]
    fn every_refusal_has_its_number() {
        let cases = [
            (Refusal::Other("x".to_owned()), 1),
            (Refusal::ResourceShortage, 1),
            (Refusal::NotAllowed, 2),
            (Refusal::Prohibited("words".to_owned()), 2),
            (Refusal::NetworkUnreachable, 3),
            (Refusal::Unreachable, 4),
            (Refusal::NameNotFound, 4),
            (Refusal::Refused, 5),
            (Refusal::TimedOut, 6),
        ];
        for (refusal, code) in cases {
            assert_eq!(Reply::from(&refusal), Reply(code), "{refusal}");
        }
        for (fault, code) in
            [(Fault::Malformed, 1), (Fault::Command(9), 7), (Fault::AddressType(9), 8)]
        {
            assert_eq!(Reply::from(fault), Reply(code), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_no_harm(
            head in prop_oneof![Just(vec![]), Just(vec![5, 0, 0]), Just(vec![5, 0, 0, 3])],
            bytes in vec(any::<u8>(), 0..300),
        ) {
            laws::is_steady(&[head, bytes].concat(), Reply::parse);
        }
    }
}
