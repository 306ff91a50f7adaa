//! SSH_MSG_KEX_ECDH_INIT and SSH_MSG_KEX_ECDH_REPLY, and all messages of the same form.
//!
//! SSH_MSG_KEXDH_INIT carries an `mpint`, which is a `string` on the wire, and the hybrid
//! methods put what they need in the same two strings.

use bytes::Bytes;

use crate::message::codec::message;

message! {
    /// The client's share,
    /// [RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4).
    KexEcdhInit = KEX_ECDH_INIT {
        /// The share, called Q_C.
        share: Bytes,
    }
}

message! {
    /// The server's share, its host key, and its signature over the exchange hash,
    /// [RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4).
    KexEcdhReply = KEX_ECDH_REPLY {
        /// The host key, called K_S.
        host_key: Bytes,
        /// The share, called Q_S.
        share: Bytes,
        /// The signature over the exchange hash.
        signature: Bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        init: KexEcdhInit = bytes().prop_map(|share| KexEcdhInit { share });
        reply: KexEcdhReply = (bytes(), bytes(), bytes()).prop_map(
            |(host_key, share, signature)| KexEcdhReply { host_key, share, signature });
    }
}
