//! The keys that an exchange yields,
//! [RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2).

use bytes::Bytes;

use crate::kex::proposal::Agreement;
use crate::provider::{Cipher, Failure, KeyExchange, Open, Provider, Seal};
use crate::secret::Secret;

/// What an exchange came to: all that keys are derived from.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) agreement: Agreement,
    /// The exchange hash H.
    pub(crate) hash: Bytes,
    /// The shared secret K as it is hashed.
    pub(crate) secret: Secret,
    /// The server's host key.
    pub(crate) host_key: Bytes,
}

/// Which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ClientToServer,
    ServerToClient,
}

impl Outcome {
    /// A sealer for packets of this direction.
    pub(crate) fn sealer(
        &self,
        provider: &Provider,
        session_id: &[u8],
        direction: Direction,
    ) -> Result<Box<dyn Seal>, Failure> {
        let (cipher, key, iv) = self.keys(provider, session_id, direction)?;
        cipher.sealer(&key, &iv)
    }

    /// An opener for packets of this direction.
    pub(crate) fn opener(
        &self,
        provider: &Provider,
        session_id: &[u8],
        direction: Direction,
    ) -> Result<Box<dyn Open>, Failure> {
        let (cipher, key, iv) = self.keys(provider, session_id, direction)?;
        cipher.opener(&key, &iv)
    }

    fn keys<'a>(
        &self,
        provider: &'a Provider,
        session_id: &[u8],
        direction: Direction,
    ) -> Result<(&'a dyn Cipher, Secret, Secret), Failure> {
        let (cipher, iv_letter, key_letter) = match direction {
            Direction::ClientToServer => (&self.agreement.cipher_client_to_server, b'A', b'C'),
            Direction::ServerToClient => (&self.agreement.cipher_server_to_client, b'B', b'D'),
        };
        let cipher = provider.cipher(cipher).ok_or(Failure::Internal)?;
        let method = provider.exchange(&self.agreement.exchange).ok_or(Failure::Internal)?;
        let derive = |letter, len| self.derive(method, session_id, letter, len);
        Ok((cipher, derive(key_letter, cipher.key_len()), derive(iv_letter, cipher.iv_len())))
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
            agreement: Agreement {
                exchange: String::new(),
                host_key: String::new(),
                cipher_client_to_server: String::new(),
                cipher_server_to_client: String::new(),
            },
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
