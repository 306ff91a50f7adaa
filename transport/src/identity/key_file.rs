//! The container of OpenSSH private keys,
//! [PROTOCOL.key](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key).
//!
//! ```text
//! "openssh-key-v1\0"
//! string  cipher             none where the key is not encrypted
//! string  kdf                none or bcrypt
//! string  kdf options        for bcrypt: string salt, uint32 rounds
//! uint32  number of keys     1
//! string  public key
//! string  private section    maybe encrypted; the cipher's tag follows, where it has one
//!   uint32   check, twice    equal where the passphrase was the right one
//!   ...      fields          the key's type, then its numbers
//!   string   comment
//!   byte[]   1, 2, 3, ...    up to a multiple of the cipher's block
//! ```
//!
//! It is read here and not by a crate for it: `ssh-key` 0.7.0-rc.11 refuses those ECDSA keys whose
//! number begins with a zero byte, one of 256.

use adit_proto::secret::Secret;
use adit_proto::wire::{self, Parsed, Put};
use bytes::Bytes;
use nom::Parser;
use nom::bytes::complete::tag;
use nom::combinator::verify;
use nom::sequence::preceded;

use crate::identity::encryption::Encryption;
use crate::identity::problem::Problem;
use crate::provider::random;
use crate::public_key::PublicKey;

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// What the length of a private section is a multiple of that is not encrypted.
const BLOCK: usize = 8;

/// A private key file that was read and, where it is encrypted, not yet decrypted.
#[derive(Debug)]
pub(super) struct KeyFile {
    public_key: PublicKey,
    encryption: Option<Encryption>,
    section: Secret,
}

impl KeyFile {
    /// Parses the container.
    pub(super) fn parse(input: &[u8]) -> Result<Self, Problem> {
        let (rest, header) = header(input).map_err(|_| Problem::Damaged)?;
        let encryption = match (header.cipher, header.kdf, rest) {
            ("none", "none", []) => None,
            ("none", ..) => return Err(Problem::Damaged),
            (cipher, kdf, tag) => Some(Encryption::parse(cipher, kdf, header.options, tag)?),
        };
        let public_key = PublicKey::from_wire(Bytes::copy_from_slice(header.public_key))
            .map_err(|_| Problem::Damaged)?;
        Ok(Self { public_key, encryption, section: Secret::from(header.section) })
    }

    /// The public key, which is readable without the passphrase.
    pub(super) fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Whether a passphrase is needed.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encryption.is_some()
    }

    /// The private section from its fields on. A file that is not encrypted needs no passphrase.
    pub(super) fn open(&self, passphrase: &Secret) -> Result<Secret, Problem> {
        let Some(encryption) = &self.encryption else {
            return checked(self.section.expose(), BLOCK)?.ok_or(Problem::Damaged);
        };
        let mut section = self.section.clone();
        if !section.len().is_multiple_of(encryption.block()) {
            return Err(Problem::Damaged);
        }
        encryption.decrypt(passphrase, section.expose_mut())?;
        checked(section.expose(), encryption.block())?.ok_or(Problem::WrongPassphrase)
    }
}

struct Header<'a> {
    cipher: &'a str,
    kdf: &'a str,
    options: &'a [u8],
    public_key: &'a [u8],
    section: &'a [u8],
}

fn header(input: &[u8]) -> Parsed<'_, Header<'_>> {
    let one = verify(wire::uint32, |number| *number == 1);
    let fields = (wire::utf8, wire::utf8, wire::string, preceded(one, wire::string), wire::string);
    preceded(tag(MAGIC), fields)
        .map(|(cipher, kdf, options, public_key, section)| Header {
            cipher,
            kdf,
            options,
            public_key,
            section,
        })
        .parse(input)
}

/// What follows the check in a plain private section; `None` where the check fails.
fn checked(section: &[u8], block: usize) -> Result<Option<Secret>, Problem> {
    let (rest, (one, two)) =
        (wire::uint32, wire::uint32).parse(section).map_err(|_| Problem::Damaged)?;
    if !section.len().is_multiple_of(block) {
        return Err(Problem::Damaged);
    }
    Ok((one == two).then(|| Secret::from(rest)))
}

