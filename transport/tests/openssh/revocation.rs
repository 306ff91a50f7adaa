//! Key revocation lists that `ssh-keygen -k` makes.

use std::fs;
use std::path::Path;

use adit_transport::certificate::Certificate;
use adit_transport::public_key::PublicKey;
use adit_transport::revocation::{self, Revocation};

use crate::program::{make_key, ssh_keygen, text};

struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["corp", "other", "ann", "bob"] {
            make_key(folder.path(), name, "", &["-t", "ed25519"]);
        }
        Self { folder }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn key(&self, name: &str) -> PublicKey {
        let text = fs::read_to_string(self.at(&format!("{name}.pub"))).unwrap();
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    /// A certificate of ann's key with this number, signed by this authority.
    fn certificate(&self, authority: &str, serial: u64, id: &str) -> Certificate {
        let (ca, public) = (self.at(authority), self.at("ann.pub"));
        let serial = serial.to_string();
        let names = ["-q", "-s", text(&ca), "-I", id, "-n", "ann", "-z", &serial];
        ssh_keygen(&[&names[..], &[text(&public)]].concat(), b"");
        let text = fs::read_to_string(self.at("ann-cert.pub")).unwrap();
        Certificate::parse(&text).unwrap().0
    }

    /// A list of what this specification revokes, of certificates of `corp`.
    fn list(&self, specification: &str) -> Revocation {
        let (list, from, ca) = (self.at("list"), self.at("specification"), self.at("corp.pub"));
        fs::write(&from, specification).unwrap();
        ssh_keygen(&["-q", "-k", "-f", text(&list), "-s", text(&ca), text(&from)], b"");
        revocation::load(&list).unwrap()
    }
}

fn line(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn certificates_are_revoked_by_their_numbers_and_key_ids() {
    let shop = Workshop::new();
    // Numbers close to one another make a bitmap, those far apart a list, and runs a range.
    let close = "serial: 3\nserial: 5\nserial: 6\nserial: 9\n";
    let apart = "serial: 3\nserial: 9000000000000000000\n";
    for (specification, revoked, good) in [
        (close, vec![3, 5, 6, 9], vec![1, 2, 4, 7, 8, 10]),
        (apart, vec![3, 9_000_000_000_000_000_000], vec![4, 8_999_999_999_999_999_999]),
        ("serial: 10-400\n", vec![10, 200, 400], vec![9, 401]),
    ] {
        let list = shop.list(specification);
        for serial in revoked {
            assert!(list.has_certificate(&shop.certificate("corp", serial, "me")), "{serial}");
            let others = shop.certificate("other", serial, "me");
            assert!(!list.has_certificate(&others), "{serial} of another authority");
        }
        for serial in good {
            assert!(!list.has_certificate(&shop.certificate("corp", serial, "me")), "{serial}");
        }
    }
    let list = shop.list("id: the lost one\n");
    assert!(list.has_certificate(&shop.certificate("corp", 0, "the lost one")));
    assert!(!list.has_certificate(&shop.certificate("corp", 0, "another one")));
}

#[test]
fn keys_are_revoked_in_each_way_that_there_is() {
    let shop = Workshop::new();
    let ann = line(&shop.at("ann.pub"));
    let print = ssh_keygen(&["-lf", text(&shop.at("ann.pub"))], b"");
    let print = print.split(' ').nth(1).unwrap().to_owned();
    for specification in [
        format!("key: {ann}"),
        format!("sha1: {ann}"),
        format!("sha256: {ann}"),
        format!("hash: {print}\n"),
    ] {
        let list = shop.list(&specification);
        assert!(list.has_key(&shop.key("ann")), "{specification}");
        assert!(!list.has_key(&shop.key("bob")), "{specification}");
        assert!(list.has_certificate(&shop.certificate("corp", 1, "me")), "{specification}");
    }
    let list = shop.list(&line(&shop.at("corp.pub")));
    assert!(list.has_certificate(&shop.certificate("corp", 1, "me")), "its authority is revoked");
    assert!(!list.has_certificate(&shop.certificate("other", 1, "me")));
}
