//! The keys that an exchange yields,
//! [RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2).

use bytes::Bytes;

use crate::config::NONE;
use crate::kex::method::Method;
use crate::kex::proposal::{Agreement, Direction};
use crate::packet::guard::{Guard, Keys};
use crate::packet::opener::Incoming;
use crate::packet::sealer::Outgoing;
use crate::provider::{Cipher, Compression, Failure, KeyExchange, Provider};
use crate::secret::Secret;

/// What an exchange came to: all that keys are derived from.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) agreement: Agreement,
    pub(crate) method: Method,
    /// The exchange hash H.
    pub(crate) hash: Bytes,
    /// The shared secret K as it is hashed.
    pub(crate) secret: Secret,
    /// The server's host key.
    pub(crate) host_key: Bytes,
}

/// The letters that the keys of a direction are derived by
/// ([RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2)).
struct Letters {
    iv: u8,
    key: u8,
    integrity_key: u8,
}

impl Letters {
    fn of(direction: Direction) -> Self {
        match direction {
            Direction::ClientToServer => Self { iv: b'A', key: b'C', integrity_key: b'E' },
            Direction::ServerToClient => Self { iv: b'B', key: b'D', integrity_key: b'F' },
        }
    }
}

impl Outcome {
    /// How packets of this direction are sealed.
    pub(crate) fn outgoing(
        &self,
        provider: &Provider,
        session_id: &[u8],
        direction: Direction,
    ) -> Result<Outgoing, Failure> {
        let algorithms = self.agreement.algorithms(direction);
        let cipher = match provider.cipher(algorithms.cipher) {
            Some(cipher) => {
                let keys = self.keys(provider, session_id, direction, &Lengths::of(cipher))?;
                cipher.sealer(&keys.key, &keys.iv)?
            }
            None => Box::new(self.guard(provider, session_id, direction)?),
        };
        let compression = compression(provider, algorithms.compression)?;
        Ok(Outgoing { cipher, compressor: compression.map(|it| it.compressor()) })
    }

    /// How packets of this direction are opened.
    pub(crate) fn incoming(
        &self,
        provider: &Provider,
        session_id: &[u8],
        direction: Direction,
    ) -> Result<Incoming, Failure> {
        let algorithms = self.agreement.algorithms(direction);
        let cipher = match provider.cipher(algorithms.cipher) {
            Some(cipher) => {
                let keys = self.keys(provider, session_id, direction, &Lengths::of(cipher))?;
                cipher.opener(&keys.key, &keys.iv)?
            }
            None => Box::new(self.guard(provider, session_id, direction)?),
        };
        let compression = compression(provider, algorithms.compression)?;
        Ok(Incoming { cipher, decompressor: compression.map(|it| it.decompressor()) })
    }

    /// A cipher with a MAC.
    fn guard(
        &self,
        provider: &Provider,
        session_id: &[u8],
        direction: Direction,
    ) -> Result<Guard, Failure> {
        let algorithms = self.agreement.algorithms(direction);
        let cipher = provider.stream_cipher(algorithms.cipher).ok_or(Failure::Internal)?;
        let mac = algorithms.mac.and_then(|name| provider.mac(name)).ok_or(Failure::Internal)?;
        let lengths =
            Lengths { key: cipher.key_len(), iv: cipher.block_len(), integrity_key: mac.key_len() };
        Guard::new(cipher, mac, &self.keys(provider, session_id, direction, &lengths)?)
    }

    fn keys(
        &self,
        provider: &Provider,
        session_id: &[u8],
        direction: Direction,
        lengths: &Lengths,
    ) -> Result<Keys, Failure> {
        let method = self.method.exchange(provider)?;
        let derive = |letter, len| self.derive(method, session_id, letter, len);
        let letters = Letters::of(direction);
        Ok(Keys {
            key: derive(letters.key, lengths.key),
            iv: derive(letters.iv, lengths.iv),
            integrity_key: derive(letters.integrity_key, lengths.integrity_key),
        })
    }

    /// `HASH(K || H || letter || session_id)`, made longer by `HASH(K || H || all so far)`.
    fn derive(
        &self,
        method: &dyn KeyExchange,
        session_id: &[u8],
        letter: u8,
        len: usize,
    ) -> Secret {
        let mut derived = Secret::zeroed(len);
        let mut filled = 0;
        while filled < len {
            let block = match filled {
                0 => method.hash(&[self.secret.expose(), &self.hash, &[letter], session_id]),
                _ => {
                    let so_far = Secret::from(derived.expose().get(..filled).unwrap_or_default());
                    method.hash(&[self.secret.expose(), &self.hash, so_far.expose()])
                }
            };
            filled += fill(derived.expose_mut(), filled, block.expose());
        }
        derived
    }
}

/// How long the keys of a direction are, in bytes.
struct Lengths {
    key: usize,
    iv: usize,
    integrity_key: usize,
}

impl Lengths {
    fn of(cipher: &dyn Cipher) -> Self {
        Self { key: cipher.key_len(), iv: cipher.iv_len(), integrity_key: 0 }
    }
}

/// The compression method of this name; `None` for `none`.
fn compression<'a>(
    provider: &'a Provider,
    name: &str,
) -> Result<Option<&'a dyn Compression>, Failure> {
    match name {
        NONE => Ok(None),
        name => provider.compression(name).map(Some).ok_or(Failure::Internal),
    }
}

/// Copies as much of `block` as there is room for behind `filled`; at least one byte, so that
/// a hash without output cannot make the caller run for ever.
fn fill(out: &mut [u8], filled: usize, block: &[u8]) -> usize {
    let rest = out.get_mut(filled..).unwrap_or_default();
    for (to, from) in rest.iter_mut().zip(block) {
        *to = *from;
    }
    rest.len().min(block.len()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Initiator, SharedSecret};

    /// A method whose hash shows what it was given, eight bytes long.
    #[derive(Debug)]
    struct Shown;

    impl KeyExchange for Shown {
        fn name(&self) -> &'static str {
            "shown"
        }
        fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
            Err(Failure::Internal)
        }
        fn respond(&self, _: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
            Err(Failure::Internal)
        }
        fn hash(&self, parts: &[&[u8]]) -> Secret {
            let mut bytes = parts.concat();
            bytes.resize(8, b'.');
            Secret::new(bytes)
        }
    }

    #[test]
    fn long_keys_are_made_block_by_block() {
        let outcome = Outcome {
            agreement: Agreement::default(),
            method: Method::Named(String::new()),
            hash: Bytes::from_static(b"H"),
            secret: Secret::from(&b"K"[..]),
            host_key: Bytes::new(),
        };
        let derive = |len| outcome.derive(&Shown, b"S", b'A', len);
        assert_eq!(derive(0).expose(), b"");
        assert_eq!(derive(5).expose(), b"KHAS.");
        assert_eq!(derive(20).expose(), b"KHAS....KHKHAS..KHKH");
    }
}
