//! Proofs that a server has the host keys that it announces,
//! [PROTOCOL section 2.5](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL),
//! `hostkeys-prove-00@openssh.com`.

use adit_proto::provider::Provider;
use adit_proto::signature;
use adit_proto::wire::{self, Put};
use bytes::Bytes;

use crate::identity::private_key::PrivateKey;
use crate::public_key::PublicKey;

/// What each proof signs, beside the session and the key.
const PROVE: &str = "hostkeys-prove-00@openssh.com";

/// Signs for each of the `asked` keys, which are as on the wire, and yields what the answer holds.
/// `None` where one of them is none of these, or cannot sign, or where more are
/// asked for than there are.
pub fn prove(host_keys: &[PrivateKey], session_id: &[u8], asked: &[Bytes]) -> Option<Bytes> {
    if asked.is_empty() || asked.len() > host_keys.len() {
        return None;
    }
    let mut proofs = Vec::new();
    for wire in asked {
        let key = host_keys.iter().find(|key| key.public_key().wire() == wire)?;
        let algorithms = key.public_key().algorithms();
        let signature = key.sign(algorithms.first()?, &signed(session_id, wire))?;
        proofs.put_string(&signature);
    }
    Some(proofs.into())
}

/// Verifies an answer: one signature for each key, in their order, and nothing else.
///
/// # Errors
/// [`Unproved`].
pub fn verify(
    provider: &Provider,
    session_id: &[u8],
    keys: &[PublicKey],
    answer: &[u8],
) -> Result<(), Unproved> {
    let mut rest = answer;
    for key in keys {
        let (after, proof) = wire::string(rest).map_err(|_| Unproved::Malformed)?;
        let (_, algorithm) = wire::utf8(proof).map_err(|_| Unproved::Malformed)?;
        let of_its_own = key.algorithms().contains(&algorithm);
        let data = signed(session_id, key.wire());
        let verified = signature::verify(provider, algorithm, key.wire(), &data, proof);
        if !of_its_own || verified.is_err() {
            return Err(Unproved::Signature(key.key_type().to_owned()));
        }
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(Unproved::Malformed) }
}

fn signed(session_id: &[u8], key: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(session_id.len() + key.len() + 64);
    data.put_string(PROVE.as_bytes());
    data.put_string(session_id);
    data.put_string(key);
    data
}

/// Why keys are not proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// The answer is no list of as many signatures as keys.
    #[error("the server's proof of its host keys is malformed")]
    Malformed,
    /// A signature does not verify.
    #[error("the server does not prove that it has the {0} key that it announces")]
    Signature(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn made() -> [PrivateKey; 2] {
        [(); 2].map(|()| PrivateKey::generate_ed25519("").unwrap())
    }

    fn wires(keys: &[PrivateKey]) -> Vec<Bytes> {
        keys.iter().map(|key| key.public_key().wire().clone()).collect()
    }

    #[test]
    fn what_was_proved_verifies_for_its_session_and_keys_only() {
        let keys = made();
        let public: Vec<_> = keys.iter().map(|key| key.public_key().clone()).collect();
        let answer = prove(&keys, b"session", &wires(&keys)).unwrap();
        let verify = |session: &[u8], keys: &[PublicKey], answer: &[u8]| {
            verify(&provider::default(), session, keys, answer)
        };
        assert_eq!(verify(b"session", &public, &answer), Ok(()));
        let bad = Err(Unproved::Signature("ssh-ed25519".to_owned()));
        assert_eq!(verify(b"another", &public, &answer), bad);
        let swapped: Vec<_> = public.iter().rev().cloned().collect();
        assert_eq!(verify(b"session", &swapped, &answer), bad);
        assert_eq!(verify(b"session", &public[..1], &answer), Err(Unproved::Malformed));
        for len in 0..answer.len() {
            assert!(verify(b"session", &public, &answer[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn a_key_that_is_none_of_the_servers_is_not_proved() {
        let (keys, others) = (made(), made());
        let asked = [wires(&keys), wires(&others)].concat();
        assert_eq!(prove(&keys, b"session", &asked), None);
        assert_eq!(prove(&keys, b"session", &[]), None);
        assert_eq!(prove(&keys, b"session", &vec![wires(&keys)[0].clone(); 3]), None);
    }
}
