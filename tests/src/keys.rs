//! Keys made by `ssh-keygen`, for one test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A pair of files, private and public.
#[derive(Debug, Clone)]
pub struct Keys {
    path: PathBuf,
}

/// A type that `ssh-keygen` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Ed25519.
    Ed25519,
    /// ECDSA over P-256.
    Ecdsa256,
    /// ECDSA over P-384.
    Ecdsa384,
    /// ECDSA over P-521.
    Ecdsa521,
    /// RSA of 2048 bits.
    Rsa,
}

impl Type {
    /// All types.
    pub const ALL: [Self; 5] =
        [Self::Ed25519, Self::Ecdsa256, Self::Ecdsa384, Self::Ecdsa521, Self::Rsa];

    fn words(self) -> [&'static str; 4] {
        match self {
            Self::Ed25519 => ["-t", "ed25519", "-b", "256"],
            Self::Ecdsa256 => ["-t", "ecdsa", "-b", "256"],
            Self::Ecdsa384 => ["-t", "ecdsa", "-b", "384"],
            Self::Ecdsa521 => ["-t", "ecdsa", "-b", "521"],
            Self::Rsa => ["-t", "rsa", "-b", "2048"],
        }
    }
}

impl Keys {
    /// Makes a key of this type in `folder`.
    ///
    /// # Panics
    /// Where `ssh-keygen` is missing or fails.
    pub fn generate(folder: &Path, name: &str, of: Type) -> Self {
        let path = folder.join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-C", name, "-f"])
            .arg(&path)
            .args(of.words())
            .status();
        match made {
            Ok(status) if status.success() => Self { path },
            other => panic!("ssh-keygen is needed, and made no key: {other:?}"),
        }
    }

    /// The file of the private key.
    pub fn private(&self) -> &Path {
        &self.path
    }

    /// The file of the public key.
    pub fn public(&self) -> PathBuf {
        self.path.with_extension("pub")
    }
}
