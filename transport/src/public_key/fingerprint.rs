//! What people compare keys by.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64Unpadded, Encoding};
use ring::digest;

/// The SHA-256 hash of a public key, shown as OpenSSH does: `SHA256:` and base64 without padding.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; digest::SHA256_OUTPUT_LEN]);

impl Fingerprint {
    /// The fingerprint of a key in its wire form.
    pub fn of(key: &[u8]) -> Self {
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        hash.copy_from_slice(digest::digest(&digest::SHA256, key).as_ref());
        Self(hash)
    }

    /// The fingerprint with this hash.
    pub fn from_hash(hash: [u8; digest::SHA256_OUTPUT_LEN]) -> Self {
        Self(hash)
    }
}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// Parses `SHA256:` and base64, with or without padding.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let base64 = text.strip_prefix("SHA256:").ok_or(NoFingerprint)?;
        let hash = Base64Unpadded::decode_vec(base64.trim_end_matches('=')).ok();
        hash.and_then(|hash| hash.try_into().ok()).map(Self).ok_or(NoFingerprint)
    }
}

/// A text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no fingerprint: it begins with SHA256: and has 43 characters more")]
pub struct NoFingerprint;

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", Base64Unpadded::encode_string(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_shown() {
        let shown = Fingerprint::of(b"key").to_string();
        assert_eq!(shown.parse(), Ok(Fingerprint::of(b"key")));
        assert_eq!(format!("{shown}=").parse(), Ok(Fingerprint::of(b"key")));
        for bad in ["", "SHA256:", "MD5:00", &shown[7..], &shown[..20]] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(NoFingerprint), "{bad}");
        }
    }
}
