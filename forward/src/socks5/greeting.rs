//! How a client and a proxy agree on a login.

use nom::Parser;
use nom::combinator::verify;
use nom::multi::length_data;
use nom::number::streaming::be_u8;
use nom::sequence::preceded;

use crate::prefix::{self, Parsed};
use crate::socks5::fault::Fault;

/// The first byte of all messages but those of the login.
pub const VERSION: u8 = 5;

/// A way to log in, [RFC 1928 section 3](https://www.rfc-editor.org/rfc/rfc1928#section-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method(
    /// The number of the method.
    pub u8,
);

impl Method {
    /// No login.
    pub const OPEN: Self = Self(0);
    /// By user and password.
    pub const PASSWORD: Self = Self(2);
    /// None that was offered is good enough.
    pub const UNACCEPTABLE: Self = Self(0xff);
}

/// The ways to log in that a client offers,
/// [RFC 1928 section 3](https://www.rfc-editor.org/rfc/rfc1928#section-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The methods, in no order. Beyond the first 255 they are not sent.
    pub methods: Vec<Method>,
}

impl Greeting {
    /// Reads a greeting.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where this is not SOCKS5.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        prefix::parse(input, |input| {
            let (input, methods) = preceded(version, length_data(be_u8)).parse(input)?;
            Ok((input, Self { methods: methods.iter().copied().map(Method).collect() }))
        })
    }

    /// Its wire form.
    pub fn encode(&self) -> Vec<u8> {
        let count = u8::try_from(self.methods.len()).unwrap_or(u8::MAX);
        let methods = self.methods.iter().take(count.into()).map(|method| method.0);
        [VERSION, count].into_iter().chain(methods).collect()
    }
}

/// The way to log in that the proxy wants,
/// [RFC 1928 section 3](https://www.rfc-editor.org/rfc/rfc1928#section-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice(
    /// One of those offered, or [`Method::UNACCEPTABLE`].
    pub Method,
);

impl Choice {
    /// Reads a choice.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where this is not SOCKS5.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        prefix::parse(input, preceded(version, be_u8.map(|method| Self(Method(method)))))
    }

    /// Its wire form.
    pub fn encode(self) -> [u8; 2] {
        [VERSION, self.0.0]
    }
}

/// The version at the front of a message.
pub(super) fn version(input: &[u8]) -> Parsed<'_, u8, Fault> {
    verify(be_u8, |version| *version == VERSION).parse(input)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::prefix::laws;

    #[test]
    fn a_greeting_and_a_choice_are_those_of_the_rfc() {
        let greeting = Greeting { methods: vec![Method::OPEN, Method(1), Method::PASSWORD] };
        assert_eq!(greeting.encode(), [5, 3, 0, 1, 2]);
        assert_eq!(Choice(Method::PASSWORD).encode(), [5, 2]);
        assert_eq!(Choice(Method::UNACCEPTABLE).encode(), [5, 0xff]);
    }

    #[test]
    fn another_version_is_an_error_at_once() {
        assert_eq!(Greeting::parse(&[4]), Err(Fault::Malformed));
        assert_eq!(Choice::parse(&[0]), Err(Fault::Malformed));
    }

    proptest! {
        #[test]
        fn a_greeting_is_read_back(methods in vec(any::<u8>().prop_map(Method), 0..=255)) {
            let greeting = Greeting { methods };
            laws::is_read(&greeting.encode(), &greeting, Greeting::parse);
        }

        #[test]
        fn a_choice_is_read_back(method in any::<u8>()) {
            let choice = Choice(Method(method));
            laws::is_read(&choice.encode(), &choice, Choice::parse);
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(version in 0_u8..8, bytes in vec(any::<u8>(), 0..300)) {
            let bytes = [&[version], &bytes[..]].concat();
            laws::is_steady(&bytes, Greeting::parse);
            laws::is_steady(&bytes, Choice::parse);
        }
    }
}
