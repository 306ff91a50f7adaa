//! What the options of a key in `authorized_keys` ask for,
//! [sshd(8)](https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT).
//!
//! All options that touch login and forwarding are enforced; those about sessions do not matter to
//! a gateway, and any other refuses the key. Two things differ from OpenSSH:
//! - `permitopen` and `permitlisten` mean hosts as rules do: a name and its addresses are one.
//! - A key that names hosts and ports permits no Unix sockets; OpenSSH permits it all of them.

use std::net::IpAddr;
use std::time::SystemTime;

use adit_transport::authorized_keys::KeyOption;
use adit_transport::authorized_keys::option::Grant;
use adit_transport::authorized_keys::{Destination, Refused};

use crate::ask::Direction;
use crate::calendar::zone::Zone;
use crate::demand::{Demand, Touch, Verification};
use crate::pattern::{Hosts, Pattern};
use crate::ports::Ports;
use crate::terms::sources::Sources;

pub mod expiry;
pub mod sources;

/// What the options of a key ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Whether the key logs in, or signs certificates that do.
    pub role: Role,
    /// Whether anything is forwarded at all.
    pub forwarding: Grant,
    /// From where one may log in, by `from`.
    pub sources: Option<Sources>,
    /// When the key ceases to be good, by `expiry-time`.
    pub expiry: Option<SystemTime>,
    /// The names that a certificate must have one of, by `principals`.
    pub principals: Option<Vec<String>>,
    /// What signatures must say, by `no-touch-required` and `verify-required`.
    pub demand: Demand,
    open: Vec<Pattern>,
    listen: Vec<Pattern>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// To log in.
    User,
    /// To sign certificates, by `cert-authority`.
    Authority,
}

impl Default for Terms {
    /// Those of a key without options.
    fn default() -> Self {
        Self {
            role: Role::User,
            forwarding: Grant::Allowed,
            sources: None,
            expiry: None,
            principals: None,
            demand: Demand::default(),
            open: Vec::new(),
            listen: Vec::new(),
        }
    }
}

impl Terms {
    /// What options ask for, in their order. Times without a zone are in `zone`.
    ///
    /// # Errors
    /// [`Refused`] at an option that is not enforced here or has no proper value: the key must not
    /// be let in then.
    pub fn of(options: &[KeyOption], zone: Zone) -> Result<Self, Refused> {
        let mut terms = Self::default();
        for option in options {
            terms.apply(option, zone)?;
        }
        match (terms.role, &terms.principals) {
            (Role::User, Some(_)) => Err(unsupported("principals without cert-authority")),
            _ => Ok(terms),
        }
    }

    fn apply(&mut self, option: &KeyOption, zone: Zone) -> Result<(), Refused> {
        match option {
            KeyOption::Restrict => self.forwarding = Grant::Denied,
            KeyOption::PortForwarding(grant) => self.forwarding = *grant,
            KeyOption::PermitOpen(value) => self.open.push(pattern("permitopen", value)?),
            KeyOption::PermitListen(value) => self.listen.push(pattern("permitlisten", value)?),
            KeyOption::CertAuthority => self.role = Role::Authority,
            KeyOption::ExpiryTime(value) => {
                let time = expiry::parse(value, zone).ok_or_else(|| bad("expiry-time", value))?;
                self.expiry = Some(self.expiry.map_or(time, |earlier| earlier.min(time)));
            }
            KeyOption::From(value) => {
                let parsed = Sources::parse(value).filter(|_| self.sources.is_none());
                self.sources = Some(parsed.ok_or_else(|| bad("from", value))?);
            }
            KeyOption::Principals(value) => {
                let names: Vec<_> = value.split(',').map(str::to_owned).collect();
                if self.principals.is_some() || names.iter().any(String::is_empty) {
                    return Err(bad("principals", value));
                }
                self.principals = Some(names);
            }
            // These are about sessions and what goes with them.
            KeyOption::AgentForwarding(_)
            | KeyOption::Command(_)
            | KeyOption::Environment(_)
            | KeyOption::Pty(_)
            | KeyOption::Tunnel(_)
            | KeyOption::UserRc(_)
            | KeyOption::X11Forwarding(_) => {}
            KeyOption::NoTouchRequired => self.demand.touch = Touch::Waived,
            KeyOption::VerifyRequired => self.demand.verification = Verification::Required,
            KeyOption::Unknown(name) => return Err(unsupported(name)),
            other => return Err(unsupported(&format!("{other:?}"))),
        }
        Ok(())
    }

    /// Whether one may log in from this address.
    pub fn permits_source(&self, source: IpAddr) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.contains(source))
    }

    /// The targets that are permitted in this direction; `None` where all are.
    pub fn permitted(&self, direction: Direction) -> Option<&[Pattern]> {
        let patterns = match direction {
            Direction::Open => &self.open,
            Direction::Listen => &self.listen,
        };
        (!patterns.is_empty()).then_some(patterns)
    }
}

