//! Private keys in every format that `ssh-keygen` and `openssl` write.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use adit_proto::secret::Secret;
use adit_proto::wire;
use adit_transport::identity::private_key::{self, Parsed, PrivateKey};
use adit_transport::identity::problem::Problem;
use adit_transport::provider;
use adit_transport::public_key::PublicKey;

use crate::program::{make_key, openssl, ssh_keygen, text};

const PASSPHRASE: &str = "correct horse";

/// What `ssh-keygen` is told to make, with the sizes that sign here.
const KINDS: [(&str, &[&str]); 7] = [
    ("ed25519", &["-t", "ed25519"]),
    ("nistp256", &["-t", "ecdsa", "-b", "256"]),
    ("nistp384", &["-t", "ecdsa", "-b", "384"]),
    ("nistp521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa2048", &["-t", "rsa", "-b", "2048"]),
    ("rsa3072", &["-t", "rsa", "-b", "3072"]),
    ("rsa4096", &["-t", "rsa", "-b", "4096"]),
];

fn open(path: &Path, encrypted: bool) -> PrivateKey {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    match (private_key::load(path).unwrap(), encrypted) {
        (Parsed::Plain(key), false) => key,
        (Parsed::Encrypted(key), true) => {
            for wrong in ["", "correct", "correct horse "] {
                let error = key.decrypt(&Secret::from(wrong.as_bytes())).unwrap_err();
                assert!(matches!(error.problem(), Problem::WrongPassphrase), "{error}");
            }
            key.decrypt(&Secret::from(PASSPHRASE.as_bytes())).unwrap()
        }
        (other, _) => panic!("{}: {other:?}", path.display()),
    }
}

/// The key is the one whose public half `ssh-keygen` has written, and signs.
fn check(path: &Path, encrypted: bool, public: &PublicKey) {
    let key = open(path, encrypted);
    assert_eq!(key.public_key(), public, "{}", path.display());
    let provider = provider::default();
    for algorithm in public.algorithms() {
        let signature = key.sign(algorithm, b"message").unwrap();
        let (signature, _) = wire::utf8(&signature).unwrap();
        let verifier = provider.verifier(algorithm).unwrap();
        assert_eq!(verifier.verify(public.wire(), b"message", signature), Ok(()), "{algorithm}");
    }
    let whole = fs::read(path).unwrap();
    for len in [whole.len() / 3, whole.len() * 2 / 3, whole.len() - 10] {
        let cut = private_key::parse(&whole[..len], "cut").unwrap_err();
        assert!(matches!(cut.problem(), Problem::NoEnd), "{cut}");
    }
}

fn public(path: &Path) -> PublicKey {
    let text = fs::read_to_string(path.with_extension("pub")).unwrap();
    PublicKey::parse(text.trim_end()).unwrap().0
}

/// A key that `ssh-keygen` has made, and its public half.
fn made(folder: &Path, name: &str, args: &[&str]) -> (PathBuf, PublicKey) {
    let path = make_key(folder, name, "", args);
    let public = public(&path);
    (path, public)
}

#[test]
fn every_format_of_ssh_keygen_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, args) in KINDS {
        for format in ["RFC4716", "PEM", "PKCS8"] {
            // It writes Ed25519 keys in its own format only.
            if name == "ed25519" && format != "RFC4716" {
                continue;
            }
            for passphrase in ["", PASSPHRASE] {
                let file = format!("{name}_{format}_{}", passphrase.len());
                let args = [args, &["-m", format][..]].concat();
                let path = make_key(folder.path(), &file, passphrase, &args);
                check(&path, !passphrase.is_empty(), &public(&path));
            }
        }
    }
}

