//! What is offered, and what is agreed on,
//! [RFC 4253 section 7.1](https://www.rfc-editor.org/rfc/rfc4253#section-7.1).

use std::fmt;

use crate::config::{Algorithms, NONE};
use crate::error::Error;
use crate::message::kexinit::KexInit;
use crate::name::NameList;

/// Marks a client that takes SSH_MSG_EXT_INFO,
/// [RFC 8308 section 2.1](https://www.rfc-editor.org/rfc/rfc8308#section-2.1).
pub const EXT_INFO_C: &str = "ext-info-c";
/// Marks a server that takes SSH_MSG_EXT_INFO,
/// [RFC 8308 section 2.1](https://www.rfc-editor.org/rfc/rfc8308#section-2.1).
pub const EXT_INFO_S: &str = "ext-info-s";
/// Marks a client with strict key exchange,
/// [PROTOCOL section 1.10](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
pub const STRICT_C: &str = "kex-strict-c-v00@openssh.com";
/// Marks a server with strict key exchange,
/// [PROTOCOL section 1.10](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
pub const STRICT_S: &str = "kex-strict-s-v00@openssh.com";

/// What two sides agreed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreement {
    /// The key exchange method.
    pub exchange: String,
    /// The signature algorithm of the host key.
    pub host_key: String,
    /// The cipher from client to server.
    pub cipher_client_to_server: String,
    /// The cipher from server to client.
    pub cipher_server_to_client: String,
    /// The MAC from client to server; `None` where the cipher protects integrity itself.
    pub mac_client_to_server: Option<String>,
    /// The MAC from server to client; `None` where the cipher protects integrity itself.
    pub mac_server_to_client: Option<String>,
    /// The compression from client to server.
    pub compression_client_to_server: String,
    /// The compression from server to client.
    pub compression_server_to_client: String,
}

/// Which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ClientToServer,
    ServerToClient,
}

/// What packets of one direction go under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Protection<'a> {
    pub(crate) cipher: &'a str,
    pub(crate) mac: Option<&'a str>,
    pub(crate) compression: &'a str,
}

impl Agreement {
    pub(crate) fn algorithms(&self, direction: Direction) -> Protection<'_> {
        match direction {
            Direction::ClientToServer => Protection {
                cipher: &self.cipher_client_to_server,
                mac: self.mac_client_to_server.as_deref(),
                compression: &self.compression_client_to_server,
            },
            Direction::ServerToClient => Protection {
                cipher: &self.cipher_server_to_client,
                mac: self.mac_server_to_client.as_deref(),
                compression: &self.compression_server_to_client,
            },
        }
    }
}

/// As people read it: one direction stands for both where they are alike.
impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.exchange, self.host_key)?;
        let out = self.algorithms(Direction::ClientToServer);
        let back = self.algorithms(Direction::ServerToClient);
        write!(f, ", {out}")?;
        if out == back { Ok(()) } else { write!(f, " and back {back}") }
    }
}

/// As people read it.
impl fmt::Display for Protection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cipher)?;
        if let Some(mac) = self.mac {
            write!(f, " with {mac}")?;
        }
        if self.compression == NONE { Ok(()) } else { write!(f, ", {}", self.compression) }
    }
}

/// What the two sides of a connection offered each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offers {
    /// What this side offers.
    pub ours: KexInit,
    /// What the peer offers.
    pub theirs: KexInit,
}

impl Offers {
    /// The lists of both, by what they are of; of two directions the one from client to server.
    pub fn lists(&self) -> impl Iterator<Item = (&'static str, &NameList, &NameList)> {
        let Self { ours, theirs } = self;
        let kex = (&ours.kex_algorithms, &theirs.kex_algorithms);
        let keys = (&ours.server_host_key_algorithms, &theirs.server_host_key_algorithms);
        let ciphers = (&ours.encryption_client_to_server, &theirs.encryption_client_to_server);
        let macs = (&ours.mac_client_to_server, &theirs.mac_client_to_server);
        let compressions =
            (&ours.compression_client_to_server, &theirs.compression_client_to_server);
        [
            ("key exchange methods", kex),
            ("host key algorithms", keys),
            ("ciphers", ciphers),
            ("macs", macs),
            ("compressions", compressions),
        ]
        .into_iter()
        .map(|(what, (ours, theirs))| (what, ours, theirs))
    }
}

/// The offer of a side. The markers of extensions come behind the methods.
pub(crate) fn offer(algorithms: &Algorithms, cookie: [u8; 16], markers: &[&str]) -> KexInit {
    let methods = algorithms.exchanges.iter().chain(markers.iter().copied());
    KexInit {
        cookie,
        kex_algorithms: NameList::new(methods).unwrap_or_default(),
        server_host_key_algorithms: algorithms.host_keys.clone(),
        encryption_client_to_server: algorithms.ciphers.clone(),
        encryption_server_to_client: algorithms.ciphers.clone(),
        mac_client_to_server: algorithms.macs.clone(),
        mac_server_to_client: algorithms.macs.clone(),
        compression_client_to_server: algorithms.compressions.clone(),
        compression_server_to_client: algorithms.compressions.clone(),
        languages_client_to_server: NameList::default(),
        languages_server_to_client: NameList::default(),
        first_kex_packet_follows: false,
        reserved: 0,
    }
}

/// Which of two offers is this side's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    Client,
    Server,
}

