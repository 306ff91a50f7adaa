//! The login by user and password.

use nom::Parser;
use nom::combinator::verify;
use nom::multi::length_data;
use nom::number::streaming::be_u8;
use nom::sequence::preceded;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::prefix::{self, Parsed};
use crate::socks5::fault::Fault;

/// The version of the login, which is not that of SOCKS.
const VERSION: u8 = 1;

/// The user and the password of a client,
/// [RFC 1929 section 2](https://www.rfc-editor.org/rfc/rfc1929#section-2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login(
    /// Neither is longer than 255 bytes.
    pub Credentials,
);

impl Login {
    /// Reads a login. Other than the RFC, it takes an empty user or password.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where it is none.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        prefix::parse(input, |input| {
            let (input, user) = preceded(version, length_data(be_u8)).parse(input)?;
            let (input, password) = length_data(be_u8).parse(input)?;
            Ok((input, Self(Credentials::new(user, password))))
        })
    }

    /// Its wire form, which holds the password.
    ///
    /// # Errors
    /// [`Fault::Login`] where the user is empty, or one of them has no room.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (user, password) = (self.0.user(), self.0.password());
        let length = |text: &[u8]| u8::try_from(text.len()).map_err(|_| Fault::Login);
        let parts = [&[VERSION, length(user)?], user, &[length(password)?], password];
        if user.is_empty() {
            return Err(Fault::Login);
        }
        Ok(Zeroizing::new(parts.concat()))
    }
}

/// What the proxy thinks of a login,
/// [RFC 1929 section 2](https://www.rfc-editor.org/rfc/rfc1929#section-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Right,
    /// It is not; the connection ends.
    Wrong,
}

impl Verdict {
    /// Reads a verdict.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where it is none.
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        let verdict = be_u8.map(|status| if status == 0 { Self::Right } else { Self::Wrong });
        prefix::parse(input, preceded(version, verdict))
    }

    /// Its wire form.
    pub fn encode(self) -> [u8; 2] {
        match self {
            Self::Right => [VERSION, 0],
            Self::Wrong => [VERSION, 1],
        }
    }
}

fn version(input: &[u8]) -> Parsed<'_, u8, Fault> {
    verify(be_u8, |version| *version == VERSION).parse(input)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::prefix::laws;

    #[test]
    fn a_login_and_a_verdict_are_those_of_the_rfc() {
        let login = Login(Credentials::new("ada", "pw"));
        assert_eq!(login.encode().unwrap().as_slice(), b"\x01\x03ada\x02pw");
        for verdict in [Verdict::Right, Verdict::Wrong] {
            laws::is_read(&verdict.encode(), &verdict, Verdict::parse);
        }
        assert_eq!(Verdict::parse(&[1, 77]), Ok(Some((Verdict::Wrong, 2))));
    }

    #[test]
    fn what_has_no_room_is_not_sent() {
        let long = "x".repeat(256);
        for (user, password) in [("", "pw"), (long.as_str(), "pw"), ("ada", long.as_str())] {
            assert_eq!(Login(Credentials::new(user, password)).encode(), Err(Fault::Login));
        }
    }

    #[test]
    fn another_version_is_an_error_at_once() {
        assert_eq!(Login::parse(&[5]), Err(Fault::Malformed));
        assert_eq!(Verdict::parse(&[5]), Err(Fault::Malformed));
    }

    proptest! {
        #[test]
        fn a_login_is_read_back(
            user in vec(any::<u8>(), 1..=255),
            password in vec(any::<u8>(), 0..=255),
        ) {
            let login = Login(Credentials::new(user, password));
            laws::is_read(&login.encode().unwrap(), &login, Login::parse);
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(version in 0_u8..3, bytes in vec(any::<u8>(), 0..600)) {
            let bytes = [&[version], &bytes[..]].concat();
            laws::is_steady(&bytes, Login::parse);
            laws::is_steady(&bytes, Verdict::parse);
        }
    }
}