#[test]
fn every_format_of_openssl_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let pass = format!("pass:{PASSPHRASE}");
    // The first are those of PKCS #8, and the others those of the older formats.
    let pkcs8: [&[&str]; 8] = [
        &["-nocrypt"],
        &["-v2", "aes-128-cbc"],
        &["-v2", "aes-192-cbc"],
        &["-v2", "aes-256-cbc"],
        &["-v2", "des3"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"],
        &["-scrypt"],
    ];
    let older: [&[&str]; 5] = [&[], &["-aes128"], &["-aes192"], &["-aes256"], &["-des3"]];
    for (name, args) in KINDS.iter().filter(|(name, _)| *name != "ed25519") {
        let args = [args, &["-m", "PEM"][..]].concat();
        let (from, public) = made(folder.path(), name, &args);
        let to = folder.path().join("converted");
        for (number, how) in pkcs8.iter().enumerate() {
            let files = ["pkcs8", "-topk8", "-in", text(&from), "-out", text(&to)];
            let encrypted = number > 0;
            let with: &[&str] = if encrypted { &["-passout", &pass] } else { &[] };
            openssl(&[&files[..], with, how].concat());
            check(&to, encrypted, &public);
        }
        let program = if name.starts_with("rsa") { "rsa" } else { "ec" };
        for (number, how) in older.iter().enumerate() {
            let files = [program, "-in", text(&from), "-out", text(&to)];
            let traditional: &[&str] = if program == "rsa" { &["-traditional"] } else { &[] };
            let encrypted = number > 0;
            let with: &[&str] = if encrypted { &["-passout", &pass] } else { &[] };
            openssl(&[&files[..], traditional, with, how].concat());
            check(&to, encrypted, &public);
        }
    }
}

#[test]
fn ed25519_keys_of_openssl_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, sealed) = (folder.path().join("plain"), folder.path().join("sealed"));
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", text(&plain)]);
    let pass = format!("pass:{PASSPHRASE}");
    openssl(&["pkcs8", "-topk8", "-in", text(&plain), "-out", text(&sealed), "-passout", &pass]);
    let public = open(&plain, false).public_key().clone();
    assert_eq!(public.key_type(), "ssh-ed25519");
    check(&plain, false, &public);
    check(&sealed, true, &public);
    let der = folder.path().join("public.der");
    let args = ["pkey", "-in", text(&plain), "-pubout", "-outform", "DER", "-out", text(&der)];
    openssl(&args);
    assert!(public.wire().ends_with(&fs::read(&der).unwrap()[12..]), "openssl says another one");
}

#[test]
fn parameters_before_a_key_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-out", text(&path)]);
    let key = open(&path, false);
    assert_eq!(format!("{}\n", key.public_key()), ssh_keygen(&["-y", "-f", text(&path)], b""));
}

#[test]
fn keys_that_do_not_sign_here_are_refused_with_their_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let rsa = |bits: &str| -> Vec<String> {
        ["genpkey", "-algorithm", "rsa", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")]
            .map(str::to_owned)
            .to_vec()
    };
    let named = |algorithm: &str| ["genpkey", "-algorithm", algorithm].map(str::to_owned).to_vec();
    let curve = ["ecparam", "-name", "secp256k1", "-genkey", "-noout"].map(str::to_owned).to_vec();
    let cases = [
        (
            rsa("1024"),
            "it is an rsa key of 1024 bits; those of 2048, 3072 and 4096 bits are supported",
        ),
        (
            rsa("2056"),
            "it is an rsa key of 2056 bits; those of 2048, 3072 and 4096 bits are supported",
        ),
        (named("ed448"), "it is of type \"ed448\", which is not supported"),
        (named("x25519"), "it is of type \"x25519\", which is not supported"),
        (named("rsa-pss"), "it is of type \"rsa for pss alone\", which is not supported"),
        (curve, "it is of type \"ecdsa on the curve 1.3.132.0.10\", which is not supported"),
    ];
    for (args, cause) in cases {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        openssl(&[&args[..], &["-out", text(&path)]].concat());
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let error = private_key::load(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("private key {}: {cause}", path.display()));
    }
}

#[test]
fn a_changed_key_is_refused_with_a_cause() {
    let folder = tempfile::tempdir().unwrap();
    for (name, args) in [KINDS[1], KINDS[3], KINDS[4]] {
        let (from, _) = made(folder.path(), name, &[args, &["-m", "PKCS8"][..]].concat());
        let whole = fs::read_to_string(&from).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        for missing in 1..lines.len() - 1 {
            let mut lines = lines.clone();
            lines.remove(missing);
            let error = private_key::parse(lines.join("\n").as_bytes(), name).unwrap_err();
            let problem = error.problem();
            let told = matches!(problem, Problem::Damaged | Problem::Base64 | Problem::Mismatch);
            assert!(told, "{name} without line {missing}: {problem}");
        }
    }
}
