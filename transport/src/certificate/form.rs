//! The wire form of certificates,
//! [PROTOCOL.certkeys](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys).
//!
//! ```text
//! string  type             \
//! string  nonce             |
//! ...     the key's fields  |
//! uint64  serial            |
//! uint32  kind              |
//! string  key id            |  signed
//! string  principals        |
//! uint64  valid after       |
//! uint64  valid before      |
//! string  critical options  |
//! string  extensions        |
//! string  reserved          |
//! string  authority's key  /
//! string  signature
//! ```

use adit_proto::wire::{self, Put};
use bytes::Bytes;

use crate::certificate::algorithm::{self, Algorithm};
use crate::certificate::extension::Extension;
use crate::certificate::kind::Kind;
use crate::certificate::restriction::Restriction;
use crate::certificate::validity::Validity;
use crate::public_key::PublicKey;
use crate::public_key::material::SK_ECDSA;

/// The most principals that a certificate may have.
const MOST_PRINCIPALS: usize = 256;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) key_type: &'static str,
    pub(super) key: PublicKey,
    pub(super) serial: u64,
    pub(super) kind: Kind,
    pub(super) key_id: String,
    pub(super) principals: Vec<String>,
    pub(super) validity: Validity,
    pub(super) restrictions: Vec<Restriction>,
    pub(super) extensions: Vec<Extension>,
    pub(super) authority: PublicKey,
    /// How many bytes of the wire form are signed.
    pub(super) signed: usize,
    /// The algorithm that the signature names.
    pub(super) algorithm: String,
    pub(super) signature: Bytes,
}

impl Form {
    pub(super) fn parse(blob: &Bytes) -> Result<Self, Invalid> {
        let (rest, key_type) = wire::utf8(blob).map_err(malformed)?;
        let names = algorithm::of_type(key_type).next().ok_or(Invalid::Type)?;
        let (rest, _nonce) = wire::string(rest).map_err(malformed)?;
        let (rest, key) = certified(rest, names)?;
        let (rest, serial) = wire::uint64(rest).map_err(malformed)?;
        let (rest, kind) = wire::uint32(rest).map_err(malformed)?;
        let (rest, key_id) = wire::utf8(rest).map_err(malformed)?;
        let (rest, principals) = wire::string(rest).map_err(malformed)?;
        let (rest, after) = wire::uint64(rest).map_err(malformed)?;
        let (rest, before) = wire::uint64(rest).map_err(malformed)?;
        let (rest, restrictions) = wire::string(rest).map_err(malformed)?;
        let (rest, extensions) = wire::string(rest).map_err(malformed)?;
        let (rest, _reserved) = wire::string(rest).map_err(malformed)?;
        let (rest, authority) = wire::string(rest).map_err(malformed)?;
        let signed = blob.len().saturating_sub(rest.len());
        let (rest, signature) = wire::string(rest).map_err(malformed)?;
        let (_, algorithm) = wire::utf8(signature).map_err(malformed)?;
        wire::end(rest).map_err(malformed)?;
        Ok(Self {
            key_type: names.key_type,
            key,
            serial,
            kind: Kind::from_number(kind).ok_or(Invalid::Kind)?,
            key_id: key_id.to_owned(),
            principals: self::principals(principals)?,
            validity: Validity { after, before },
            restrictions: Restriction::parse_all(restrictions).ok_or(Invalid::Options)?,
            extensions: Extension::parse_all(extensions).ok_or(Invalid::Options)?,
            authority: self::authority(blob.slice_ref(authority))?,
            signed,
            algorithm: algorithm.to_owned(),
            signature: blob.slice_ref(signature),
        })
    }
}

/// The certified key, made of the fields that it has in common with the certificate.
fn certified(input: &[u8], names: Algorithm) -> Result<(&[u8], PublicKey), Invalid> {
    let fields = match names.plain_key_type {
        "ssh-ed25519" => 1,
        SK_ECDSA => 3,
        _ => 2,
    };
    let mut rest = input;
    for _ in 0..fields {
        (rest, _) = wire::string(rest).map_err(malformed)?;
    }
    let len = input.len().saturating_sub(rest.len());
    let mut key = Vec::with_capacity(names.plain_key_type.len() + 4 + len);
    key.put_string(names.plain_key_type.as_bytes());
    key.put_raw(input.get(..len).unwrap_or_default());
    let key = PublicKey::from_wire(Bytes::from(key)).map_err(|_| Invalid::Malformed)?;
    Ok((rest, key))
}

fn principals(mut input: &[u8]) -> Result<Vec<String>, Invalid> {
    let mut principals = Vec::new();
    while !input.is_empty() {
        let (rest, name) = wire::utf8(input).map_err(malformed)?;
        if principals.len() == MOST_PRINCIPALS {
            return Err(Invalid::Principals);
        }
        principals.push(name.to_owned());
        input = rest;
    }
    Ok(principals)
}

/// An authority is a plain key: certificates are not chained.
fn authority(wire: Bytes) -> Result<PublicKey, Invalid> {
    let key = PublicKey::from_wire(wire).map_err(|_| Invalid::Malformed)?;
    if algorithm::is_certificate(key.key_type()) { Err(Invalid::Chained) } else { Ok(key) }
}

fn malformed<E>(_: E) -> Invalid {
    Invalid::Malformed
}

/// Why something is no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is of another type than those that are known here.
    #[error("this is no certificate of a type that is known")]
    Type,
    /// It is cut short, or not made as its type says.
    #[error("the certificate is cut short or malformed")]
    Malformed,
    /// It is neither a user's nor a host's.
    #[error("the certificate is neither a user's nor a host's")]
    Kind,
    /// It is for more users than anybody needs.
    #[error("the certificate has more than {MOST_PRINCIPALS} principals")]
    Principals,
    /// Its critical options or extensions are malformed.
    #[error("an option of the certificate is malformed")]
    Options,
    /// It is signed by a certificate.
    #[error("the certificate is signed by another certificate and not by a key")]
    Chained,
}
