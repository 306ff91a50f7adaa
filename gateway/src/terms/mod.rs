//! What the options of a key in `authorized_keys` ask for,
//! [sshd(8)](https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT).
//!
//! All options are enforced that touch login, forwarding and sessions, and any other refuses the
//! key. Three things differ from OpenSSH:
//! - `permitopen` and `permitlisten` mean hosts as rules do: a name and its addresses are one.
//! - A key that names hosts and ports permits no Unix sockets; OpenSSH permits it all of them.
//! - `environment` counts, since whoever writes the gateway's file is its administrator; sshd leaves
//!   that to `PermitUserEnvironment`. No `user-rc` is ever run.

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
    /// Whether sessions have a terminal, by `pty`.
    pub pty: Grant,
    /// Whether sessions have the client's agent, by `agent-forwarding`.
    pub agent: Grant,
    /// Whether sessions have the client's display, by `x11-forwarding`.
    pub x11: Grant,
    /// What is run in place of what the client asks for, by `command`.
    pub command: Option<String>,
    /// Variables of what is run, by `environment`: names and values.
    pub environment: Vec<(String, String)>,
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
            pty: Grant::Allowed,
            agent: Grant::Allowed,
            x11: Grant::Allowed,
            command: None,
            environment: Vec::new(),
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
            KeyOption::Restrict => {
                let none = Grant::Denied;
                (self.forwarding, self.pty, self.agent, self.x11) = (none, none, none, none);
            }
            KeyOption::PortForwarding(grant) => self.forwarding = *grant,
            KeyOption::Pty(grant) => self.pty = *grant,
            KeyOption::AgentForwarding(grant) => self.agent = *grant,
            KeyOption::X11Forwarding(grant) => self.x11 = *grant,
            KeyOption::Command(line) if self.command.is_some() || line.contains('\0') => {
                return Err(bad("command", line));
            }
            KeyOption::Command(line) => self.command = Some(line.clone()),
            KeyOption::Environment(value) => {
                let variable = variable(value).ok_or_else(|| bad("environment", value))?;
                // As with sshd, of several the first counts.
                if !self.environment.iter().any(|(name, _)| *name == variable.0) {
                    self.environment.push(variable);
                }
            }
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
            // There are no network interfaces here, and no such files are run.
            KeyOption::Tunnel(_) | KeyOption::UserRc(_) => {}
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

/// A variable, as `NAME=value`.
fn variable(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = !name.is_empty() && name.chars().all(is_name) && !value.contains('\0');
    good.then(|| (name.to_owned(), value.to_owned()))
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
        assert_eq!(of("no-user-rc,tunnel=\"0\"").unwrap(), Terms::default());
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
    fn what_sessions_may_have_is_kept() {
        let (yes, no) = (Grant::Allowed, Grant::Denied);
        for (options, expected) in [
            ("", (yes, yes, yes)),
            ("restrict", (no, no, no)),
            ("restrict,pty", (yes, no, no)),
            ("no-pty,no-agent-forwarding", (no, no, yes)),
            ("no-X11-forwarding,restrict,X11-forwarding", (no, no, yes)),
        ] {
            let terms = of(options).unwrap();
            assert_eq!((terms.pty, terms.agent, terms.x11), expected, "{options}");
        }
        let options = "command=\"git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"\",environment=\"A=1\",\
            environment=\"A=2\",environment=\"B=\"";
        let terms = of(options).unwrap();
        assert_eq!(terms.command.as_deref(), Some("git-shell -c \"$SSH_ORIGINAL_COMMAND\""));
        let variables = [("A", "1"), ("B", "")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(terms.environment, variables);
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
            ("command=\"a\",command=\"b\"", "the option command has the invalid value \"b\""),
            ("environment=\"A\"", "the option environment has the invalid value \"A\""),
            ("environment=\"A B=1\"", "the option environment has the invalid value \"A B=1\""),
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
