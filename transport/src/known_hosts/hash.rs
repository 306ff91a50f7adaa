//! Host names that are hashed, so that the file does not tell where one has been.

use std::fmt;

use adit_proto::provider::Failure;
use base64ct::{Base64, Encoding};
use ring::hmac;

use crate::known_hosts::host::Host;
use crate::provider::random;

/// What a hashed name begins with, and what stands between its parts.
const MAGIC: &str = "|1|";

const LEN: usize = 20;

/// The HMAC-SHA1 of a name, by a key of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hash {
    salt: [u8; LEN],
    hash: [u8; LEN],
}

impl Hash {
    /// The hash of a name with a fresh salt.
    pub(super) fn new(host: &Host) -> Result<Self, Failure> {
        let mut salt = [0; LEN];
        random::fill(&mut salt)?;
        let mut hash = [0; LEN];
        hash.copy_from_slice(hmac::sign(&key(&salt), host.as_str().as_bytes()).as_ref());
        Ok(Self { salt, hash })
    }

    /// Whether `names` is a hashed name, well-formed or not.
    pub(super) fn is(names: &str) -> bool {
        names.starts_with('|')
    }

    /// Parses `|1|salt|hash`.
    pub(super) fn parse(names: &str) -> Option<Self> {
        let (salt, hash) = names.strip_prefix(MAGIC)?.split_once('|')?;
        let part = |base64| Base64::decode_vec(base64).ok()?.try_into().ok();
        Some(Self { salt: part(salt)?, hash: part(hash)? })
    }

    /// Whether it is the hash of this name.
    pub(super) fn matches(&self, host: &Host) -> bool {
        hmac::verify(&key(&self.salt), host.as_str().as_bytes(), &self.hash).is_ok()
    }
}

fn key(salt: &[u8; LEN]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt)
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, hash] = [&self.salt, &self.hash].map(|part| Base64::encode_string(part));
        write!(f, "{MAGIC}{salt}|{hash}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By `ssh-keygen -H`.
    const EXAMPLE: &str = "|1|B3seXKmFumqJFGugk/eWliJRM8g=|RGAjFBv8znauLz1/BcTizvPAZJM=";

    #[test]
    fn a_name_hashed_by_openssh_matches() {
        let hash = Hash::parse(EXAMPLE).unwrap();
        assert!(hash.matches(&Host::new("Example.com", 22)));
        assert!(!hash.matches(&Host::new("example.com", 2222)));
        assert!(!hash.matches(&Host::new("example.org", 22)));
        assert_eq!(hash.to_string(), EXAMPLE);
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for names in [
            "",
            "|",
            "|1|",
            "|1||",
            "|2|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "|1|AAAAAAAAAAAAAAAAAAAAAAAAAA==|AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|",
            "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA=,other",
        ] {
            assert_eq!(Hash::parse(names), None, "{names}");
        }
    }

    #[test]
    fn the_same_name_is_never_hashed_alike() {
        let host = Host::new("example.com", 22);
        assert_ne!(Hash::new(&host).unwrap(), Hash::new(&host).unwrap());
    }

    proptest! {
        #[test]
        fn a_hash_matches_its_name_after_it_was_written(name in "[a-z0-9.:-]{1,40}", port in any::<u16>()) {
            let host = Host::new(&name, port);
            let hash = Hash::new(&host).unwrap();
            let read = Hash::parse(&hash.to_string());
            prop_assert!(read.is_some_and(|read| read.matches(&host)));
        }

        #[test]
        fn arbitrary_text_never_panics(names in "\\|1\\|.{0,60}") {
            let _ = Hash::parse(&names);
        }
    }
}
