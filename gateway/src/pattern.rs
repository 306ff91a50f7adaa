//! Targets as rules name them.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

use adit_transport::certificate::network::{self, Network};

use crate::answers::{Answer, Answers};
use crate::effect::Effect;
use crate::host::{self, Host, Name};
use crate::ports::{self, Ports};
use crate::socket_path::{self, SocketPath};
use crate::subject::{Pinned, Subject, embedded};

/// A target as a rule names it.
///
/// | written | means |
/// |---|---|
/// | `db.example:5432` | a name, and the addresses that it has |
/// | `*.example:443` | names that end so, and not their addresses |
/// | `192.0.2.1:22`, `[::1]:80,443` | an address |
/// | `10.0.0.0/8:*`, `[2001:db8::/32]:1-1023` | a network |
/// | `*:443` | every host |
/// | `/run/app.sock` | a Unix socket |
/// | `/run/app/` | all Unix sockets in a folder, at whatever depth |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Ports of hosts.
    Tcp {
        /// The hosts.
        hosts: Hosts,
        /// The ports.
        ports: Ports,
    },
    /// A Unix socket.
    Socket(SocketPath),
    /// All Unix sockets in a folder.
    Folder(SocketPath),
}

/// Hosts as rules name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// All.
    All,
    /// The one of this name.
    Name(Name),
    /// Those whose names end with a dot and this.
    Below(Name),
    /// Those with addresses in this network.
    Network(Network),
}

/// How a pattern means a subject. The stronger comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hit {
    /// By a name: whoever runs the name server has chosen the address.
    Name,
    /// By meaning everything.
    All,
    /// By its address or path.
    Address,
}

/// Why a pattern does not mean a subject. The more telling comes later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Miss {
    /// It means others.
    Elsewhere,
    /// It means other ports of the same host.
    Port,
    /// It cannot be told, for this name was not resolved.
    Unknown(Name),
}

impl Pattern {
    /// Whether it means the subject, for a rule of this effect.
    ///
    /// For a rule that denies, more is meant: to listen on 0.0.0.0 is to listen on every IPv4
    /// address, and an IPv6 address that has an IPv4 address [embedded] leads to that.
    ///
    /// # Errors
    /// [`Miss`], where it does not.
    pub fn hit(&self, effect: Effect, subject: &Subject, answers: &Answers) -> Result<Hit, Miss> {
        match (self, &subject.place) {
            (Self::Tcp { hosts, ports }, Pinned::Tcp(address)) => {
                let name = subject.name.as_ref();
                let hit = hosts.hit(effect, name, address.ip(), answers);
                match hit {
                    _ if ports.contains(address.port()) => hit,
                    Ok(_) => Err(Miss::Port),
                    Err(_) => Err(Miss::Elsewhere),
                }
            }
            (Self::Socket(own), Pinned::Socket(path)) => {
                found(answers.path(own).unwrap_or(own) == path)
            }
            (Self::Folder(own), Pinned::Socket(path)) => {
                found(path.is_below(answers.path(own).unwrap_or(own)))
            }
            _ => Err(Miss::Elsewhere),
        }
    }

    /// Whether it could mean this port of a host with this name, whatever addresses that has.
    pub fn may_mean(&self, name: &Name, port: u16) -> bool {
        match self {
            Self::Tcp { hosts: Hosts::Below(suffix), ports } => {
                name.is_below(suffix) && ports.contains(port)
            }
            Self::Tcp { ports, .. } => ports.contains(port),
            Self::Socket(_) | Self::Folder(_) => false,
        }
    }

    /// The name that has to be resolved to tell whether a host with this port is meant.
    pub fn wants_name(&self, port: u16) -> Option<&Name> {
        match self {
            Self::Tcp { hosts: Hosts::Name(name), ports } if ports.contains(port) => Some(name),
            _ => None,
        }
    }

    /// The path whose links have to be followed to tell whether a socket is meant.
    pub fn wants_path(&self) -> Option<&SocketPath> {
        match self {
            Self::Socket(path) | Self::Folder(path) => Some(path),
            Self::Tcp { .. } => None,
        }
    }
}

fn found(is_meant: bool) -> Result<Hit, Miss> {
    if is_meant { Ok(Hit::Address) } else { Err(Miss::Elsewhere) }
}

impl Hosts {
    fn hit(
        &self,
        effect: Effect,
        name: Option<&Name>,
        address: IpAddr,
        answers: &Answers,
    ) -> Result<Hit, Miss> {
        let hit = match self {
            Self::All => Some(Hit::All),
            Self::Network(own) => covers(effect, *own, address).then_some(Hit::Address),
            Self::Below(suffix) => {
                name.is_some_and(|name| name.is_below(suffix)).then_some(Hit::Name)
            }
            Self::Name(own) if Some(own) == name => Some(Hit::Name),
            Self::Name(own) => match answers.name(own) {
                Answer::Unknown => return Err(Miss::Unknown(own.clone())),
                Answer::Nothing => None,
                Answer::Addresses(all) => {
                    let own = |it: &IpAddr| covers(effect, Network::of(*it), address);
                    all.iter().any(own).then_some(Hit::Name)
                }
            },
        };
        hit.ok_or(Miss::Elsewhere)
    }
}

