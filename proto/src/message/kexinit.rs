//! SSH_MSG_KEXINIT.

use crate::message::codec::message;
use crate::name::NameList;

message! {
    /// What a side offers, in order of preference,
    /// [RFC 4253 section 7.1](https://www.rfc-editor.org/rfc/rfc4253#section-7.1).
    KexInit = KEXINIT {
        /// Random bytes, so that neither side alone determines the session.
        cookie: [u8; 16],
        /// Key exchange methods, and the markers of extensions among them.
        kex_algorithms: NameList,
        /// Signature algorithms of host keys.
        server_host_key_algorithms: NameList,
        /// Ciphers from client to server.
        encryption_client_to_server: NameList,
        /// Ciphers from server to client.
        encryption_server_to_client: NameList,
        /// MACs from client to server.
        mac_client_to_server: NameList,
        /// MACs from server to client.
        mac_server_to_client: NameList,
        /// Compression from client to server.
        compression_client_to_server: NameList,
        /// Compression from server to client.
        compression_server_to_client: NameList,
        /// Languages from client to server, which nobody fills.
        languages_client_to_server: NameList,
        /// Languages from server to client, which nobody fills.
        languages_server_to_client: NameList,
        /// Whether a guessed first packet of the method follows.
        first_kex_packet_follows: bool,
        /// For later use; zero.
        reserved: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        kexinit: KexInit = (
            any::<[u8; 16]>(), proptest::array::uniform10(names()), any::<bool>(), any::<u32>(),
        ).prop_map(|(cookie, [a, b, c, d, e, f, g, h, i, j], follows, reserved)| KexInit {
            cookie,
            kex_algorithms: a,
            server_host_key_algorithms: b,
            encryption_client_to_server: c,
            encryption_server_to_client: d,
            mac_client_to_server: e,
            mac_server_to_client: f,
            compression_client_to_server: g,
            compression_server_to_client: h,
            languages_client_to_server: i,
            languages_server_to_client: j,
            first_kex_packet_follows: follows,
            reserved,
        });
    }
}
