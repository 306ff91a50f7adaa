//! The login by user and password in a field.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::connect::fault::Fault;
use crate::credentials::Credentials;

const SCHEME: &str = "Basic";

/// Reads the value of such a field: [RFC 7617 section
/// 2](https://www.rfc-editor.org/rfc/rfc7617#section-2). Of other schemes, and of what is none,
/// it makes nothing.
pub(super) fn parse(value: &[u8]) -> Option<Credentials> {
    let (scheme, token) = str::from_utf8(value).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    let decoded = Zeroizing::new(Base64::decode_vec(token.trim()).ok()?);
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, rest) = decoded.split_at_checked(colon)?;
    Some(Credentials::new(user, rest.get(1..)?))
}

/// Writes the value of such a field.
///
/// # Errors
/// [`Fault::User`] where the user has a colon.
pub(super) fn encode(credentials: &Credentials) -> Result<Zeroizing<String>, Fault> {
    let (user, password) = (credentials.user(), credentials.password());
    if user.contains(&b':') {
        return Err(Fault::User);
    }
    let plain = Zeroizing::new([user, b":", password].concat());
    let token = Zeroizing::new(Base64::encode_string(&plain));
    Ok(Zeroizing::new([SCHEME, " ", &token].concat()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_read_and_written() {
        let (value, aladdin) =
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Credentials::new("Aladdin", "open sesame"));
        assert_eq!(parse(value.as_bytes()), Some(aladdin.clone()));
        assert_eq!(encode(&aladdin).unwrap().as_str(), value);
        assert_eq!(parse(b"bASIC  QWxhZGRpbjpvcGVuIHNlc2FtZQ== "), Some(aladdin));
    }

    #[test]
    fn what_is_no_login_is_none() {
        for value in ["", "Basic", "Basic ", "Basic !", "Basic YQ==", "Bearer YTpi", "Basic YTpi="]
        {
            assert_eq!(parse(value.as_bytes()), None, "{value}");
        }
        assert_eq!(encode(&Credentials::new("a:b", "c")), Err(Fault::User));
    }

    proptest! {
        #[test]
        fn a_login_is_read_back(
            user in vec(any::<u8>().prop_filter("no colon", |byte| *byte != b':'), 0..40),
            password in vec(any::<u8>(), 0..40),
        ) {
            let credentials = Credentials::new(user, password);
            let value = encode(&credentials).unwrap();
            prop_assert_eq!(parse(value.as_bytes()), Some(credentials));
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(value in vec(any::<u8>(), 0..60)) {
            parse(&value);
            parse(&[b"Basic ", &value[..]].concat());
        }
    }
}