/// Writes a file that is not encrypted, of a key with these fields.
pub(super) fn encode(
    public_key: &PublicKey,
    fields: &Secret,
    comment: &str,
) -> Result<Secret, Problem> {
    let section = section(fields, comment)?;
    let public_key = public_key.wire();
    // Room for all of it, so that no copy is left behind by growth.
    let mut out = Vec::with_capacity(MAGIC.len() + section.len() + public_key.len() + 64);
    out.put_raw(MAGIC);
    out.put_string(b"none");
    out.put_string(b"none");
    out.put_string(b"");
    out.put_uint32(1);
    out.put_string(public_key);
    out.put_string(section.expose());
    Ok(Secret::new(out))
}

fn section(fields: &Secret, comment: &str) -> Result<Secret, Problem> {
    let mut check = [0; 4];
    random::fill(&mut check).map_err(|_| Problem::Random)?;
    let mut section = Vec::with_capacity(fields.len() + comment.len() + 12 + BLOCK);
    section.put_raw(&check);
    section.put_raw(&check);
    section.put_raw(fields.expose());
    section.put_string(comment.as_bytes());
    let padding = section.len().next_multiple_of(BLOCK).saturating_sub(section.len());
    section.extend((1..=u8::MAX).take(padding));
    Ok(Secret::new(section))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn public_key() -> PublicKey {
        let mut wire = Vec::new();
        wire.put_string(b"ssh-new");
        PublicKey::from_wire(Bytes::from(wire)).unwrap()
    }

    fn file(fields: &[u8], comment: &str) -> Secret {
        encode(&public_key(), &Secret::from(fields), comment).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let parsed = KeyFile::parse(file(b"fields", "me").expose()).unwrap();
        assert_eq!(parsed.public_key(), &public_key());
        assert!(!parsed.is_encrypted());
        let section = parsed.open(&Secret::default()).unwrap();
        assert_eq!(section.expose(), b"fields\0\0\0\x02me\x01\x02\x03\x04");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = file(b"fields", "me");
        for len in 0..whole.len() {
            let result = KeyFile::parse(&whole.expose()[..len]);
            assert!(matches!(result, Err(Problem::Damaged)), "{len}");
        }
    }

    #[test]
    fn nothing_may_follow_a_file_without_a_tag() {
        let longer = [file(b"fields", "me").expose(), &[0]].concat();
        assert!(matches!(KeyFile::parse(&longer), Err(Problem::Damaged)));
    }

    #[test]
    fn a_file_with_two_keys_is_refused() {
        let mut two = file(b"fields", "me").expose().to_vec();
        // After the magic, two names and the empty options.
        assert_eq!(two[15 + 8 + 8 + 4..][..4], [0, 0, 0, 1]);
        two[15 + 8 + 8 + 4 + 3] = 2;
        assert!(matches!(KeyFile::parse(&two), Err(Problem::Damaged)));
    }

    #[test]
    fn sections_of_any_length_are_padded() {
        for len in 0..20 {
            let section = section(&Secret::from(&vec![7; len][..]), "").unwrap();
            assert!(section.len().is_multiple_of(BLOCK));
            assert!(section.len() < len + 12 + BLOCK);
        }
    }

    #[test]
    fn a_section_whose_check_fails_is_an_error() {
        let mut file = file(b"fields", "me");
        let at = file.len() - b"?fields????me1234".len();
        file.expose_mut()[at] ^= 1;
        let parsed = KeyFile::parse(file.expose()).unwrap();
        assert!(matches!(parsed.open(&Secret::default()), Err(Problem::Damaged)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
            let _ = KeyFile::parse(&bytes);
            if let Ok(file) = KeyFile::parse(&[MAGIC, &bytes].concat()) {
                let _ = file.open(&Secret::default());
            }
        }

        #[test]
        fn a_changed_byte_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = file(b"fields", "me").expose().to_vec();
            *at.get_mut(&mut bytes) = byte;
            if let Ok(file) = KeyFile::parse(&bytes) {
                let _ = file.open(&Secret::default());
            }
        }
    }
}