/// Finds what both sides have: of each list, the client's first that the server has too.
/// `needs_mac` says whether a MAC goes with a cipher.
pub(crate) fn agree(
    client: &KexInit,
    server: &KexInit,
    own: Own,
    needs_mac: impl Fn(&str) -> bool,
) -> Result<Agreement, Error> {
    let choose = |what, client: &NameList, server: &NameList| {
        let common = client.iter().find(|name| !is_marker(name) && server.contains(name));
        common.map(str::to_owned).ok_or_else(|| {
            let (ours, theirs) = match own {
                Own::Client => (client, server),
                Own::Server => (server, client),
            };
            Error::NoCommonAlgorithm { what, ours: ours.clone(), theirs: theirs.clone() }
        })
    };
    let mut agreement = Agreement {
        exchange: choose("key exchange method", &client.kex_algorithms, &server.kex_algorithms)?,
        host_key: choose(
            "host key algorithm",
            &client.server_host_key_algorithms,
            &server.server_host_key_algorithms,
        )?,
        cipher_client_to_server: choose(
            "cipher from client to server",
            &client.encryption_client_to_server,
            &server.encryption_client_to_server,
        )?,
        cipher_server_to_client: choose(
            "cipher from server to client",
            &client.encryption_server_to_client,
            &server.encryption_server_to_client,
        )?,
        compression_client_to_server: choose(
            "compression",
            &client.compression_client_to_server,
            &server.compression_client_to_server,
        )?,
        compression_server_to_client: choose(
            "compression",
            &client.compression_server_to_client,
            &server.compression_server_to_client,
        )?,
        ..Agreement::default()
    };
    let choose_mac = |cipher: &str, what, client, server| match needs_mac(cipher) {
        true => choose(what, client, server).map(Some),
        false => Ok(None),
    };
    agreement.mac_client_to_server = choose_mac(
        &agreement.cipher_client_to_server,
        "MAC from client to server",
        &client.mac_client_to_server,
        &server.mac_client_to_server,
    )?;
    agreement.mac_server_to_client = choose_mac(
        &agreement.cipher_server_to_client,
        "MAC from server to client",
        &client.mac_server_to_client,
        &server.mac_server_to_client,
    )?;
    Ok(agreement)
}

/// Whether the peer's guess of method and host key is right: whether both sides prefer the same.
/// Where it is wrong, the first packet of the method is to be dropped.
pub(crate) fn guess_is_right(client: &KexInit, server: &KexInit) -> bool {
    client.kex_algorithms.first() == server.kex_algorithms.first()
        && client.server_host_key_algorithms.first() == server.server_host_key_algorithms.first()
}

fn is_marker(name: &str) -> bool {
    [EXT_INFO_C, EXT_INFO_S, STRICT_C, STRICT_S].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &str) -> NameList {
        NameList::parse(names).unwrap()
    }

    fn init(exchanges: &str, host_keys: &str, ciphers: &str, markers: &[&str]) -> KexInit {
        let algorithms = Algorithms {
            exchanges: list(exchanges),
            host_keys: list(host_keys),
            ciphers: list(ciphers),
            macs: list("m,n"),
            compressions: list("none"),
            signatures: NameList::default(),
        };
        offer(&algorithms, [0; 16], markers)
    }

    #[test]
    fn the_clients_order_decides() {
        let client = init("a,b", "h,i", "c,d", &[]);
        let server = init("b,a", "i,h", "d,c", &[]);
        let agreement = agree(&client, &server, Own::Client, |_| false).unwrap();
        assert_eq!(
            (&*agreement.exchange, &*agreement.host_key, &*agreement.cipher_server_to_client),
            ("a", "h", "c")
        );
    }

    #[test]
    fn a_marker_is_never_agreed_on() {
        let client = init("a", "h", "c", &[EXT_INFO_C, STRICT_C]);
        let server = init("b", "h", "c", &[EXT_INFO_C, STRICT_C]);
        let Err(Error::NoCommonAlgorithm { what, ours, .. }) =
            agree(&client, &server, Own::Server, |_| false)
        else {
            panic!("a marker was agreed on");
        };
        assert_eq!(what, "key exchange method");
        assert_eq!(ours, server.kex_algorithms);
    }

    #[test]
    fn a_guess_is_right_only_where_both_prefer_the_same() {
        let first = init("a,b", "h", "c", &[]);
        assert!(guess_is_right(&first, &init("a", "h,i", "d", &[])));
        assert!(!guess_is_right(&first, &init("b,a", "h", "c", &[])));
        assert!(!guess_is_right(&first, &init("a,b", "i,h", "c", &[])));
    }

    #[test]
    fn a_mac_is_agreed_on_where_the_cipher_needs_one() {
        let mut client = init("a", "h", "c,d", &[]);
        client.encryption_server_to_client = list("d");
        let mut server = init("a", "h", "c,d", &[]);
        server.mac_server_to_client = list("n,m");
        let needs_mac = |cipher: &str| cipher == "d";
        let agreement = agree(&client, &server, Own::Client, needs_mac).unwrap();
        assert_eq!(agreement.mac_client_to_server, None);
        assert_eq!(agreement.mac_server_to_client.as_deref(), Some("m"));
        server.mac_server_to_client = list("o");
        let refused = agree(&client, &server, Own::Client, needs_mac);
        let Err(Error::NoCommonAlgorithm { what, theirs, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((what, theirs), ("MAC from server to client", list("o")));
    }

    #[test]
    fn a_peer_that_insists_on_compression_is_refused() {
        let client = init("a", "h", "c", &[]);
        let mut server = client.clone();
        server.compression_server_to_client = list("zlib");
        let refused = agree(&client, &server, Own::Client, |_| false);
        assert!(matches!(refused, Err(Error::NoCommonAlgorithm { what: "compression", .. })));
    }
}
