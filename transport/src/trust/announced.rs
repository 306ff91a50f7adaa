//! What is new in the host keys that a server announces.

use std::collections::HashSet;

use bytes::Bytes;

use crate::certificate::algorithm;
use crate::public_key::{Material, PublicKey};

/// The most keys that are looked at.
const MOST: usize = 64;

/// What a server's announcement of its host keys says that is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Keys that are not known. That the server has them is not proved yet.
    pub new: Vec<PublicKey>,
    /// Keys that are known, and that the server has no more.
    pub gone: Vec<PublicKey>,
}

impl News {
    /// What an announcement says beside what is `known`; `None` where it says nothing that could be
    /// learned: it is not made as it should be, or lacks the key that is in `use`.
    ///
    /// Certificates and keys of types that are not known here are passed over, and such keys never
    /// count as gone.
    pub(super) fn of(announced: &[Bytes], known: &[PublicKey], used: &PublicKey) -> Option<Self> {
        if announced.len() > MOST {
            return None;
        }
        let mut seen = HashSet::new();
        let mut keys = Vec::new();
        for wire in announced {
            let key = PublicKey::from_wire(wire.clone()).ok()?;
            if !seen.insert(wire) {
                return None;
            }
            if is_known_type(&key) {
                keys.push(key);
            }
        }
        if !keys.contains(used) {
            return None;
        }
        let gone = known.iter().filter(|key| is_known_type(key) && !keys.contains(key));
        let gone = gone.cloned().collect();
        let new = keys.iter().filter(|key| !known.contains(key)).cloned().collect();
        Some(Self { new, gone })
    }

    /// Whether nothing is new.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty()
    }
}

fn is_known_type(key: &PublicKey) -> bool {
    !algorithm::is_certificate(key.key_type()) && key.material() != Material::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = include_str!("../../testdata/keys/ed25519.pub");
    const NISTP256: &str = include_str!("../../testdata/keys/nistp256.pub");
    const RSA: &str = include_str!("../../testdata/keys/rsa2048.pub");

    fn key(text: &str) -> PublicKey {
        PublicKey::parse(text.trim_end()).unwrap().0
    }

    fn wires(keys: &[&str]) -> Vec<Bytes> {
        keys.iter().map(|text| key(text).wire().clone()).collect()
    }

    #[test]
    fn what_is_new_and_what_is_gone_is_told() {
        let known = [key(ED25519), key(RSA)];
        let news = News::of(&wires(&[ED25519, NISTP256]), &known, &key(ED25519)).unwrap();
        assert_eq!(news, News { new: vec![key(NISTP256)], gone: vec![key(RSA)] });
        assert!(News::of(&wires(&[RSA, ED25519]), &known, &known[0]).unwrap().is_empty());
    }

    #[test]
    fn an_announcement_that_makes_no_sense_is_passed_over() {
        let (known, used) = ([key(ED25519)], key(ED25519));
        let unknown = Bytes::from_static(b"\0\0\0\x03new");
        assert_eq!(News::of(&wires(&[NISTP256]), &known, &used), None, "without the one in use");
        assert_eq!(News::of(&wires(&[ED25519, ED25519]), &known, &used), None, "one twice");
        assert_eq!(News::of(&[Bytes::from_static(b"x")], &known, &used), None);
        assert_eq!(News::of(&vec![unknown.clone(); MOST + 1], &known, &used), None);
        let with_unknown = [wires(&[ED25519]), vec![unknown]].concat();
        assert!(News::of(&with_unknown, &known, &used).unwrap().is_empty());
    }
}
