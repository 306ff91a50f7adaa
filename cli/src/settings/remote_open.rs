//! `PermitRemoteOpen`: where connections through a proxy at the server may go.

use adit_forward::target::Target;
use adit_ssh_config::config::Config;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::system::System;
use adit_ssh_config::world::World as _;
use adit_transport::authorized_keys::Destination;

use crate::failure::{Exit, Failure};

/// `PermitRemoteOpen` of `ssh_config(5)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum RemoteOpen {
    /// Anywhere.
    #[default]
    Any,
    /// To these hosts and ports, as they are asked for: a name and its address are two.
    Named(Vec<Destination>),
}

impl RemoteOpen {
    /// As the keyword says: `any`, nothing at all, or `host:port` with white space between, each
    /// part of which may be `*`.
    ///
    /// # Errors
    /// Where a word of it can be taken in more than one way, as an address without brackets.
    pub(super) fn of(config: &Config, system: &System) -> Result<Self, Failure> {
        let words = config.list(Keyword::PermitRemoteOpen);
        if matches!(words, [only] if only.eq_ignore_ascii_case("any")) {
            return Ok(Self::Any);
        }
        let named = words.iter().filter(|word| !word.eq_ignore_ascii_case("none")).map(|word| {
            destination(word, system).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("PermitRemoteOpen: \"{word}\" is no host:port"))
                    .hint("write host:port or [ipv6]:port, either part of which may be *")
            })
        });
        named.collect::<Result<_, _>>().map(Self::Named)
    }

    /// Whether connections may go there.
    pub(crate) fn permits(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::Any, _) => true,
            (Self::Named(named), Target::Tcp { host, port }) => named.iter().any(|it| {
                it.host.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(host))
                    && it.port.is_none_or(|own| own == *port)
            }),
            (Self::Named(_), Target::Unix(_)) => false,
        }
    }
}

/// A port may be named as services are.
fn destination(word: &str, system: &System) -> Option<Destination> {
    Destination::parse(word).or_else(|| {
        let (host, service) = word.rsplit_once(':')?;
        Destination::parse(&format!("{host}:{}", system.service(service)?))
    })
}

#[cfg(test)]
mod tests {
    use adit_ssh_config::destination::Destination as Parsed;

    use super::*;
    use crate::settings::sources::tests::{settings, words};

    fn permits(value: &str, host: &str, port: u16) -> bool {
        let target = Target::Tcp { host: host.to_owned(), port };
        let option = format!("PermitRemoteOpen={value}");
        settings("server", &[&option]).permit_remote_open.permits(&target)
    }

    #[test]
    fn what_is_named_is_permitted_and_nothing_else() {
        assert!(permits("any", "db", 1) && !permits("none", "db", 1));
        assert!(permits("db:5432 [::1]:80", "DB", 5432) && permits("a:1 [::1]:80", "::1", 80));
        assert!(!permits("db:5432", "db", 5433) && !permits("db:5432", "db2", 5432));
        assert!(permits("*:80", "x", 80) && !permits("*:80", "x", 81) && permits("x:*", "x", 9));
    }

    #[test]
    fn an_address_without_brackets_is_refused() {
        let mut sources = words(&["PermitRemoteOpen=a:1 ::1:80"]);
        let refused = sources.destination(Parsed::parse("server").unwrap()).unwrap_err();
        assert!(format!("{refused:?}").contains("\\\"::1:80\\\""), "{refused:?}");
    }
}
