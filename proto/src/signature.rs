//! Signatures as on the wire, [RFC 4253 section 6.6](https://www.rfc-editor.org/rfc/rfc4253#section-6.6).

use bytes::Bytes;

use crate::provider::{Failure, Presence, Provider};
use crate::wire::{self, Put};

/// A signature as on the wire: the algorithm's name, and what the algorithm makes.
pub fn encode(algorithm: &str, signature: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(algorithm.len() + signature.len() + 8);
    out.put_string(algorithm.as_bytes());
    out.put_string(signature);
    out.into()
}

/// Verifies a signature as on the wire by a public key as on the wire, and yields what it says of
/// its maker's presence, where it is a security key's.
///
/// # Errors
/// [`Failure::BadKey`] where the key is not of the algorithm's type, [`Failure::BadSignature`]
/// where the signature does not carry [the algorithm's name](crate::provider::Verify::signature_name)
/// or does not verify.
pub fn verify(
    provider: &Provider,
    algorithm: &str,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<Option<Presence>, Failure> {
    let verifier = provider.verifier(algorithm).ok_or(Failure::BadSignature)?;
    let (_, key_type) = wire::utf8(key).map_err(|_| Failure::BadKey)?;
    if key_type != verifier.key_type() {
        return Err(Failure::BadKey);
    }
    let (signature, used) = wire::utf8(signature).map_err(|_| Failure::BadSignature)?;
    if used != verifier.signature_name() {
        return Err(Failure::BadSignature);
    }
    verifier.verify(key, message, signature)?;
    Ok(verifier.presence(signature))
}
