//! Public keys, as they travel and as they stand in files.

use std::fmt;

use adit_proto::wire;
use base64ct::{Base64, Encoding};
use bytes::Bytes;

pub use fingerprint::Fingerprint;
pub use material::Material;

pub mod fingerprint;
pub mod material;

/// A public key in its wire form: the name of its type, then what the type says
/// ([RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6)).
///
/// A key of a type that this crate knows is well formed; of another type, only the type's name is
/// known to be there. Keys are equal where their wire forms are. `Display` shows the key as it
/// stands in files, without a comment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey(Bytes);

impl PublicKey {
    /// Takes over a key in its wire form.
    ///
    /// # Errors
    /// [`Invalid::Malformed`].
    pub fn from_wire(blob: Bytes) -> Result<Self, Invalid> {
        match Material::parse(&blob) {
            Some(_) => Ok(Self(blob)),
            None => Err(Invalid::Malformed),
        }
    }

    /// Parses a key as it stands in `.pub` files, `known_hosts` and `authorized_keys`: the name of
    /// its type, the base64 form of the key, and maybe a comment. The second value is the comment,
    /// empty where there is none.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn parse(text: &str) -> Result<(Self, &str), Invalid> {
        let (key_type, rest) = word(text);
        let (base64, comment) = word(rest);
        if base64.is_empty() {
            return Err(Invalid::Incomplete);
        }
        let blob = Base64::decode_vec(base64).map_err(|_| Invalid::Base64)?;
        let key = Self::from_wire(Bytes::from(blob))?;
        if key.key_type() != key_type {
            return Err(Invalid::TypeMismatch);
        }
        Ok((key, comment.trim_end_matches(BLANK)))
    }

    /// The wire form.
    pub fn wire(&self) -> &Bytes {
        &self.0
    }

    /// The name of the type, for instance `ssh-rsa`.
    pub fn key_type(&self) -> &str {
        wire::utf8(&self.0).map_or("", |(_, name)| name)
    }

    /// What the key is made of.
    pub fn material(&self) -> Material<'_> {
        Material::parse(&self.0).unwrap_or(Material::Other)
    }

    /// The key's SHA-256 fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }

    /// The size of the key in bits as it is commonly told; `None` for types not known.
    pub fn bits(&self) -> Option<usize> {
        self.material().bits()
    }

    /// The signature algorithms that a key of this type signs with, the preferred first.
    pub fn algorithms(&self) -> Vec<&str> {
        algorithms(self.key_type())
    }
}

/// The signature algorithms that keys of this type sign with, the preferred first: for `ssh-rsa`
/// those of [RFC 8332](https://www.rfc-editor.org/rfc/rfc8332#section-3), never `ssh-rsa` itself,
/// which signs with SHA-1.
pub fn algorithms(key_type: &str) -> Vec<&str> {
    match key_type {
        "ssh-rsa" => vec!["rsa-sha2-512", "rsa-sha2-256"],
        other => vec![other],
    }
}

/// What separates words in the files of OpenSSH.
const BLANK: [char; 2] = [' ', '\t'];

/// The first word, and what follows it and the blanks behind it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches(BLANK);
    let (word, rest) = text.split_at(text.find(BLANK).unwrap_or(text.len()));
    (word, rest.trim_start_matches(BLANK))
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key_type(), Base64::encode_string(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.key_type(), self.fingerprint())
    }
}

/// Why something is not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The key's type or its base64 form is missing.
    #[error("there is no public key")]
    Incomplete,
    /// The key is not base64.
    #[error("the public key is not valid base64")]
    Base64,
    /// The key is cut short or not made as its type says.
    #[error("the public key is cut short or malformed")]
    Malformed,
    /// The type that stands before the key is not the key's type.
    #[error("the public key is of another type than the word before it says")]
    TypeMismatch,
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const ED25519: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn a_key_is_shown_as_it_was_read() {
        let text = format!("{ED25519} user@example.com");
        let (key, comment) = PublicKey::parse(&text).unwrap();
        assert_eq!(key.to_string(), ED25519);
        assert_eq!(key.key_type(), "ssh-ed25519");
        assert_eq!(key.bits(), Some(256));
        assert_eq!(comment, "user@example.com");
    }

    #[test]
    fn blanks_around_the_words_do_not_matter() {
        let spaced = format!(" \t{} \t a comment of words \t", ED25519.replace(' ', "\t "));
        let (key, comment) = PublicKey::parse(&spaced).unwrap();
        assert_eq!(key.to_string(), ED25519);
        assert_eq!(comment, "a comment of words");
        assert_eq!(PublicKey::parse(ED25519).unwrap().1, "");
    }

    #[test]
    fn the_fingerprint_is_that_of_openssh() {
        let (key, _) = PublicKey::parse(ED25519).unwrap();
        let shown = key.fingerprint().to_string();
        assert_eq!(shown, "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ");
        assert_eq!(format!("{key:?}"), format!("PublicKey(ssh-ed25519 {shown})"));
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_cause() {
        let base64 = &ED25519[12..];
        let cases = [
            ("", Invalid::Incomplete),
            ("ssh-ed25519", Invalid::Incomplete),
            ("ssh-ed25519 ", Invalid::Incomplete),
            ("ssh-ed25519 A*", Invalid::Base64),
            (&format!("ssh-ed25519 {}", &base64[..40]), Invalid::Malformed),
            (&format!("ssh-rsa {base64}"), Invalid::TypeMismatch),
        ];
        for (text, cause) in cases {
            assert_eq!(PublicKey::parse(text), Err(cause), "{text}");
        }
    }

    #[test]
    fn rsa_keys_sign_with_sha2_only() {
        assert_eq!(algorithms("ssh-rsa"), ["rsa-sha2-512", "rsa-sha2-256"]);
        assert_eq!(algorithms("ssh-ed25519"), ["ssh-ed25519"]);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}") {
            let _ = PublicKey::parse(&text);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            if let Ok(key) = PublicKey::from_wire(Bytes::from(bytes)) {
                let text = key.to_string();
                prop_assert_eq!(PublicKey::parse(&text), Ok((key, "")));
            }
        }
    }
}
