//! Certificates that `ssh-keygen` signs.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use adit_proto::provider::{Failure, Verify};
use adit_proto::wire::Put;
use adit_proto::{signature, wire};
use adit_transport::certificate::algorithm::Algorithm;
use adit_transport::certificate::verifier::Certified;
use adit_transport::certificate::{Certificate, Occasion, Refused, algorithm};
use adit_transport::identity::private_key::{self, Parsed, PrivateKey};
use adit_transport::provider;

use crate::program::{TYPES, make_key, ssh_keygen, text};

/// A certificate of the key `subject`, signed with the key `authority` as `options` say.
fn sign(authority: &Path, subject: &Path, options: &[&str]) -> Certificate {
    let public = subject.with_extension("pub");
    let fixed = ["-q", "-s", text(authority), "-I", "the id"];
    ssh_keygen(&[&fixed[..], options, &[text(&public)]].concat(), b"");
    let name = format!("{}-cert.pub", subject.file_name().unwrap().to_str().unwrap());
    let words = fs::read_to_string(subject.with_file_name(name)).unwrap();
    Certificate::parse(&words).unwrap().0
}

fn load(path: &Path) -> PrivateKey {
    match private_key::load(path).unwrap() {
        Parsed::Plain(key) => key,
        Parsed::Encrypted(_) => panic!("{} is encrypted", path.display()),
    }
}

fn check(certificate: &Certificate, now: u64) -> Result<(), Refused> {
    let source = IpAddr::from([127, 0, 0, 1]);
    certificate.check(&Occasion { principals: &["ann"], source, now })
}

#[test]
fn every_type_of_key_certifies_every_other() {
    let folder = tempfile::tempdir().unwrap();
    let keys = TYPES.map(|(name, args)| make_key(folder.path(), name, "", args));
    for authority in &keys {
        for subject in &keys {
            let certificate = sign(authority, subject, &["-n", "ann", "-z", "5"]);
            assert_eq!(certificate.verify(&provider::default()), Ok(()));
            assert_eq!(certificate.authority(), load(authority).public_key());
            assert_eq!(certificate.key(), load(subject).public_key());
            assert_eq!((certificate.serial(), certificate.key_id()), (5, "the id"));
            assert_eq!(check(&certificate, 1), Ok(()));
        }
    }
}

#[test]
fn a_signature_with_sha1_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let authority = make_key(folder.path(), "ca", "", &["-t", "rsa", "-b", "2048"]);
    let subject = make_key(folder.path(), "ann", "", &["-t", "ed25519"]);
    let certificate = sign(&authority, &subject, &["-n", "ann", "-t", "ssh-rsa"]);
    assert!(certificate.verify(&provider::default()).is_err());
    let certificate = sign(&authority, &subject, &["-n", "ann", "-t", "rsa-sha2-256"]);
    assert_eq!(certificate.verify(&provider::default()), Ok(()));
}

#[test]
fn times_and_options_are_those_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let authority = make_key(folder.path(), "ca", "", &["-t", "ed25519"]);
    let subject = make_key(folder.path(), "ann", "", &["-t", "ed25519"]);
    let certified =
        |options: &[&str]| sign(&authority, &subject, &[&["-n", "ann"], options].concat());
    let timed = certified(&["-V", "20260101000000Z:20260102000000Z"]);
    assert_eq!(check(&timed, 1_767_225_599), Err(Refused::NotYet));
    assert_eq!(check(&timed, 1_767_225_600), Ok(()));
    assert_eq!(check(&timed, 1_767_312_000), Err(Refused::Expired));
    assert_eq!(check(&certified(&["-O", "source-address=10.0.0.0/8"]), 1), Err(Refused::Source));
    assert_eq!(check(&certified(&["-O", "source-address=127.0.0.1"]), 1), Ok(()));
    assert_eq!(check(&certified(&["-O", "force-command=true"]), 1), Ok(()));
    let by_pin = certified(&["-O", "verify-required", "-O", "no-touch-required"]);
    assert_eq!(check(&by_pin, 1), Ok(()));
    assert!(by_pin.requires_verification() && by_pin.waives_touch());
    let unknown = Err(Refused::Unsupported("new@example.com".to_owned()));
    assert_eq!(check(&certified(&["-O", "critical:new@example.com"]), 1), unknown);
    assert!(!certified(&["-O", "no-port-forwarding"]).permits_port_forwarding());
    let for_nobody = sign(&authority, &subject, &[]);
    assert_eq!(check(&for_nobody, 1), Err(Refused::Principal));
}

#[test]
fn a_certified_key_signs_by_each_of_its_algorithms() {
    let folder = tempfile::tempdir().unwrap();
    let authority = make_key(folder.path(), "ca", "", &["-t", "ed25519"]);
    for (name, args) in TYPES {
        let subject = make_key(folder.path(), name, "", args);
        let certificate = sign(&authority, &subject, &["-n", "ann"]);
        for algorithm in algorithm::of_type(certificate.key_type()) {
            let signature = load(&subject).sign(algorithm.signature, b"message").unwrap();
            let (signature, named) = wire::utf8(&signature).unwrap();
            assert_eq!(named, algorithm.signature);
            let verifier = Certified::named(algorithm.name).unwrap();
            assert_eq!(verifier.verify(certificate.wire(), b"message", signature), Ok(()));
            assert!(verifier.verify(certificate.wire(), b"massage", signature).is_err());
            assert!(verifier.verify(certificate.key().wire(), b"message", signature).is_err());
            check_wire(&certificate, algorithm, signature);
        }
    }
}

/// A signature on the wire names the algorithm of the plain key, and nothing else will do.
fn check_wire(certificate: &Certificate, algorithm: Algorithm, signature: &[u8]) {
    let verify = |name: &str| {
        let mut wire = Vec::new();
        wire.put_string(name.as_bytes());
        wire.extend_from_slice(signature);
        let provider = provider::default();
        signature::verify(&provider, algorithm.name, certificate.wire(), b"message", &wire)
    };
    assert_eq!(verify(algorithm.signature), Ok(None));
    assert_eq!(verify(algorithm.name), Err(Failure::BadSignature));
}
