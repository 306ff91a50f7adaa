//! What the server is, as far as it matters to tunnels.

use adit_forward::entry::{Bind, Entry};

/// What the server says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// `adit serve`: it listens on what it is asked to, or refuses.
    Adit,
    /// OpenSSH or Dropbear: as it is mostly set up, it says yes and listens on loopback
    /// addresses only (`GatewayPorts no`).
    Lenient,
    /// Another one, of which nothing is known.
    Other,
}

impl Server {
    /// Goes by its identification string.
    pub(crate) fn of(identification: Option<&str>) -> Self {
        let software = identification.and_then(|it| it.strip_prefix("SSH-2.0-")).unwrap_or("");
        match software.split(['_', ' ', '-']).next() {
            Some("adit") => Self::Adit,
            Some("OpenSSH" | "dropbear") => Self::Lenient,
            _ => Self::Other,
        }
    }

    /// What it is to be asked to listen on. An empty address, which is what `*` means to other
    /// servers, means nothing in particular to `adit serve`: that may then be loopback only.
    pub(crate) fn asked(self, entry: &Entry) -> Entry {
        match (self, entry) {
            (Self::Adit, Entry::Tcp { bind: Bind::All, port }) => {
                Entry::Tcp { bind: Bind::Host("*".to_owned()), port: *port }
            }
            _ => entry.clone(),
        }
    }

    /// Whether it may listen on less than it was asked to, and yet have said yes.
    pub(crate) fn may_fall_short(self, entry: &Entry) -> bool {
        self == Self::Lenient && matches!(entry, Entry::Tcp { bind, .. } if !is_loopback(bind))
    }
}

fn is_loopback(bind: &Bind) -> bool {
    match bind {
        Bind::Default | Bind::Localhost => true,
        Bind::All => false,
        Bind::Host(host) => {
            host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_identification() {
        let cases = [
            (Some("SSH-2.0-adit_0.1.0"), Server::Adit),
            (Some("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3"), Server::Lenient),
            (Some("SSH-2.0-dropbear_2022.83"), Server::Lenient),
            (Some("SSH-2.0-Go"), Server::Other),
            (None, Server::Other),
        ];
        for (identification, server) in cases {
            assert_eq!(Server::of(identification), server, "{identification:?}");
        }
    }

    #[test]
    fn only_what_is_open_to_others_may_fall_short() {
        let short = |entry: &str| Server::Lenient.may_fall_short(&entry.parse::<Entry>().unwrap());
        for entry in ["*:80", ":80", "192.0.2.1:80", "host:80"] {
            assert!(short(entry), "{entry}");
        }
        for entry in ["80", "localhost:80", "127.0.0.1:80", "[::1]:80", "/run/s"] {
            assert!(!short(entry), "{entry}");
        }
        assert!(!Server::Adit.may_fall_short(&"*:80".parse().unwrap()));
    }
}
