//! The keys by which a gateway is known.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_transport::config::HostKey;
use adit_transport::identity::private_key::{self, Parsed, PrivateKey};
use adit_transport::name::NameList;

use crate::failure::{Exit, Failure};

/// Host keys, to sign with.
#[derive(Debug)]
pub(crate) struct HostKeys(pub(crate) Arc<[PrivateKey]>);

impl HostKeys {
    /// Reads the keys in these files; an ed25519 key is made where a file is missing.
    ///
    /// # Errors
    /// Where a file cannot be read or written, or needs a passphrase.
    pub(crate) fn load(files: &[PathBuf]) -> Result<Self, Failure> {
        files.iter().map(|file| load_or_make(file)).collect::<Result<_, _>>().map(Self)
    }

    /// Their public halves.
    pub(crate) fn public(&self) -> Vec<HostKey> {
        self.0
            .iter()
            .map(|key| {
                let public = key.public_key();
                HostKey {
                    key: public.wire().clone(),
                    algorithms: NameList::new(public.algorithms()).unwrap_or_default(),
                }
            })
            .collect()
    }
}

/// Whether a client may be told of the host keys. Dropbear's before 2022 answers what wants no
/// answer, and an answer that nobody asked for ends a connection.
pub(crate) fn takes_announcements(identification: Option<&str>) -> bool {
    let version = identification.and_then(|it| it.strip_prefix("SSH-2.0-dropbear_"));
    let year = version.and_then(|it| it.split('.').next()?.parse::<u32>().ok());
    year.is_none_or(|year| year >= 2022)
}

fn load_or_make(file: &Path) -> Result<PrivateKey, Failure> {
    let key = if file.exists() { load(file)? } else { make(file)? };
    eprintln!("adit: host key {} {}", key.public_key().key_type(), key.public_key().fingerprint());
    Ok(key)
}

fn load(file: &Path) -> Result<PrivateKey, Failure> {
    match private_key::load(file).map_err(|error| explain(&error))? {
        Parsed::Plain(key) => Ok(key),
        Parsed::Encrypted(_) => Err(Failure::new(
            Exit::Usage,
            format!("host key {} needs a passphrase", file.display()),
        )
        .hint("a gateway starts without anybody to ask: ssh-keygen -p -f FILE removes it")),
    }
}

fn make(file: &Path) -> Result<PrivateKey, Failure> {
    let key = PrivateKey::generate_ed25519("adit host key")
        .map_err(|problem| Failure::new(Exit::Other, problem))?;
    key.save(file).map_err(|error| explain(&error))?;
    eprintln!("adit: made the host key {}", file.display());
    Ok(key)
}

fn explain(error: &private_key::Error) -> Failure {
    let failure = Failure::new(Exit::Usage, error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_missing_key_is_made_for_its_owner_only_and_read_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("host_key");
        let made = HostKeys::load(std::slice::from_ref(&file)).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let read = HostKeys::load(&[file]).unwrap();
        assert_eq!(made.public(), read.public());
    }

    #[test]
    fn only_a_client_that_answers_everything_is_told_nothing() {
        for (identification, told) in [
            (None, true),
            (Some("SSH-2.0-OpenSSH_9.2p1"), true),
            (Some("SSH-2.0-dropbear_2020.81"), false),
            (Some("SSH-2.0-dropbear_2022.83"), true),
            (Some("SSH-2.0-dropbear"), true),
        ] {
            assert_eq!(takes_announcements(identification), told, "{identification:?}");
        }
    }
}
