//! Whom to connect to.

use std::fmt;

use crate::failure::{Exit, Failure};

/// Whom to connect to, as the user wrote it: `[user@]host` or `ssh://[user@]host[:port]`; a hop
/// on the way is also `[user@]host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The user, where one is named.
    pub(crate) user: Option<String>,
    /// The host's name or address, without brackets.
    pub(crate) host: String,
    /// The port, where one is named.
    pub(crate) port: Option<u16>,
}

impl Destination {
    /// Reads a destination.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        Self::read(text, Form::Destination).map_err(|why| {
            Failure::new(Exit::Usage, format!("\"{text}\" is no destination: {why}"))
                .hint("write [user@]host, or ssh://[user@]host[:port]")
        })
    }

    /// Reads a hop on the way to a destination.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn parse_hop(text: &str) -> Result<Self, Failure> {
        Self::read(text, Form::Hop).map_err(|why| {
            Failure::new(Exit::Usage, format!("\"{text}\" is no server to jump through: {why}"))
                .hint("write [user@]host[:port], and an IPv6 address in brackets")
        })
    }

    fn read(text: &str, form: Form) -> Result<Self, &'static str> {
        let uri = text.strip_prefix("ssh://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let (user, place) = match uri.unwrap_or(text).rsplit_once('@') {
            Some(("", _)) => return Err("the user is missing"),
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, uri.unwrap_or(text)),
        };
        let (host, port) = match form {
            Form::Destination if uri.is_none() => (unbracketed(place), None),
            _ => split_port(place).ok_or("the port is none")?,
        };
        // What begins with a minus sign could be taken for an option by programs started later.
        let named = |name: &str| !name.starts_with('-') && !name.contains(char::is_whitespace);
        if host.is_empty() || !named(host) || !user.as_deref().is_none_or(named) {
            return Err("the host or the user is no name");
        }
        Ok(Self { user, host: host.to_owned(), port })
    }
}

/// What may be written without `ssh://`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `[user@]host`, where colons belong to an address.
    Destination,
    /// `[user@]host[:port]`.
    Hop,
}

/// Host and port of `host`, `host:port`, `[address]` or `[address]:port`.
fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    let port = |digits: &str| digits.parse().ok().filter(|port| *port != 0);
    match place.strip_prefix('[') {
        Some(rest) => match rest.split_once(']')? {
            (host, "") => Some((host, None)),
            (host, rest) => Some((host, Some(port(rest.strip_prefix(':')?)?))),
        },
        None => match place.split_once(':') {
            Some((host, digits)) => Some((host, Some(port(digits)?))),
            None => Some((place, None)),
        },
    }
}

fn unbracketed(place: &str) -> &str {
    place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(place)
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user}@{}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<String>, String, Option<u16>) {
        let Destination { user, host, port } = Destination::parse(text).unwrap();
        (user, host, port)
    }

    #[test]
    fn hosts_and_uris_are_read() {
        let user = |name: &str| Some(name.to_owned());
        assert_eq!(parts("host"), (None, "host".to_owned(), None));
        assert_eq!(parts("me@x@host"), (user("me@x"), "host".to_owned(), None));
        assert_eq!(parts("::1"), (None, "::1".to_owned(), None));
        assert_eq!(parts("me@[::1]"), (user("me"), "::1".to_owned(), None));
        assert_eq!(parts("ssh://me@host:22/"), (user("me"), "host".to_owned(), Some(22)));
        assert_eq!(parts("ssh://[::1]:2222"), (None, "::1".to_owned(), Some(2222)));
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for text in ["", "@host", "me@", "-oProxyCommand=x", "a b", "ssh://host:0", "ssh://h:x"] {
            assert!(Destination::parse(text).is_err(), "{text}");
        }
    }
}
