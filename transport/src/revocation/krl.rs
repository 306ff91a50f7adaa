//! Key revocation lists, as `ssh-keygen -k` makes them,
//! [PROTOCOL.krl](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.krl).
//!
//! ```text
//! uint64  "SSHKRL\n\0"
//! uint32  format            1
//! uint64  number, uint64 date, uint64 flags, string reserved, string comment
//! then sections, each of byte type and string data:
//!   1  certificates         string authority, empty for all; string reserved; then
//!      0x20  numbers        uint64 ...
//!      0x21  range          uint64 first, uint64 last
//!      0x22  bitmap         uint64 offset, mpint bits
//!      0x23  key ids        string ...
//!      0x39  extension      string name, boolean critical, string contents
//!   2  keys                 string ...
//!   3  SHA-1 hashes         string ...
//!   4  signature            string key, string signature
//!   5  SHA-256 hashes       string ...
//!   255 extension           string name, boolean critical, string contents
//! ```
//!
//! Signatures are not looked at: a list is believed for the file that it stands in, as OpenSSH
//! does.

use adit_proto::wire;
use bytes::Bytes;

use crate::public_key::{Fingerprint, PublicKey};
use crate::revocation::list::{Certificates, Revocation};

/// What a list begins with.
pub(super) const MAGIC: &[u8] = b"SSHKRL\n\0";

/// The format that is known.
const FORMAT: u32 = 1;

/// Why a list is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Bad {
    /// It is cut short, or not made as it should be.
    #[error("the key revocation list is cut short or malformed")]
    Malformed,
    /// It is of another format.
    #[error("the key revocation list is of format {0}, and only 1 is known")]
    Format(u32),
    /// It has a part that is not known.
    #[error("the key revocation list has a section of type {0}, which is not known")]
    Section(u8),
    /// It has an extension that must be understood.
    #[error("the key revocation list has the critical extension {0:?}, which is not known")]
    Extension(String),
}

/// Parses a list, from its first byte on.
pub(super) fn parse(bytes: &[u8]) -> Result<Revocation, Bad> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(Bad::Malformed)?;
    let mut input = Input(rest);
    match input.uint32()? {
        FORMAT => {}
        other => return Err(Bad::Format(other)),
    }
    for _ in ["number", "date", "flags"] {
        input.uint64()?;
    }
    for _ in ["reserved", "comment"] {
        input.string()?;
    }
    let mut revocation = Revocation::default();
    while !input.0.is_empty() {
        let kind = input.byte()?;
        let mut data = Input(input.string()?);
        match kind {
            1 => revocation.certificates.push(certificates(data)?),
            2 => data.each(|key| {
                let key = PublicKey::from_wire(Bytes::copy_from_slice(key));
                revocation.add(&key.map_err(|_| Bad::Malformed)?);
                Ok(())
            })?,
            3 => data.each(|hash| {
                revocation.sha1.insert(hash.try_into().map_err(|_| Bad::Malformed)?);
                Ok(())
            })?,
            // The signatures stand at the end, and what follows them is not of the list.
            4 => break,
            5 => data.each(|hash| {
                let hash = hash.try_into().map_err(|_| Bad::Malformed)?;
                revocation.add_fingerprint(Fingerprint::from_hash(hash));
                Ok(())
            })?,
            255 => data.extension()?,
            other => return Err(Bad::Section(other)),
        }
    }
    Ok(revocation)
}

fn certificates(mut input: Input<'_>) -> Result<Certificates, Bad> {
    let authority = match input.string()? {
        [] => None,
        key => Some(PublicKey::from_wire(Bytes::copy_from_slice(key)).map_err(|_| Bad::Malformed)?),
    };
    input.string()?;
    let mut revoked = Certificates { authority, ..Certificates::default() };
    while !input.0.is_empty() {
        let kind = input.byte()?;
        let mut data = Input(input.string()?);
        match kind {
            0x20 => {
                while !data.0.is_empty() {
                    let serial = data.uint64()?;
                    revoked.serials.add(serial..=serial);
                }
            }
            0x21 => {
                let (first, last) = (data.uint64()?, data.uint64()?);
                data.end()?;
                revoked.serials.add(first..=last);
            }
            0x22 => bitmap(data, &mut revoked)?,
            0x23 => data.each(|id| {
                let id = std::str::from_utf8(id).map_err(|_| Bad::Malformed)?;
                revoked.key_ids.insert(id.to_owned());
                Ok(())
            })?,
            0x39 => data.extension()?,
            other => return Err(Bad::Section(other)),
        }
    }
    Ok(revoked)
}

/// Numbers from an offset on, by the bits that are set, the lowest first.
fn bitmap(mut data: Input<'_>, revoked: &mut Certificates) -> Result<(), Bad> {
    let offset = data.uint64()?;
    let bits = data.mpint()?;
    data.end()?;
    let set = bits.iter().rev().zip((0_u64..).step_by(8)).flat_map(|(byte, base)| {
        (0..8_u64).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| base + bit)
    });
    for bit in set {
        let serial = offset.checked_add(bit).ok_or(Bad::Malformed)?;
        revoked.serials.add(serial..=serial);
    }
    Ok(())
}

