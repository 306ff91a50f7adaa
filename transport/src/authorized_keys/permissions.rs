//! What a key permits its holder.

use crate::authorized_keys::option::{Grant, KeyOption};

/// What a key permits its holder to have forwarded, and nothing else: who serves more than
/// forwarding must look at the [options](KeyOption) itself, and so must who knows the time and the
/// user's address, since a key that is restricted by these is refused here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    forwarding: Grant,
    open: Vec<Destination>,
    listen: Vec<Destination>,
}

impl Permissions {
    /// What options permit, in their order.
    ///
    /// # Errors
    /// [`Refused`] at the first option that restricts the key in a way that is not enforced here, or
    /// that is not known: the key must not be let in then.
    pub fn of(options: &[KeyOption]) -> Result<Self, Refused> {
        let mut permissions =
            Self { forwarding: Grant::Allowed, open: Vec::new(), listen: Vec::new() };
        for option in options {
            permissions.apply(option)?;
        }
        Ok(permissions)
    }

    fn apply(&mut self, option: &KeyOption) -> Result<(), Refused> {
        match option {
            KeyOption::Restrict => self.forwarding = Grant::Denied,
            KeyOption::PortForwarding(grant) => self.forwarding = *grant,
            KeyOption::PermitOpen(value) => self.open.push(destination("permitopen", value)?),
            KeyOption::PermitListen(value) => {
                self.listen.push(destination("permitlisten", value)?);
            }
            // These are about sessions and what goes with them.
            KeyOption::AgentForwarding(_)
            | KeyOption::Command(_)
            | KeyOption::Environment(_)
            | KeyOption::NoTouchRequired
            | KeyOption::Pty(_)
            | KeyOption::Tunnel(_)
            | KeyOption::UserRc(_)
            | KeyOption::X11Forwarding(_) => {}
            KeyOption::CertAuthority => return Err(Refused::unsupported("cert-authority")),
            KeyOption::ExpiryTime(_) => return Err(Refused::unsupported("expiry-time")),
            KeyOption::From(_) => return Err(Refused::unsupported("from")),
            KeyOption::Principals(_) => return Err(Refused::unsupported("principals")),
            KeyOption::VerifyRequired => return Err(Refused::unsupported("verify-required")),
            KeyOption::Unknown(name) => return Err(Refused::unsupported(name)),
        }
        Ok(())
    }

    /// Whether a connection may be made to this host, as the client named it, and port.
    pub fn permits_open(&self, host: &str, port: u16) -> bool {
        self.forwarding == Grant::Allowed && among(&self.open, host, port)
    }

    /// Whether it may be listened at this address, as the client named it, and port.
    pub fn permits_listen(&self, host: &str, port: u16) -> bool {
        self.forwarding == Grant::Allowed && among(&self.listen, host, port)
    }

    /// Whether a connection may be made to a Unix socket. A key that names the hosts and ports that
    /// may be connected to permits no sockets; OpenSSH permits it all of them.
    pub fn permits_socket(&self) -> bool {
        self.forwarding == Grant::Allowed && self.open.is_empty()
    }
}

/// Whether one of the destinations is meant; where there are none, all are.
fn among(destinations: &[Destination], host: &str, port: u16) -> bool {
    destinations.is_empty() || destinations.iter().any(|it| it.matches(host, port))
}

/// The value of `permitopen` and `permitlisten`: a host and a port, each maybe any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// A name or an address, in lower case; `None` for any.
    pub host: Option<String>,
    /// A port, not zero; `None` for any.
    pub port: Option<u16>,
}

impl Destination {
    /// Parses `host:port`, `[address]:port` or `port`, each of which may be `*`; `None` where it
    /// is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (unbracketed(host)?, port),
            None => ("*", text),
        };
        let host = (host != "*").then(|| host.to_ascii_lowercase());
        let port = if port == "*" { None } else { Some(port.parse().ok().filter(|it| *it != 0)?) };
        Some(Self { host, port })
    }

    /// Compares names as they are: a name and its address are two hosts.
    fn matches(&self, host: &str, port: u16) -> bool {
        self.host.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(host))
            && self.port.is_none_or(|own| own == port)
    }
}

/// A host without the brackets around an address that has colons.
fn unbracketed(host: &str) -> Option<&str> {
    match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').filter(|address| !address.is_empty()),
        None => Some(host).filter(|host| !host.is_empty() && !host.contains([':', ']'])),
    }
}

