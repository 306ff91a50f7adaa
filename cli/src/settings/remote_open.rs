//! `PermitRemoteOpen`: where connections through a proxy at the server may go.

use adit_forward::target::Target;
use adit_transport::authorized_keys::Destination;

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
    /// Reads `any`, `none`, or `host:port` with white space between, each part of which may be
    /// `*`.
    pub(super) fn parse(value: &str) -> Result<Self, &'static str> {
        match value.to_ascii_lowercase().as_str() {
            "any" => return Ok(Self::Any),
            "none" => return Ok(Self::Named(Vec::new())),
            _ => {}
        }
        let destination = |word: &str| Destination::parse(word).filter(|_| word.contains(':'));
        let named: Option<Vec<_>> = value.split_whitespace().map(destination).collect();
        named.map(Self::Named).ok_or("any, none, or host:port with white space between")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(value: &str, host: &str, port: u16) -> bool {
        let target = Target::Tcp { host: host.to_owned(), port };
        RemoteOpen::parse(value).unwrap().permits(&target)
    }

    #[test]
    fn what_is_named_is_permitted_and_nothing_else() {
        assert!(permits("any", "db", 1) && !permits("none", "db", 1));
        assert!(permits("db:5432 [::1]:80", "DB", 5432) && permits("a:1 [::1]:80", "::1", 80));
        assert!(!permits("db:5432", "db", 5433) && !permits("db:5432", "db2", 5432));
        assert!(permits("*:80", "x", 80) && !permits("*:80", "x", 81) && permits("x:*", "x", 9));
    }

    #[test]
    fn what_names_no_host_and_port_is_refused() {
        for value in ["80", "db", "db:", "db:0", "a:1 b"] {
            assert!(RemoteOpen::parse(value).is_err(), "{value}");
        }
    }
}
