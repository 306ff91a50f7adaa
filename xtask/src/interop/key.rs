//! Kinds of keys, and those that are made for one run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::process;

const LIMIT: Duration = Duration::from_secs(60);

/// Opens [`Keys::encrypted`].
pub(crate) const PASSPHRASE: &str = "correct horse";

/// A kind of host or user key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ed25519,
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    Rsa,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ed25519, Self::EcdsaP256, Self::EcdsaP384, Self::EcdsaP521, Self::Rsa];

    /// The name in reports and of files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Rsa => "rsa",
        }
    }

    /// The names of its signatures.
    pub(crate) fn algorithms(self) -> &'static [&'static str] {
        match self {
            Self::Ed25519 => &["ssh-ed25519"],
            Self::EcdsaP256 => &["ecdsa-sha2-nistp256"],
            Self::EcdsaP384 => &["ecdsa-sha2-nistp384"],
            Self::EcdsaP521 => &["ecdsa-sha2-nistp521"],
            Self::Rsa => &["rsa-sha2-512", "rsa-sha2-256"],
        }
    }

    /// What `ssh-keygen` and `dropbearkey` are told: the type, the size.
    pub(crate) fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Ed25519 => ("ed25519", None),
            Self::EcdsaP256 => ("ecdsa", Some("256")),
            Self::EcdsaP384 => ("ecdsa", Some("384")),
            Self::EcdsaP521 => ("ecdsa", Some("521")),
            Self::Rsa => ("rsa", Some("2048")),
        }
    }
}

/// The keys of a run, in a folder that goes with it.
#[derive(Debug)]
pub(crate) struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Makes host and user keys of every kind, an encrypted one, and one that nobody knows.
    pub(crate) fn make(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).context("make a folder for keys")?;
        let keys = Self { folder };
        for kind in Kind::ALL {
            generate(kind, "", &keys.host(kind))?;
            generate(kind, "", &keys.user(kind))?;
        }
        generate(Kind::Ed25519, PASSPHRASE, &keys.encrypted())?;
        generate(Kind::Ed25519, "", &keys.stranger())?;
        let users = Kind::ALL.map(|kind| keys.user(kind));
        let mut authorized = String::new();
        for path in users.iter().chain([&keys.encrypted()]) {
            authorized.push_str(&public(path)?);
            authorized.push('\n');
        }
        std::fs::write(keys.authorized(), authorized).context("write authorized_keys")?;
        Ok(keys)
    }

    /// The folder with all of them.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn host(&self, kind: Kind) -> PathBuf {
        self.folder.join(host_name(kind))
    }

    pub(crate) fn user(&self, kind: Kind) -> PathBuf {
        self.folder.join(user_name(kind))
    }

    /// A user's key that a passphrase protects.
    pub(crate) fn encrypted(&self) -> PathBuf {
        self.folder.join("user-encrypted")
    }

    /// A key that is authorized nowhere and that no host has.
    pub(crate) fn stranger(&self) -> PathBuf {
        self.folder.join("stranger")
    }

    /// The user keys that may log in.
    pub(crate) fn authorized(&self) -> PathBuf {
        self.folder.join("authorized_keys")
    }
}

pub(crate) fn host_name(kind: Kind) -> String {
    format!("host-{}", kind.name())
}

pub(crate) fn user_name(kind: Kind) -> String {
    format!("user-{}", kind.name())
}

fn generate(kind: Kind, passphrase: &str, path: &Path) -> Result<()> {
    let (name, size) = kind.words();
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", name, "-N", passphrase, "-C", "adit-interop", "-f"]).arg(path);
    command.args(size.into_iter().flat_map(|size| ["-b", size]));
    process::succeed(command, LIMIT).map(drop)
}

/// The line of a public key beside the private one: its type and its value.
pub(crate) fn public(private: &Path) -> Result<String> {
    let mut path = private.as_os_str().to_owned();
    path.push(".pub");
    let text = std::fs::read_to_string(&path).context("read a public key")?;
    value(&text).ok_or_else(|| Error::new("a public key without a value"))
}

/// The first line of `text` that is a public key, without its comment.
pub(crate) fn value(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (name, value) = (words.next()?, words.next()?);
        let is_key = name.starts_with("ssh-") || name.starts_with("ecdsa-");
        is_key.then(|| format!("{name} {value}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_found_between_other_lines_and_loses_its_comment() {
        let text = "Public key portion is:\nssh-ed25519 AAAA root@x\nFingerprint: SHA256:x\n";
        assert_eq!(value(text).as_deref(), Some("ssh-ed25519 AAAA"));
        assert_eq!(value("nothing here"), None);
    }

    #[test]
    fn every_kind_has_names_of_its_own() {
        let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        let mut algorithms: Vec<&str> =
            Kind::ALL.iter().flat_map(|kind| kind.algorithms()).copied().collect();
        names.sort_unstable();
        names.dedup();
        algorithms.sort_unstable();
        algorithms.dedup();
        assert_eq!((names.len(), algorithms.len()), (5, 6));
    }
}
