//! Private keys, signatures and fingerprints.

use std::fs;
use std::path::Path;

use adit_proto::secret::Secret;
use adit_proto::wire::Put;
use adit_transport::identity::private_key::{self, Parsed, PrivateKey};
use base64ct::{Base64, Encoding};
use ring::digest;

use crate::program::{TYPES, make_key, ssh_keygen, text};

fn load(path: &Path) -> PrivateKey {
    match private_key::load(path).unwrap() {
        Parsed::Plain(key) => key,
        Parsed::Encrypted(_) => panic!("{} is encrypted", path.display()),
    }
}

/// A signature over `message` in the namespace `test`,
/// [PROTOCOL.sshsig](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig).
fn sshsig(key: &PrivateKey, algorithm: &str, message: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA512, message);
    let mut signed = b"SSHSIG".to_vec();
    for part in [&b"test"[..], b"", b"sha512", hash.as_ref()] {
        signed.put_string(part);
    }
    let mut blob = b"SSHSIG\0\0\0\x01".to_vec();
    for part in [&key.public_key().wire()[..], b"test", b"", b"sha512"] {
        blob.put_string(part);
    }
    blob.put_string(&key.sign(algorithm, &signed).unwrap());
    let base64 = Base64::encode_string(&blob);
    format!("-----BEGIN SSH SIGNATURE-----\n{base64}\n-----END SSH SIGNATURE-----\n")
}

fn check(folder: &Path, key: &PrivateKey) {
    for algorithm in key.public_key().algorithms() {
        let signature = folder.join("signature");
        fs::write(&signature, sshsig(key, algorithm, b"message")).unwrap();
        let args = ["-Y", "check-novalidate", "-n", "test", "-s", text(&signature)];
        let said = ssh_keygen(&args, b"message");
        assert!(said.contains("Good \"test\" signature"), "{algorithm}: {said}");
    }
}

#[test]
fn keys_of_ssh_keygen_make_signatures_that_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    for (name, args) in TYPES {
        check(folder.path(), &load(&make_key(folder.path(), name, "", args)));
    }
}

#[test]
fn encrypted_keys_of_ssh_keygen_are_decrypted() {
    let folder = tempfile::tempdir().unwrap();
    let path = make_key(folder.path(), "key", "correct horse", &["-t", "ed25519"]);
    let Parsed::Encrypted(encrypted) = private_key::load(&path).unwrap() else {
        panic!("not encrypted")
    };
    assert!(encrypted.decrypt(&Secret::from(&b"wrong"[..])).is_err());
    let key = encrypted.decrypt(&Secret::from(&b"correct horse"[..])).unwrap();
    check(folder.path(), &key);
}

#[test]
fn generated_keys_are_read_by_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = PrivateKey::generate_ed25519("made by adit").unwrap();
    key.save(&path).unwrap();
    let public = ssh_keygen(&["-y", "-f", text(&path)], b"");
    assert_eq!(public.trim_end(), format!("{} made by adit", key.public_key()));
    check(folder.path(), &key);
}

#[test]
fn fingerprints_and_sizes_are_those_of_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    for (name, args) in TYPES {
        let path = make_key(folder.path(), name, "", args);
        let told = ssh_keygen(&["-l", "-f", text(&path)], b"");
        let key = load(&path);
        let key = key.public_key();
        let expected = format!("{} {} {name} ", key.bits().unwrap(), key.fingerprint());
        assert!(told.starts_with(&expected), "{told}");
    }
}