/// Whether a network has the address, for a rule of this effect.
fn covers(effect: Effect, network: Network, address: IpAddr) -> bool {
    if network.contains(address) {
        return true;
    }
    let same_family = network.first().is_ipv4() == address.is_ipv4();
    effect == Effect::Deny
        && (address.is_unspecified() && same_family
            || embedded(address).is_some_and(|inner| network.contains(inner.into())))
}

impl FromStr for Pattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.starts_with('/') {
            let path = SocketPath::new(Path::new(text))?;
            return Ok(if text.ends_with('/') { Self::Folder(path) } else { Self::Socket(path) });
        }
        let (hosts, ports) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((inner, ports)) => (inner, ports.strip_prefix(':')),
            None => match text.rsplit_once(':') {
                Some((hosts, _)) if hosts.contains(':') => return Err(Invalid::Brackets),
                Some((hosts, ports)) => (hosts, Some(ports)),
                None => (text, None),
            },
        };
        let hosts = hosts.parse()?;
        let ports = ports.ok_or_else(|| Invalid::NoPorts(text.to_owned()))?.parse()?;
        Ok(Self::Tcp { hosts, ports })
    }
}

impl FromStr for Hosts {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == "*" {
            return Ok(Self::All);
        }
        if text.contains('/') {
            return Ok(Self::Network(text.parse()?));
        }
        let (host, below) = match text.strip_prefix("*.") {
            Some(suffix) => (suffix.parse()?, true),
            None => (text.parse()?, false),
        };
        match host {
            Host::Name(name) if below => Ok(Self::Below(name)),
            Host::Name(name) => Ok(Self::Name(name)),
            Host::Address(_) if below => Err(Invalid::Host(host::Unclear::Characters)),
            Host::Address(address) => Ok(Self::Network(Network::of(address))),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { hosts, ports } => write!(f, "{hosts}:{ports}"),
            Self::Socket(path) => path.fmt(f),
            Self::Folder(path) if path.as_path() == Path::new("/") => f.write_str("/"),
            Self::Folder(path) => write!(f, "{path}/"),
        }
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Name(name) => name.fmt(f),
            Self::Below(suffix) => write!(f, "*.{suffix}"),
            Self::Network(network) if network.first().is_ipv6() => write!(f, "[{network}]"),
            Self::Network(network) => network.fmt(f),
        }
    }
}

