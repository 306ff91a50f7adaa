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
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::provider;

    /// Keys made by OpenSSH 9.2; the passphrase of the encrypted ones is `correct horse`.
    fn file(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys").join(name)
    }

    fn try_read(name: &str) -> Result<Parsed, Problem> {
        try_parse(&fs::read(file(name)).unwrap(), name)
    }

    fn plain(name: &str) -> PrivateKey {
        match try_read(name) {
            Ok(Parsed::Plain(key)) => key,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn encrypted(name: &str) -> Encrypted {
        match try_read(name) {
            Ok(Parsed::Encrypted(key)) => key,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn check_signatures(key: &PrivateKey) {
        let algorithms = key.public_key().algorithms();
        assert!(!algorithms.is_empty());
        for algorithm in algorithms {
            let signature = key.sign(algorithm, b"message").unwrap();
            let (signature, name) = wire::utf8(&signature).unwrap();
            assert_eq!(name, algorithm);
            let verifier = provider::default();
            let verifier = verifier.verifier(algorithm).unwrap();
            let wire = key.public_key().wire();
            assert_eq!(verifier.verify(wire, b"message", signature), Ok(()), "{algorithm}");
        }
    }

    #[test]
    fn keys_of_openssh_sign() {
        for name in ["ed25519", "nistp256", "nistp384", "nistp521", "rsa2048", "rsa3072", "rsa4096"]
        {
            let key = plain(name);
            let text = fs::read_to_string(file(&format!("{name}.pub"))).unwrap();
            let (public_key, comment) = PublicKey::parse(text.trim_end()).unwrap();
            assert_eq!((key.public_key(), key.comment()), (&public_key, comment));
            check_signatures(&key);
        }
    }

    /// One of 256 has such a number, and not all read it.
    #[test]
    fn a_key_whose_number_begins_with_a_zero_byte_signs() {
        check_signatures(&plain("nistp256_leading_zero"));
    }

    #[test]
    fn encrypted_keys_of_openssh_sign() {
        for name in [
            "encrypted_aes128-cbc",
            "encrypted_aes128-ctr",
            "encrypted_aes128-gcm",
            "encrypted_aes192-cbc",
            "encrypted_aes192-ctr",
            "encrypted_aes256-cbc",
            "encrypted_aes256-ctr",
            "encrypted_aes256-gcm",
            "encrypted_chacha20-poly1305",
            "encrypted_rsa2048",
        ] {
            let encrypted = encrypted(name);
            let key = encrypted.decrypt(&Secret::from(&b"correct horse"[..])).unwrap();
            assert_eq!(key.comment(), name);
            assert_eq!(Some(key.public_key()), encrypted.public_key());
            check_signatures(&key);
        }
    }

    #[test]
    fn a_wrong_passphrase_is_told_as_such() {
        for name in ["encrypted_aes256-ctr", "encrypted_aes256-gcm", "encrypted_chacha20-poly1305"]
        {
            for passphrase in ["", "wrong"] {
                let error =
                    encrypted(name).decrypt(&Secret::from(passphrase.as_bytes())).unwrap_err();
                assert!(matches!(error.problem(), Problem::WrongPassphrase), "{name}");
                assert_eq!(
                    error.to_string(),
                    format!("private key {name}: the passphrase is wrong"),
                );
            }
        }
    }

    #[test]
    fn an_algorithm_of_another_type_signs_nothing() {
        let key = plain("nistp256");
        for algorithm in ["ecdsa-sha2-nistp384", "ssh-ed25519", "rsa-sha2-512", ""] {
            assert!(key.sign(algorithm, b"message").is_none());
        }
        assert!(plain("rsa2048").sign("ssh-rsa", b"message").is_none());
    }

    #[test]
    fn keys_that_cannot_sign_are_refused_with_a_hint() {
        let check = |name: &str, message: &str| {
            let error = Error::named(name, try_read(name).unwrap_err());
            assert_eq!(error.to_string(), format!("private key {name}: {message}"));
            assert_eq!(error.hint().unwrap(), "add it to ssh-agent, or use an ed25519 key");
        };
        check(
            "rsa2560",
            "it is an rsa key of 2560 bits; those of 2048, 3072 and 4096 bits are supported",
        );
    }

    #[test]
    fn keys_of_openssl_sign() {
        for name in ["rsa.pem", "nistp256.pkcs8"] {
            check_signatures(&plain(name));
        }
    }

    #[test]
    fn a_public_key_is_refused_with_a_hint() {
        let refused = |name| try_read(name).unwrap_err();
        assert!(matches!(refused("ed25519.pub"), Problem::PublicKey));
        assert_eq!(
            refused("ed25519.pub").hint("ed25519.pub").unwrap(),
            "the private key is probably in ed25519",
        );
    }

    #[test]
    fn keys_are_written_as_they_were_read() {
        for name in ["ed25519", "nistp256_leading_zero", "nistp384", "rsa2048"] {
            let key = plain(name);
            let text = key.to_openssh().unwrap();
            let Ok(Parsed::Plain(again)) = parse(text.expose(), name) else { panic!("{name}") };
            assert_eq!(again.public_key(), key.public_key());
            assert_eq!((again.comment(), &again.fields), (key.comment(), &key.fields));
            let original = fs::read(file(name)).unwrap();
            assert_eq!(text.len(), original.len(), "{name}");
        }
    }

    #[test]
    fn a_generated_key_signs_and_is_written_and_read() {
        let key = PrivateKey::generate_ed25519("made here").unwrap();
        check_signatures(&key);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        key.save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let Ok(Parsed::Plain(again)) = load(&path) else { panic!("not read again") };
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(again.comment(), "made here");
        check_signatures(&again);
    }

    #[test]
    fn generated_keys_differ() {
        let [one, two] = [(); 2].map(|()| PrivateKey::generate_ed25519("").unwrap());
        assert_ne!(one.public_key(), two.public_key());
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "precious").unwrap();
        let error = PrivateKey::generate_ed25519("").unwrap().save(&path).unwrap_err();
        assert!(error.to_string().starts_with(&format!("private key {}: ", path.display())));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        PrivateKey::generate_ed25519("").unwrap().save(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = load(&path).unwrap_err();
            assert!(matches!(error.problem(), Problem::Permissions(found) if *found == mode));
            assert_eq!(error.hint().unwrap(), format!("chmod 600 {}", path.display()));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(load(&path).is_ok());
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(load(folder.path()).unwrap_err().problem(), Problem::NotAFile));
        let missing = load(&folder.path().join("missing")).unwrap_err();
        assert!(
            matches!(missing.problem(), Problem::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
        );
    }

    #[test]
    fn a_file_that_is_too_long_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.set_len(LONGEST + 1).unwrap();
        assert!(matches!(load(&path).unwrap_err().problem(), Problem::TooLong));
    }

    #[test]
    fn debug_shows_the_public_key_only() {
        let key = plain("ed25519");
        let fingerprint = key.public_key().fingerprint();
        let expected = format!("PrivateKey(PublicKey(ssh-ed25519 {fingerprint}))");
        assert_eq!(format!("{key:?}"), expected);
    }

    proptest! {
        #[test]
        fn arbitrary_sections_never_panic(bytes in vec(any::<u8>(), 0..200)) {
            for name in ["ed25519", "nistp256", "rsa2048"] {
                let key = plain(name);
                let mut section = Vec::new();
                section.put_string(key.public_key().key_type().as_bytes());
                section.extend_from_slice(&bytes);
                prop_assert!(PrivateKey::from_section(&section, key.public_key().clone()).is_err());
            }
        }

        #[test]
        fn a_changed_field_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            for name in ["ed25519", "nistp256", "rsa2048"] {
                let key = plain(name);
                let mut section = key.fields.expose().to_vec();
                *at.get_mut(&mut section) ^= 1_u8 << bit;
                section.put_string(b"comment");
                match PrivateKey::from_section(&section, key.public_key().clone()) {
                    Err(_) => {}
                    // ring uses the exponent d only by what it is modulo p - 1 and q - 1, and checks
                    // these when it signs.
                    Ok(changed) => prop_assert!(changed.sign("rsa-sha2-512", b"message").is_none()),
                }
            }
        }
    }
}
