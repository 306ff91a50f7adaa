//! Key files as OpenSSH and OpenSSL write them.

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
    for name in ["ed25519", "nistp256", "nistp384", "nistp521", "rsa2048", "rsa3072", "rsa4096"] {
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
    for name in ["encrypted_aes256-ctr", "encrypted_aes256-gcm", "encrypted_chacha20-poly1305"] {
        for passphrase in ["", "wrong"] {
            let error = encrypted(name).decrypt(&Secret::from(passphrase.as_bytes())).unwrap_err();
            assert!(matches!(error.problem(), Problem::WrongPassphrase), "{name}");
            assert_eq!(error.to_string(), format!("private key {name}: the passphrase is wrong"),);
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