/// Why text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The host.
    #[error(transparent)]
    Host(#[from] host::Unclear),
    /// The network.
    #[error(transparent)]
    Network(#[from] network::Invalid),
    /// The ports.
    #[error(transparent)]
    Ports(#[from] ports::Invalid),
    /// The path.
    #[error(transparent)]
    Path(#[from] socket_path::Unclear),
    /// There are none.
    #[error("the ports are missing: for all of them write `{0}:*`")]
    NoPorts(String),
    /// The colons of the address and that before the port are alike.
    #[error("an IPv6 address is written in brackets, for instance `[::1]:80`")]
    Brackets,
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::ask::Direction;

    fn name(text: &str) -> Name {
        match text.parse() {
            Ok(Host::Name(name)) => name,
            other => panic!("{other:?}"),
        }
    }

    fn answers() -> Answers {
        let mut answers = Answers::default();
        let addresses = ["10.0.0.5", "2001:db8::5"].map(|it| it.parse().unwrap()).to_vec();
        answers.set_name(name("db"), Answer::Addresses(addresses));
        answers.set_name(name("gone"), Answer::Nothing);
        let path = |text: &str| SocketPath::new(Path::new(text)).unwrap();
        answers.set_path(path("/var/run/app.sock"), path("/run/app.sock"));
        answers.set_path(path("/var/run"), path("/run"));
        answers
    }

    fn hit(pattern: &str, effect: Effect, asked: Option<&str>, at: &str) -> Result<Hit, Miss> {
        let place = match at.parse::<SocketAddr>() {
            Ok(address) => Pinned::Tcp(address),
            Err(_) => Pinned::Socket(SocketPath::new(Path::new(at)).unwrap()),
        };
        let subject = Subject { direction: Direction::Open, name: asked.map(name), place };
        pattern.parse::<Pattern>().unwrap().hit(effect, &subject, &answers())
    }

    fn allow(pattern: &str, asked: Option<&str>, at: &str) -> Result<Hit, Miss> {
        hit(pattern, Effect::Allow, asked, at)
    }

    #[test]
    fn a_name_means_itself_and_its_addresses() {
        assert_eq!(allow("db:80", Some("db"), "192.0.2.9:80"), Ok(Hit::Name));
        assert_eq!(allow("db:80", None, "10.0.0.5:80"), Ok(Hit::Name));
        assert_eq!(allow("db:80", Some("alias"), "[2001:db8::5]:80"), Ok(Hit::Name));
        assert_eq!(allow("db:80", None, "10.0.0.5:81"), Err(Miss::Port));
        assert_eq!(allow("db:80", None, "10.0.0.6:80"), Err(Miss::Elsewhere));
        assert_eq!(allow("gone:80", None, "10.0.0.6:80"), Err(Miss::Elsewhere));
        let unknown = Err(Miss::Unknown(name("web")));
        assert_eq!(allow("web:80", None, "10.0.0.6:80"), unknown);
        assert_eq!(allow("web:80", None, "10.0.0.6:81"), Err(Miss::Elsewhere));
    }

    #[test]
    fn a_suffix_means_names_only() {
        assert_eq!(allow("*.example:*", Some("a.b.example"), "10.0.0.5:80"), Ok(Hit::Name));
        assert_eq!(allow("*.example:*", Some("example"), "10.0.0.5:80"), Err(Miss::Elsewhere));
        assert_eq!(allow("*.example:*", None, "10.0.0.5:80"), Err(Miss::Elsewhere));
    }

    #[test]
    fn networks_and_all_mean_addresses() {
        assert_eq!(allow("10.0.0.0/8:*", Some("x"), "10.9.9.9:80"), Ok(Hit::Address));
        assert_eq!(allow("[2001:db8::/32]:80", None, "[2001:db8::9]:80"), Ok(Hit::Address));
        assert_eq!(allow("127.1:80", None, "127.0.0.1:80"), Ok(Hit::Address));
        assert_eq!(allow("*:80", None, "10.9.9.9:80"), Ok(Hit::All));
        assert_eq!(allow("*:80", None, "/run/app.sock"), Err(Miss::Elsewhere));
    }

    #[test]
    fn a_rule_that_denies_means_more() {
        for (pattern, at) in [
            ("10.0.0.0/8:*", "0.0.0.0:80"),
            ("db:80", "0.0.0.0:80"),
            ("[2001:db8::/32]:*", "[::]:80"),
            ("10.0.0.0/8:*", "[64:ff9b::10.0.0.1]:80"),
            ("db:80", "[2002:a00:5::1]:80"),
        ] {
            assert!(hit(pattern, Effect::Deny, None, at).is_ok(), "{pattern} {at}");
            assert!(hit(pattern, Effect::Allow, None, at).is_err(), "{pattern} {at}");
        }
        assert!(hit("10.0.0.0/8:*", Effect::Deny, None, "[::]:80").is_err());
        assert!(hit("0.0.0.0:*", Effect::Allow, None, "0.0.0.0:80").is_ok());
        assert!(hit("0.0.0.0/0:*", Effect::Allow, None, "0.0.0.0:80").is_ok());
    }

    #[test]
    fn paths_mean_what_their_links_lead_to() {
        assert_eq!(allow("/var/run/app.sock", None, "/run/app.sock"), Ok(Hit::Address));
        assert_eq!(allow("/run/app.sock", None, "/run/app.sock"), Ok(Hit::Address));
        assert_eq!(allow("/run/", None, "/run/app.sock"), Ok(Hit::Address));
        assert_eq!(allow("/", None, "/run/app.sock"), Ok(Hit::Address));
        assert_eq!(allow("/var/run/", None, "/run/app.sock"), Ok(Hit::Address));
        assert_eq!(allow("/run/app.sock/", None, "/run/app.sock"), Err(Miss::Elsewhere));
        assert_eq!(allow("/run", None, "/run/app.sock"), Err(Miss::Elsewhere));
    }

    #[test]
    fn patterns_are_shown_in_one_spelling() {
        for (text, shown) in [
            ("DB.:80", "db:80"),
            ("*.Example:1-2", "*.example:1-2"),
            ("0x7f000001:*", "127.0.0.1:*"),
            ("[::ffff:10.0.0.1]:1", "10.0.0.1:1"),
            ("[2001:db8::/32]:1", "[2001:db8::/32]:1"),
            ("/run//a/", "/run/a/"),
            ("/", "/"),
        ] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, cause) in [
            ("", Invalid::Host(host::Unclear::Empty)),
            (":80", Invalid::Host(host::Unclear::Empty)),
            ("db", Invalid::NoPorts("db".to_owned())),
            ("[::1]", Invalid::NoPorts("[::1]".to_owned())),
            ("db:", Invalid::Ports(ports::Invalid)),
            ("db:http", Invalid::Ports(ports::Invalid)),
            ("::1:80", Invalid::Brackets),
            ("10.0.0.1/8:80", Invalid::Network("10.0.0.1/8".parse::<Network>().unwrap_err())),
            ("*.*.example:80", Invalid::Host(host::Unclear::Characters)),
            ("*.10.0.0.1:80", Invalid::Host(host::Unclear::Characters)),
            ("d*:80", Invalid::Host(host::Unclear::Characters)),
            ("/run/../a", Invalid::Path(socket_path::Unclear::Parent)),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(cause), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_is_read_as_it_is_shown(text in "[a-f0-9.:/*\\[\\],-]{0,24}") {
            if let Ok(pattern) = text.parse::<Pattern>() {
                prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
            }
        }
    }
}
