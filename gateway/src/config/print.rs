//! Keys by their fingerprints.

use std::str::FromStr;

use adit_transport::public_key::PublicKey;

/// The base64 form of a SHA-256 hash without its padding.
const LENGTH: usize = 43;

/// The fingerprint of a key, written as `SHA256:...` or as the public key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print(pub String);

impl FromStr for Print {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some(hash) = text.strip_prefix("SHA256:") {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            let whole = hash.len() == LENGTH && hash.bytes().all(known);
            return if whole { Ok(Self(text.to_owned())) } else { Err(Invalid) };
        }
        let (key, _comment) = PublicKey::parse(text).map_err(|_| Invalid)?;
        Ok(Self(key.fingerprint().to_string()))
    }
}

/// Text means no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a fingerprint as `ssh-keygen -l` shows it, `SHA256:...`, or a public key")]
pub struct Invalid;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../../transport/testdata/keys/ed25519.pub");

    #[test]
    fn a_key_is_its_fingerprint() {
        let print = "SHA256:QAkBiv1T8vhJzi37PFJWzv0SeZLsDDUS8Yh24zqggQw";
        assert_eq!(KEY.trim_end().parse(), Ok(Print(print.to_owned())));
        assert_eq!(print.parse(), Ok(Print(print.to_owned())));
        let long = format!("{print}=");
        for text in ["", "SHA256:", "SHA256:x", &long, "MD5:00:11", "ssh-ed25519", "key"] {
            assert_eq!(text.parse::<Print>(), Err(Invalid), "{text}");
        }
    }
}
