//! What an agent is asked, [RFC 9987](https://www.rfc-editor.org/rfc/rfc9987).

use adit_proto::event::HostProof;
use adit_proto::wire::Put;

/// Binds a connection to a session,
/// [PROTOCOL.agent section 1](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.agent).
const SESSION_BIND: &str = "session-bind@openssh.com";

/// A request to an agent.
#[derive(Debug)]
pub(super) enum Request<'a> {
    /// SSH_AGENTC_REQUEST_IDENTITIES.
    Identities,
    /// SSH_AGENTC_SIGN_REQUEST.
    Sign { key: &'a [u8], data: &'a [u8], hash: Hash },
    /// SSH_AGENTC_EXTENSION `session-bind@openssh.com`: what this connection signs is for the
    /// session with this server.
    SessionBind(&'a HostProof, Use),
}

/// What a connection to an agent is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// This side logs in.
    Login,
    /// The server has it.
    Forwarding,
}

/// The hash that an RSA key is to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    /// What the key's type says; for RSA it would be SHA-1.
    OfType,
    /// SSH_AGENT_RSA_SHA2_256.
    Sha256,
    /// SSH_AGENT_RSA_SHA2_512.
    Sha512,
}

impl Hash {
    /// The hash of a signature algorithm.
    pub(super) fn of(algorithm: &str) -> Self {
        match algorithm {
            "rsa-sha2-256" => Self::Sha256,
            "rsa-sha2-512" => Self::Sha512,
            _ => Self::OfType,
        }
    }

    fn flags(self) -> u32 {
        match self {
            Self::OfType => 0,
            Self::Sha256 => 2,
            Self::Sha512 => 4,
        }
    }
}

impl Request<'_> {
    /// The message with its length.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        match self {
            Self::Identities => body.put_byte(11),
            Self::Sign { key, data, hash } => {
                body.put_byte(13);
                body.put_string(key);
                body.put_string(data);
                body.put_uint32(hash.flags());
            }
            Self::SessionBind(proof, used_for) => {
                body.put_byte(27);
                body.put_string(SESSION_BIND.as_bytes());
                body.put_string(&proof.key);
                body.put_string(&proof.hash);
                body.put_string(&proof.signature);
                body.put_boolean(*used_for == Use::Forwarding);
            }
        }
        let mut message = Vec::with_capacity(body.len().saturating_add(4));
        message.put_string(&body);
        message
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn requests_are_encoded_as_the_rfc_says() {
        assert_eq!(Request::Identities.encode(), [0, 0, 0, 1, 11]);
        let key = b"\0\0\0\x03new";
        let request = Request::Sign { key, data: b"ab", hash: Hash::of("rsa-sha2-512") };
        assert_eq!(
            request.encode(),
            b"\0\0\0\x16\x0d\0\0\0\x07\0\0\0\x03new\0\0\0\x02ab\0\0\0\x04",
        );
    }

    #[test]
    fn whether_the_agent_is_forwarded_is_told_last() {
        let proof = HostProof {
            key: Bytes::from_static(b"k"),
            algorithm: "ssh-ed25519".to_owned(),
            hash: Bytes::from_static(b"h"),
            signature: Bytes::from_static(b"s"),
        };
        let told = |used_for| Request::SessionBind(&proof, used_for).encode();
        let body = b"\x1b\0\0\0\x18session-bind@openssh.com\0\0\0\x01k\0\0\0\x01h\0\0\0\x01s";
        assert_eq!(told(Use::Login), [&b"\0\0\0\x2d"[..], body, b"\0"].concat());
        assert_eq!(told(Use::Forwarding), [&b"\0\0\0\x2d"[..], body, b"\x01"].concat());
    }

    #[test]
    fn only_rsa_has_a_choice_of_hashes() {
        let algorithms = ["rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519"];
        assert_eq!(algorithms.map(|name| Hash::of(name).flags()), [2, 4, 0]);
    }
}
