//! What a gateway may connect to.

use std::fmt;
use std::path::PathBuf;

use adit_forward::target::Target;

/// A target that may be connected to, as the client names it: a name permits no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permit {
    /// A host, or any; and a port, or any.
    Tcp {
        /// In lower case, without brackets; any where none.
        host: Option<String>,
        /// Any where none.
        port: Option<u16>,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

/// No target that could be permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid(String);

impl Permit {
    /// Reads `host:port`, with `*` for any of either, or an absolute path.
    ///
    /// # Errors
    /// Where it is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        if text.starts_with('/') {
            return Ok(Self::Unix(PathBuf::from(text)));
        }
        let invalid = || Invalid(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let plain = bracketed.is_some() || !host.contains(':');
        if host.is_empty() || !plain || host.contains(char::is_whitespace) {
            return Err(invalid());
        }
        let port = match port {
            "*" => None,
            digits => Some(digits.parse().ok().filter(|port| *port != 0).ok_or_else(invalid)?),
        };
        let host = (host != "*").then(|| host.to_ascii_lowercase());
        Ok(Self::Tcp { host, port })
    }

    /// Whether this permits `target`.
    pub(crate) fn matches(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::Tcp { host: permitted, port: permitted_port }, Target::Tcp { host, port }) => {
                permitted.as_ref().is_none_or(|it| it.eq_ignore_ascii_case(host))
                    && permitted_port.is_none_or(|it| it == *port)
            }
            (Self::Unix(permitted), Target::Unix(path)) => permitted == path,
            _ => false,
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--permit takes host:port or an absolute path, which \"{}\" is not", self.0)
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(permit: &str, host: &str, port: u16) -> bool {
        let target = Target::Tcp { host: host.to_owned(), port };
        Permit::parse(permit).unwrap().matches(&target)
    }

    #[test]
    fn a_host_and_a_port_permit_just_that() {
        assert!(permits("db.example:5432", "DB.example", 5432));
        assert!(!permits("db.example:5432", "db.example", 5433));
        assert!(!permits("db.example:5432", "db.example.org", 5432));
        assert!(permits("[::1]:80", "::1", 80));
    }

    #[test]
    fn a_star_permits_any_of_its_kind() {
        assert!(permits("*:80", "anything", 80) && !permits("*:80", "anything", 81));
        assert!(permits("host:*", "host", 1) && !permits("host:*", "other", 1));
        assert!(!Permit::parse("*:*").unwrap().matches(&Target::Unix("/run/x".into())));
    }

    #[test]
    fn a_path_permits_just_that_socket() {
        let permit = Permit::parse("/run/app.sock").unwrap();
        assert!(permit.matches(&Target::Unix("/run/app.sock".into())));
        assert!(!permit.matches(&Target::Unix("/run/app.sock/../other".into())));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["", "host", "host:", ":80", "host:0", "host:99999", "::1:80", "relative/path"]
        {
            assert!(Permit::parse(text).is_err(), "{text}");
        }
    }
}
