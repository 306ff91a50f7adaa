//! Exchange hash and keys, worked out a second time, by the letter of
//! [RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2) and
//! [RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4).

use adit_proto::provider::{KeyExchange, SharedSecret};

/// What is hashed, in the order of the RFC.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) v_c: Vec<u8>,
    pub(crate) v_s: Vec<u8>,
    pub(crate) i_c: Vec<u8>,
    pub(crate) i_s: Vec<u8>,
    pub(crate) k_s: Vec<u8>,
    pub(crate) q_c: Vec<u8>,
    pub(crate) q_s: Vec<u8>,
}

/// What an exchange comes to.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    /// K as it is hashed.
    pub(crate) k: Vec<u8>,
    /// H.
    pub(crate) h: Vec<u8>,
}

impl Said {
    /// `hash(V_C || V_S || I_C || I_S || K_S || Q_C || Q_S || K)`, all but K as strings.
    pub(crate) fn agree(&self, method: &dyn KeyExchange, secret: &SharedSecret) -> Agreed {
        let k = match secret {
            SharedSecret::Number(number) => mpint(number.expose()),
            SharedSecret::Bytes(bytes) => string(bytes.expose()),
        };
        let strings = [&self.v_c, &self.v_s, &self.i_c, &self.i_s, &self.k_s, &self.q_c, &self.q_s];
        let mut hashed: Vec<u8> = strings.into_iter().flat_map(|it| string(it)).collect();
        hashed.extend_from_slice(&k);
        let h = hash(method, &hashed);
        Agreed { k, h }
    }
}

impl Agreed {
    /// `K1 = HASH(K || H || X || session_id)`, `K2 = HASH(K || H || K1)`,
    /// `K3 = HASH(K || H || K1 || K2)`, ...; the key is their beginning.
    pub(crate) fn key(
        &self,
        method: &dyn KeyExchange,
        letter: u8,
        session_id: &[u8],
        len: usize,
    ) -> Vec<u8> {
        let mut key = hash(method, &[&self.k, &self.h, &[letter][..], session_id].concat());
        while key.len() < len {
            let next = hash(method, &[&self.k[..], &self.h, &key].concat());
            key.extend_from_slice(&next);
        }
        key.truncate(len);
        key
    }
}

fn hash(method: &dyn KeyExchange, bytes: &[u8]) -> Vec<u8> {
    method.hash(&[bytes]).expose().to_vec()
}

/// A `string` of [RFC 4251 section 5](https://www.rfc-editor.org/rfc/rfc4251#section-5).
pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap();
    [&len.to_be_bytes()[..], bytes].concat()
}

/// An `mpint` of [RFC 4251 section 5](https://www.rfc-editor.org/rfc/rfc4251#section-5), from a
/// number without sign.
pub(crate) fn mpint(number: &[u8]) -> Vec<u8> {
    let mut digits = number.to_vec();
    while digits.first() == Some(&0) {
        digits.remove(0);
    }
    if digits.first().is_some_and(|digit| *digit > 127) {
        digits.insert(0, 0);
    }
    string(&digits)
}
