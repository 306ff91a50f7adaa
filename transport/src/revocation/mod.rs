//! Keys and certificates that are good for nothing any more: `RevokedKeys` of
//! [sshd_config(5)](https://man.openbsd.org/sshd_config.5#RevokedKeys) and `RevokedHostKeys` of
//! [ssh_config(5)](https://man.openbsd.org/ssh_config.5#RevokedHostKeys).
//!
//! A file of them is a list of public keys, one on each line, or a [key revocation list](krl).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

pub use list::Revocation;
pub use serials::Serials;

use crate::public_key::{self, PublicKey};

pub mod krl;
pub mod list;
pub mod serials;

/// The longest file that is read.
const LONGEST: u64 = 64 << 20;

/// Reads a file. It blocks on the file system.
///
/// # Errors
/// [`Error`], with the file's name and the place in it. Whoever cannot read what is revoked must
/// take everything for revoked.
pub fn load(path: &Path) -> Result<Revocation, Error> {
    let name = path.display().to_string();
    match read(path) {
        Ok(bytes) => parse(&bytes, &name),
        Err(cause) => Err(Error { place: name, cause: Cause::Io(cause) }),
    }
}

/// Reads the contents of a file. `name` is the file's, for messages.
///
/// # Errors
/// [`Error`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Revocation, Error> {
    if bytes.starts_with(krl::MAGIC) {
        return krl::parse(bytes)
            .map_err(|bad| Error { place: name.to_owned(), cause: Cause::Krl(bad) });
    }
    let mut revocation = Revocation::default();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, _comment) = PublicKey::parse(line).map_err(|invalid| Error {
            place: format!("{name}:{number}"),
            cause: Cause::Key(invalid),
        })?;
        revocation.add(&key);
    }
    Ok(revocation)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(bytes)
}

/// What is revoked cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("revoked keys {place}: {cause}")]
pub struct Error {
    place: String,
    cause: Cause,
}

impl Error {
    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

/// Why what is revoked cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The file cannot be read.
    #[error(transparent)]
    Io(io::Error),
    /// A line of the list is no key.
    #[error(transparent)]
    Key(public_key::Invalid),
    /// The key revocation list is wrong.
    #[error(transparent)]
    Krl(krl::Bad),
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::certificate::Certificate;

    const KEY: &str = include_str!("../../testdata/keys/ed25519.pub");
    const OTHER: &str = include_str!("../../testdata/keys/nistp256.pub");
    const CERTIFICATE: &str = include_str!("../../testdata/certificates/ed25519.pub");

    fn key(text: &str) -> PublicKey {
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    #[test]
    fn a_list_revokes_its_keys_and_what_they_have_to_do_with() {
        let list = parse(format!("# gone\n\n{KEY}").as_bytes(), "list").unwrap();
        assert!(list.has_key(&key(KEY)) && !list.has_key(&key(OTHER)));
        let (certificate, _) = Certificate::parse(CERTIFICATE).unwrap();
        assert!(list.has_certificate(&certificate), "its key is revoked");
        let mut list = Revocation::default();
        assert!(list.is_empty() && !list.has_certificate(&certificate));
        list.add(certificate.authority());
        assert!(list.has_certificate(&certificate) && !list.is_empty());
    }

    #[test]
    fn a_list_that_cannot_be_understood_is_an_error_with_its_line() {
        let error = parse(format!("{KEY}nonsense").as_bytes(), "list").unwrap_err();
        assert_eq!(error.to_string(), "revoked keys list:2: there is no public key");
        let error = load(Path::new("/nonexistent")).unwrap_err();
        let expected = "revoked keys /nonexistent: No such file or directory (os error 2)";
        assert_eq!(error.to_string(), expected);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, "list");
        }
    }
}