/// The option that names the targets in this direction.
pub fn option_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Open => "permitopen",
        Direction::Listen => "permitlisten",
    }
}

fn pattern(name: &str, value: &str) -> Result<Pattern, Refused> {
    let Destination { host, port } = Destination::parse(value).ok_or_else(|| bad(name, value))?;
    let hosts = match host.as_deref() {
        None => Hosts::All,
        // OpenSSH knows no wildcards and no networks here.
        Some(host) if host.contains(['*', '/']) => return Err(bad(name, value)),
        Some(host) => host.parse().map_err(|_| bad(name, value))?,
    };
    Ok(Pattern::Tcp { hosts, ports: port.map_or_else(Ports::all, Ports::one) })
}

fn bad(name: &str, value: &str) -> Refused {
    Refused::Value { name: name.to_owned(), value: value.to_owned() }
}

fn unsupported(name: &str) -> Refused {
    Refused::Unsupported(name.to_owned())
}

#[cfg(test)]
mod tests {
    use adit_transport::authorized_keys::AuthorizedKeys;

    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn of(options: &str) -> Result<Terms, Refused> {
        let keys = AuthorizedKeys::parse(&format!("{options} {KEY}"), "keys");
        assert_eq!(keys.warnings(), [""; 0]);
        Terms::of(&keys.entries()[0].options, Zone::UTC)
    }

    fn shown(patterns: Option<&[Pattern]>) -> String {
        let all = patterns.unwrap_or_default().iter().map(ToString::to_string);
        all.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_key_without_options_asks_for_nothing() {
        assert_eq!(of("").unwrap(), Terms::default());
        assert_eq!(of("no-pty,command=\"true\",tunnel=\"0\"").unwrap(), Terms::default());
    }

    #[test]
    fn the_last_word_about_forwarding_counts() {
        for (options, expected) in [
            ("restrict", Grant::Denied),
            ("no-port-forwarding", Grant::Denied),
            ("restrict,port-forwarding", Grant::Allowed),
            ("port-forwarding,restrict", Grant::Denied),
        ] {
            assert_eq!(of(options).unwrap().forwarding, expected, "{options}");
        }
    }

    #[test]
    fn destinations_are_patterns_of_hosts_and_ports() {
        let options = "permitopen=\"DB:5432\",permitopen=\"[::1]:*\",permitlisten=\"8080\",\
            permitlisten=\"localhost:90\"";
        let terms = of(options).unwrap();
        assert_eq!(shown(terms.permitted(Direction::Open)), "db:5432 [::1]:*");
        assert_eq!(shown(terms.permitted(Direction::Listen)), "*:8080 localhost:90");
        assert_eq!(of("permitlisten=\"1\"").unwrap().permitted(Direction::Open), None);
    }

    #[test]
    fn where_and_until_when_a_key_logs_in_is_kept() {
        let terms = of("from=\"10.0.0.0/8\",expiry-time=\"20300101\",expiry-time=\"20280101\"");
        let terms = terms.unwrap();
        assert!(terms.permits_source("10.1.1.1".parse().unwrap()));
        assert!(!terms.permits_source("11.1.1.1".parse().unwrap()));
        assert_eq!(terms.expiry, expiry::parse("20280101", Zone::UTC));
    }

    #[test]
    fn what_signatures_must_say_is_kept() {
        assert_eq!(of("").unwrap().demand, Demand::default());
        let terms = of("no-touch-required,verify-required").unwrap();
        let expected = Demand { touch: Touch::Waived, verification: Verification::Required };
        assert_eq!(terms.demand, expected);
    }

    #[test]
    fn an_authority_may_be_for_some_principals() {
        let terms = of("cert-authority,principals=\"ann,ops\"").unwrap();
        assert_eq!(terms.role, Role::Authority);
        assert_eq!(terms.principals.unwrap(), ["ann", "ops"]);
    }

    #[test]
    fn what_is_not_enforced_refuses_the_key() {
        for (options, told) in [
            ("new-option", "the option new-option is not supported"),
            ("command", "the option command is not supported"),
            ("principals=\"ann\"", "the option principals without cert-authority is not supported"),
            ("permitopen=\"db\"", "the option permitopen has the invalid value \"db\""),
            (
                "permitopen=\"10.0.0.0/8:80\"",
                "the option permitopen has the invalid value \"10.0.0.0/8:80\"",
            ),
            ("permitopen=\"*.a:80\"", "the option permitopen has the invalid value \"*.a:80\""),
            ("permitopen=\"1.2.3:x\"", "the option permitopen has the invalid value \"1.2.3:x\""),
            ("from=\"\"", "the option from has the invalid value \"\""),
            ("from=\"::1\",from=\"::1\"", "the option from has the invalid value \"::1\""),
            ("expiry-time=\"soon\"", "the option expiry-time has the invalid value \"soon\""),
            (
                "cert-authority,principals=\"a,,b\"",
                "the option principals has the invalid value \"a,,b\"",
            ),
        ] {
            assert_eq!(of(options).unwrap_err().to_string(), told, "{options}");
        }
    }
}
