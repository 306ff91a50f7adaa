//! What is revoked.

use std::collections::HashSet;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::certificate::Certificate;
use crate::public_key::{Fingerprint, PublicKey};
use crate::revocation::serials::Serials;

/// Keys and certificates that are revoked.
#[derive(Debug, Clone, Default)]
pub struct Revocation {
    pub(super) keys: HashSet<Fingerprint>,
    /// SHA-1 hashes of keys, which old lists have.
    pub(super) sha1: HashSet<[u8; 20]>,
    pub(super) certificates: Vec<Certificates>,
}

/// Certificates of one authority, or of all, that are revoked.
#[derive(Debug, Clone, Default)]
pub(super) struct Certificates {
    /// None for those of all authorities.
    pub(super) authority: Option<PublicKey>,
    pub(super) serials: Serials,
    pub(super) key_ids: HashSet<String>,
}

impl Revocation {
    /// Adds a key.
    pub fn add(&mut self, key: &PublicKey) {
        self.keys.insert(key.fingerprint());
    }

    /// Adds a key by its fingerprint.
    pub fn add_fingerprint(&mut self, fingerprint: Fingerprint) {
        self.keys.insert(fingerprint);
    }

    /// Adds all of another one.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.sha1.extend(other.sha1);
        self.certificates.extend(other.certificates);
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.sha1.is_empty() && self.certificates.is_empty()
    }

    /// Whether a key is revoked: one that is shown, or an authority's.
    pub fn has_key(&self, key: &PublicKey) -> bool {
        (!self.keys.is_empty() && self.keys.contains(&key.fingerprint()))
            || (!self.sha1.is_empty() && self.sha1.contains(&sha1(key.wire())))
    }

    /// Whether a certificate is revoked: by its number, by what its authority calls it, or with its
    /// key or its authority.
    pub fn has_certificate(&self, certificate: &Certificate) -> bool {
        let authority = certificate.authority();
        let by_itself = self.certificates.iter().any(|revoked| {
            let of_authority = revoked.authority.as_ref().is_none_or(|it| it == authority);
            // Zero is what certificates have whose authority does not number them.
            let serial = certificate.serial();
            let numbered = serial != 0 && revoked.serials.contains(serial);
            of_authority && (numbered || revoked.key_ids.contains(certificate.key_id()))
        });
        let certified = PublicKey::from_wire(certificate.wire().clone());
        by_itself
            || self.has_key(certificate.key())
            || self.has_key(authority)
            || certified.is_ok_and(|whole| self.has_key(&whole))
    }
}

fn sha1(key: &[u8]) -> [u8; 20] {
    let mut hash = [0; 20];
    hash.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, key).as_ref());
    hash
}
