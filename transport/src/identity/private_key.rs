//! Private keys in files, in the formats of OpenSSH and of OpenSSL.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use adit_proto::secret::Secret;
use adit_proto::wire::{self, Put};
use bytes::Bytes;

use crate::identity::fields::Fields;
use crate::identity::problem::Problem;
use crate::identity::sealed::{Content, Sealed};
use crate::identity::signing_key::SigningKey;
use crate::identity::{armor, key_file};
use crate::provider::random;
use crate::public_key::PublicKey;

/// A private key to sign with.
///
/// Keys are read from files ([`load`], [`parse`]) or [made](PrivateKey::generate_ed25519). What this
/// type itself holds of the key is wiped when it is dropped; ring's form of it is not. `Debug`
/// shows the public key only.
pub struct PrivateKey {
    public_key: PublicKey,
    comment: String,
    signing_key: SigningKey,
    /// As they stand in a file, from the key's type on, so that the key can be written.
    fields: Secret,
}

impl PrivateKey {
    /// Makes an Ed25519 key.
    ///
    /// # Errors
    /// [`Problem::Random`], where the system has no randomness to give.
    pub fn generate_ed25519(comment: &str) -> Result<Self, Problem> {
        let mut seed = Secret::zeroed(32);
        random::fill(seed.expose_mut()).map_err(|_| Problem::Random)?;
        let made = Self::from_fields(Fields::ed25519(seed.expose(), None)?)?;
        Ok(Self { comment: comment.to_owned(), ..made })
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The comment, often `user@host`.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// Signs `data` by `algorithm` and yields the signature as on the wire, `string` algorithm and
    /// `string` signature ([RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6)).
    ///
    /// `None` where the algorithm is none of [`PublicKey::algorithms`], or where the system has no
    /// randomness to give. An RSA key of 4096 bits takes some 7 milliseconds, others less.
    pub fn sign(&self, algorithm: &str, data: &[u8]) -> Option<Bytes> {
        if !self.public_key.algorithms().contains(&algorithm) {
            return None;
        }
        let made = self.signing_key.sign(algorithm, data)?;
        let mut signature = Vec::with_capacity(algorithm.len() + made.len() + 8);
        signature.put_string(algorithm.as_bytes());
        signature.put_string(&made);
        Some(Bytes::from(signature))
    }

    /// The key as the text of a file, not encrypted.
    ///
    /// # Errors
    /// [`Problem::Random`].
    pub fn to_openssh(&self) -> Result<Secret, Problem> {
        let file = key_file::encode(&self.public_key, &self.fields, &self.comment)?;
        Ok(armor::encode(file.expose()))
    }

    /// Writes the key to a new file that only its owner may read, not encrypted.
    ///
    /// # Errors
    /// Where the file is there already, or cannot be written; it is not left half written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        self.try_save(path).map_err(|problem| Error::new(path, problem))
    }

    fn try_save(&self, path: &Path) -> Result<(), Problem> {
        let text = self.to_openssh()?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let written = file.write_all(text.expose()).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // What was written is no key; that it cannot be removed either tells nothing new.
            let _ = fs::remove_file(path);
            return Err(error.into());
        }
        Ok(())
    }

    fn from_fields(fields: Fields) -> Result<Self, Problem> {
        Self::from_section(fields.section.expose(), fields.public_key)
    }

    /// A key of the section that begins with its fields.
    fn from_section(section: &[u8], public_key: PublicKey) -> Result<Self, Problem> {
        let (rest, signing_key) = SigningKey::parse(section, &public_key)?;
        let len = section.len().saturating_sub(rest.len());
        let fields = Secret::from(section.get(..len).unwrap_or_default());
        let (padding, comment) = wire::string(rest).map_err(|_| Problem::Damaged)?;
        if !padding.iter().copied().eq((1..=u8::MAX).take(padding.len())) {
            return Err(Problem::Damaged);
        }
        let comment = String::from_utf8_lossy(comment).into_owned();
        Ok(Self { public_key, comment, signing_key, fields })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?})", self.public_key)
    }
}

