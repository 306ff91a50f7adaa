//! The messages of a key exchange whose group is agreed on first,
//! [RFC 4419 section 5](https://www.rfc-editor.org/rfc/rfc4419#section-5).

use bytes::Bytes;

use crate::message::codec::message;
use crate::message::kex::KexEcdhReply;
use crate::wire::Mpint;

message! {
    /// The sizes that a client asks for, in bits,
    /// [RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3).
    KexDhGexRequest = KEX_DH_GEX_REQUEST {
        /// At least so many.
        min: u32,
        /// At best so many, called n.
        preferred: u32,
        /// At most so many.
        max: u32,
    }
}

message! {
    /// The group that the server chose,
    /// [RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3).
    KexDhGexGroup = KEX_DH_GEX_GROUP {
        /// The safe prime, p.
        prime: Mpint,
        /// The generator, g.
        generator: Mpint,
    }
}

message! {
    /// The client's share,
    /// [RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3).
    KexDhGexInit = KEX_DH_GEX_INIT {
        /// The share, called e.
        share: Bytes,
    }
}

message! {
    /// The server's share, its host key, and its signature over the exchange hash,
    /// [RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3).
    KexDhGexReply = KEX_DH_GEX_REPLY {
        /// The host key, called K_S.
        host_key: Bytes,
        /// The share, called f.
        share: Bytes,
        /// The signature over the exchange hash.
        signature: Bytes,
    }
}

impl From<KexEcdhReply> for KexDhGexReply {
    fn from(reply: KexEcdhReply) -> Self {
        let KexEcdhReply { host_key, share, signature } = reply;
        Self { host_key, share, signature }
    }
}

impl From<KexDhGexReply> for KexEcdhReply {
    fn from(reply: KexDhGexReply) -> Self {
        let KexDhGexReply { host_key, share, signature } = reply;
        Self { host_key, share, signature }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::codec::laws;

    /// A number without leading zeros.
    fn mpint() -> impl Strategy<Value = Mpint> {
        (1_u8.., proptest::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(first, rest)| Mpint([&[first][..], &rest].concat().into()))
    }

    laws! {
        request: KexDhGexRequest = any::<[u32; 3]>().prop_map(
            |[min, preferred, max]| KexDhGexRequest { min, preferred, max });
        group: KexDhGexGroup = (mpint(), mpint()).prop_map(
            |(prime, generator)| KexDhGexGroup { prime, generator });
        init: KexDhGexInit = bytes().prop_map(|share| KexDhGexInit { share });
        reply: KexDhGexReply = (bytes(), bytes(), bytes()).prop_map(
            |(host_key, share, signature)| KexDhGexReply { host_key, share, signature });
    }
}
