//! Who may log in: the file `authorized_keys` of OpenSSH,
//! [sshd(8)](https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT).

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub use destination::Destination;
pub use entry::Entry;
pub use option::KeyOption;
pub use refused::Refused;

use crate::public_key::PublicKey;
use crate::text_file;

pub mod destination;
pub mod entry;
pub mod option;
pub mod refused;

/// The keys of a file, in its order.
#[derive(Debug, Clone, Default)]
pub struct AuthorizedKeys {
    entries: Vec<Entry>,
    warnings: Vec<String>,
}

impl AuthorizedKeys {
    /// Reads a file, after a check that only its owner can write to it. It blocks on the file
    /// system.
    ///
    /// # Errors
    /// [`Error`], with the file's name.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        match read(path) {
            Ok(text) => Ok(Self::parse(&text, &name)),
            Err(cause) => Err(Error { name, cause }),
        }
    }

    /// Reads the text of a file. A line that cannot be understood lets nobody in: it is
    /// [told](AuthorizedKeys::warnings) and skipped. `name` is the file's, for messages.
    pub fn parse(text: &str, name: &str) -> Self {
        let mut keys = Self::default();
        for (number, line) in (1..).zip(text.split('\n')) {
            match Entry::parse(number, line) {
                Ok(entry) => keys.entries.extend(entry),
                Err(bad) => keys.warnings.push(format!("{name}:{number}: {bad}")),
            }
        }
        keys
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries of this key, in the order of the file: usually one.
    pub fn find(&self, key: &PublicKey) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.key == *key)
    }

    /// What could not be understood, as `file:line: cause`.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn read(path: &Path) -> Result<String, Cause> {
    let file = text_file::open(path)?;
    check_access(&file.metadata()?)?;
    Ok(text_file::read(file)?)
}

fn check_access(metadata: &Metadata) -> Result<(), Cause> {
    let mode = metadata.mode() & 0o7777;
    let regular = metadata.is_file();
    if regular && mode & 0o022 != 0 { Err(Cause::Permissions(mode)) } else { Ok(()) }
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("authorized keys {name}: {cause}")]
pub struct Error {
    name: String,
    cause: Cause,
}

impl Error {
    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self.cause {
            Cause::Permissions(_) => Some(format!("chmod go-w {}", self.name)),
            Cause::Io(_) => None,
        }
    }
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Others than its owner could let themselves in.
    #[error("others than its owner can write to it: its mode is {0:04o}")]
    Permissions(u32),
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const ED25519: &str = include_str!("../../testdata/keys/ed25519.pub");
    const NISTP256: &str = include_str!("../../testdata/keys/nistp256.pub");

    fn key(text: &str) -> PublicKey {
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    #[test]
    fn a_key_is_found_with_its_line_and_options() {
        let text = format!("# mine\nrestrict {ED25519}\n{ED25519}");
        let keys = AuthorizedKeys::parse(&text, "keys");
        let key = key(ED25519);
        let found: Vec<_> =
            keys.find(&key).map(|entry| (entry.line, entry.options.len())).collect();
        assert_eq!(found, [(2, 1), (4, 0)]);
        assert_eq!(keys.find(&self::key(NISTP256)).count(), 0);
        assert_eq!(keys.entries().len(), 2);
    }

    #[test]
    fn a_line_that_cannot_be_understood_lets_nobody_in_and_is_told() {
        let text = format!("command=\"x {ED25519}ssh-rsa AAAA\n{NISTP256}");
        let keys = AuthorizedKeys::parse(&text, "keys");
        assert_eq!(keys.find(&key(ED25519)).count(), 0);
        assert_eq!(keys.find(&key(NISTP256)).count(), 1);
        assert_eq!(
            keys.warnings(),
            [
                "keys:1: the value of an option has no closing quotation mark",
                "keys:2: the public key is cut short or malformed",
            ],
        );
    }

    #[test]
    fn a_file_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, ED25519).unwrap();
        for mode in [0o620, 0o602, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = AuthorizedKeys::load(&path).unwrap_err();
            let expected = format!(
                "authorized keys {}: others than its owner can write to it: its mode is {mode:04o}",
                path.display(),
            );
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.hint().unwrap(), format!("chmod go-w {}", path.display()));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(AuthorizedKeys::load(&path).unwrap().find(&key(ED25519)).count(), 1);
    }

    #[test]
    fn a_missing_file_is_an_error_and_the_null_device_lets_nobody_in() {
        let error = AuthorizedKeys::load(Path::new("/nonexistent/keys")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "authorized keys /nonexistent/keys: No such file or directory (os error 2)",
        );
        assert!(AuthorizedKeys::load(Path::new("/dev/null")).unwrap().entries().is_empty());
    }

    proptest! {
        #[test]
        fn arbitrary_files_never_panic(bytes in vec(any::<u8>(), 0..400)) {
            let _ = AuthorizedKeys::parse(&String::from_utf8_lossy(&bytes), "keys");
        }
    }
}