/// A private key that was read.
#[derive(Debug)]
pub enum Parsed {
    /// It can be used.
    Plain(PrivateKey),
    /// It needs a passphrase.
    Encrypted(Encrypted),
}

impl Parsed {
    /// The public key, where it is readable without a passphrase.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::Plain(key) => Some(key.public_key()),
            Self::Encrypted(key) => key.public_key(),
        }
    }
}

/// A private key that needs a passphrase.
#[derive(Debug)]
pub struct Encrypted {
    name: String,
    sealed: Sealed,
}

impl Encrypted {
    /// The public key, where it is readable without the passphrase: in files of OpenSSH's own
    /// format, and in no others.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.sealed.public_key()
    }

    /// Decrypts the key. It blocks for as long as the file's key derivation takes: usually some
    /// tenths of a second, and a minute or two at most.
    ///
    /// # Errors
    /// [`Problem::WrongPassphrase`]: ask again. Any other: the file cannot be used.
    pub fn decrypt(&self, passphrase: &Secret) -> Result<PrivateKey, Error> {
        self.sealed
            .open(passphrase)
            .and_then(PrivateKey::from_fields)
            .map_err(|problem| Error::named(&self.name, problem))
    }
}

/// Reads a private key from a file, after a check that nobody but its owner has access to it, as
/// OpenSSH does: for a key of somebody else's this is not checked. It blocks on the file system.
///
/// # Errors
/// [`Error`], with the file's name.
pub fn load(path: &Path) -> Result<Parsed, Error> {
    read(path)
        .and_then(|text| try_parse(text.expose(), &path.display().to_string()))
        .map_err(|problem| Error::new(path, problem))
}

/// Reads a private key from the text of a file. `name` is the file's, for messages.
///
/// # Errors
/// [`Error`].
pub fn parse(text: &[u8], name: &str) -> Result<Parsed, Error> {
    try_parse(text, name).map_err(|problem| Error::named(name, problem))
}

fn try_parse(text: &[u8], name: &str) -> Result<Parsed, Problem> {
    match Content::parse(armor::decode(text)?)? {
        Content::Plain(fields) => PrivateKey::from_fields(fields).map(Parsed::Plain),
        Content::Sealed(sealed) => {
            Ok(Parsed::Encrypted(Encrypted { name: name.to_owned(), sealed }))
        }
    }
}

/// The longest file that is read: what OpenSSH reads, and far more than any key needs.
const LONGEST: u64 = 1 << 20;

fn read(path: &Path) -> Result<Secret, Problem> {
    // To open a pipe could wait for good, so what it is is looked at first.
    if !fs::metadata(path)?.is_file() {
        return Err(Problem::NotAFile);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    check_access(&metadata)?;
    let len = usize::try_from(metadata.len().min(LONGEST)).unwrap_or_default();
    // Room for all of it, so that no copy is left behind by growth.
    let mut text = Vec::with_capacity(len.saturating_add(1));
    let read = file.take(LONGEST + 1).read_to_end(&mut text);
    let text = Secret::new(text);
    if u64::try_from(read?).unwrap_or(u64::MAX) > LONGEST {
        return Err(Problem::TooLong);
    }
    Ok(text)
}

fn check_access(metadata: &Metadata) -> Result<(), Problem> {
    let mode = metadata.mode() & 0o7777;
    let own = metadata.uid() == rustix::process::getuid().as_raw();
    if own && mode & 0o077 != 0 { Err(Problem::Permissions(mode)) } else { Ok(()) }
}

/// A private key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("private key {name}: {problem}")]
pub struct Error {
    name: String,
    problem: Problem,
}

impl Error {
    fn new(path: &Path, problem: Problem) -> Self {
        Self::named(&path.display().to_string(), problem)
    }

    fn named(name: &str, problem: Problem) -> Self {
        Self { name: name.to_owned(), problem }
    }

    /// Why.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        self.problem.hint(&self.name)
    }
}

#[cfg(test)]
mod tests;