fn destination(name: &str, value: &str) -> Result<Destination, Refused> {
    Destination::parse(value)
        .ok_or_else(|| Refused::Value { name: name.to_owned(), value: value.to_owned() })
}

/// Why a key must not be let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An option is not enforced here, or not known.
    #[error("the option {0} is not supported")]
    Unsupported(String),
    /// The value of an option is not one.
    #[error("the option {name} has the invalid value \"{value}\"")]
    Value {
        /// The option.
        name: String,
        /// Its value.
        value: String,
    },
}

impl Refused {
    fn unsupported(name: &str) -> Self {
        Self::Unsupported(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(options: &str) -> Result<Permissions, Refused> {
        let (options, _) = KeyOption::parse_list(options).unwrap();
        Permissions::of(&options)
    }

    #[test]
    fn a_key_without_options_permits_all() {
        let permissions = Permissions::of(&[]).unwrap();
        assert!(permissions.permits_open("db", 5432));
        assert!(permissions.permits_listen("localhost", 80));
        assert!(permissions.permits_socket());
    }

    #[test]
    fn a_restricted_key_permits_what_options_after_it_allow() {
        for options in ["restrict", "no-port-forwarding", "port-forwarding,restrict"] {
            let permissions = of(options).unwrap();
            assert!(!permissions.permits_open("db", 5432), "{options}");
            assert!(!permissions.permits_listen("db", 5432), "{options}");
            assert!(!permissions.permits_socket(), "{options}");
        }
        assert!(of("restrict,port-forwarding").unwrap().permits_open("db", 5432));
        assert!(!of("restrict,permitopen=\"db:5432\"").unwrap().permits_open("db", 5432));
    }

    #[test]
    fn named_destinations_are_the_only_ones() {
        let options = "permitopen=\"db:5432\",permitopen=\"[::1]:80\",permitopen=\"web:*\"";
        let permissions = of(options).unwrap();
        for (host, port) in [("db", 5432), ("DB", 5432), ("::1", 80), ("web", 1)] {
            assert!(permissions.permits_open(host, port), "{host} {port}");
        }
        for (host, port) in [("db", 5433), ("db2", 5432), ("::1", 81), ("127.0.0.1", 80)] {
            assert!(!permissions.permits_open(host, port), "{host} {port}");
        }
        assert!(!permissions.permits_socket());
        assert!(permissions.permits_listen("anywhere", 1));
    }

    #[test]
    fn where_to_listen_may_be_a_port_alone() {
        let permissions = of("permitlisten=\"8080\",permitlisten=\"localhost:90\"").unwrap();
        assert!(permissions.permits_listen("", 8080) && permissions.permits_listen("x", 8080));
        assert!(permissions.permits_listen("localhost", 90));
        assert!(!permissions.permits_listen("", 90));
        assert!(permissions.permits_open("db", 5432));
    }

    #[test]
    fn options_about_sessions_do_not_matter() {
        let options = "no-pty,no-agent-forwarding,no-X11-forwarding,no-user-rc,command=\"true\",\
            environment=\"A=b\",tunnel=\"0\",no-touch-required";
        assert!(of(options).unwrap().permits_open("db", 5432));
    }

    #[test]
    fn a_key_with_an_option_that_is_not_enforced_is_refused() {
        for option in [
            "cert-authority",
            "expiry-time=\"20300101\"",
            "from=\"10.0.0.0/8\"",
            "principals=\"me\"",
            "verify-required",
            "new-option",
            "command",
        ] {
            let refused = of(&format!("restrict,port-forwarding,{option}")).unwrap_err();
            let name = option.split('=').next().unwrap();
            assert_eq!(refused.to_string(), format!("the option {name} is not supported"));
        }
    }

    #[test]
    fn destinations_that_are_none_are_refused() {
        for value in
            ["", ":", "db:", ":80", "db:0", "db:65536", "db:http", "::1:80", "[]:80", "[::1:80"]
        {
            let refused = of(&format!("permitopen=\"{value}\"")).unwrap_err();
            let expected = format!("the option permitopen has the invalid value \"{value}\"");
            assert_eq!(refused.to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_destinations_never_panic(text in ".{0,30}") {
            let _ = Destination::parse(&text);
        }
    }
}