/// What is left to be read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take<T>(&mut self, parsed: wire::Parsed<'a, T>) -> Result<T, Bad> {
        let (rest, value) = parsed.map_err(|_| Bad::Malformed)?;
        self.0 = rest;
        Ok(value)
    }

    fn byte(&mut self) -> Result<u8, Bad> {
        self.take(wire::byte(self.0))
    }

    fn uint32(&mut self) -> Result<u32, Bad> {
        self.take(wire::uint32(self.0))
    }

    fn uint64(&mut self) -> Result<u64, Bad> {
        self.take(wire::uint64(self.0))
    }

    fn string(&mut self) -> Result<&'a [u8], Bad> {
        self.take(wire::string(self.0))
    }

    fn mpint(&mut self) -> Result<&'a [u8], Bad> {
        self.take(wire::mpint(self.0))
    }

    fn end(&self) -> Result<(), Bad> {
        if self.0.is_empty() { Ok(()) } else { Err(Bad::Malformed) }
    }

    /// Reads strings to the end.
    fn each(&mut self, mut take: impl FnMut(&'a [u8]) -> Result<(), Bad>) -> Result<(), Bad> {
        while !self.0.is_empty() {
            take(self.string()?)?;
        }
        Ok(())
    }

    /// An extension, which nothing here understands: one that is critical is an error.
    fn extension(&mut self) -> Result<(), Bad> {
        let name = String::from_utf8_lossy(self.string()?).into_owned();
        let critical = self.byte()? != 0;
        self.string()?;
        self.end()?;
        if critical { Err(Bad::Extension(name)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::Put;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::certificate::Certificate;

    const CERTIFICATE: &str = include_str!("../../testdata/certificates/ed25519.pub");

    fn list(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut list = MAGIC.to_vec();
        list.put_uint32(1);
        (0..3).for_each(|number| list.put_uint64(number));
        list.put_string(b"");
        list.put_string(b"comment");
        for (kind, data) in sections {
            list.put_byte(*kind);
            list.put_string(data);
        }
        list
    }

    fn of_certificates(authority: &[u8], sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut data = Vec::new();
        data.put_string(authority);
        data.put_string(b"");
        for (kind, inner) in sections {
            data.put_byte(*kind);
            data.put_string(inner);
        }
        list(&[(1, &data)])
    }

    fn certificate() -> Certificate {
        Certificate::parse(CERTIFICATE).unwrap().0
    }

    /// Its number is the greatest that there is.
    #[test]
    fn certificates_are_revoked_by_number_range_bitmap_and_key_id() {
        let certificate = certificate();
        let max = u64::MAX.to_be_bytes();
        let near = (u64::MAX - 9).to_be_bytes();
        let mut bits = near.to_vec();
        bits.put_mpint(&[2, 0]);
        let mut id = Vec::new();
        id.put_string(b"ann at home");
        let sections: [(u8, &[u8]); 4] =
            [(0x20, &max), (0x21, &[near, max].concat()), (0x22, &bits), (0x23, &id)];
        for authority in [&b""[..], certificate.authority().wire()] {
            for section in sections {
                let list = parse(&of_certificates(authority, &[section])).unwrap();
                assert!(list.has_certificate(&certificate), "{}", section.0);
            }
        }
        let other = certificate.key().wire();
        let list = parse(&of_certificates(other, &sections)).unwrap();
        assert!(!list.has_certificate(&certificate), "the list is another authority's");
        let list = parse(&of_certificates(b"", &[(0x20, &near), (0x23, b"")])).unwrap();
        assert!(!list.has_certificate(&certificate));
    }

    #[test]
    fn keys_are_revoked_as_they_are_and_by_their_hashes() {
        let certificate = certificate();
        let wire = certificate.key().wire();
        let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, wire);
        let sha256 = ring::digest::digest(&ring::digest::SHA256, wire);
        for (kind, value) in [(2, &wire[..]), (3, sha1.as_ref()), (5, sha256.as_ref())] {
            let mut data = Vec::new();
            data.put_string(value);
            let list = parse(&list(&[(kind, &data)])).unwrap();
            assert!(list.has_key(certificate.key()) && list.has_certificate(&certificate));
            assert!(!list.has_key(certificate.authority()));
        }
    }

    #[test]
    fn what_is_not_known_is_an_error_where_it_may_matter() {
        let extension = |critical: u8| {
            let mut data = Vec::new();
            data.put_string(b"new@example.com");
            data.put_byte(critical);
            data.put_string(b"");
            list(&[(255, &data)])
        };
        assert!(parse(&extension(0)).is_ok());
        let expected = Bad::Extension("new@example.com".to_owned());
        assert_eq!(parse(&extension(1)).unwrap_err(), expected);
        assert_eq!(parse(&list(&[(9, b"")])).unwrap_err(), Bad::Section(9));
        let mut other = list(&[]);
        other[11] = 2;
        assert_eq!(parse(&other).unwrap_err(), Bad::Format(2));
    }

    #[test]
    fn every_truncation_within_a_section_is_an_error() {
        let whole = of_certificates(b"", &[(0x21, &[0; 16])]);
        let empty = list(&[]).len();
        for len in (MAGIC.len()..whole.len()).filter(|len| *len != empty) {
            assert!(parse(&whole[..len]).is_err(), "{len}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_sections_never_panic(kind in any::<u8>(), data in vec(any::<u8>(), 0..100)) {
            let _ = parse(&list(&[(kind, &data)]));
            let _ = parse(&of_certificates(b"", &[(kind, &data)]));
        }
    }
}
