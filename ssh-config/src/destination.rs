//! A host as the command line and `ProxyJump` name it.

/// A host, and who logs in where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The user, where one is named.
    pub user: Option<String>,
    /// The host as written, without brackets.
    pub host: String,
    /// The port, where one is named.
    pub port: Option<u16>,
}

impl Destination {
    /// Reads `[user@]host`, or `ssh://[user@]host[:port]`, as the command line of ssh has it.
    /// Nothing, where it is none or has characters that commands could take for something else.
    pub fn parse(text: &str) -> Option<Self> {
        match uri(text) {
            Some(place) if place.contains('/') => None,
            Some(place) => Self::place(place, Unescape::Yes),
            None => {
                let (user, host) = split_user(text)?;
                Self { user, host: host.to_owned(), port: None }.checked()
            }
        }
    }

    /// Reads `[user@]host[:port]`, or `ssh://[user@]host[:port]`.
    pub(crate) fn with_port(text: &str) -> Option<Self> {
        match uri(text) {
            Some(place) if place.contains('/') => None,
            Some(place) => Self::place(place, Unescape::Yes),
            None => Self::place(text, Unescape::No),
        }
    }

    fn place(text: &str, unescape: Unescape) -> Option<Self> {
        let (user, place) = split_user(text)?;
        let user = match (user, unescape) {
            (Some(user), Unescape::Yes) => Some(unescaped(&user)?),
            (user, _) => user,
        };
        let port = |digits: &str| digits.parse().ok().filter(|port| *port != 0);
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => match rest.split_once(']')? {
                (host, "") => (host, None),
                (host, rest) => (host, Some(port(rest.strip_prefix(':')?)?)),
            },
            None => match place.split_once(':') {
                Some((_, digits)) if digits.contains(':') => return None,
                Some((host, digits)) => (host, Some(port(digits)?)),
                None => (place, None),
            },
        };
        Self { user, host: host.to_owned(), port }.checked()
    }

    fn checked(self) -> Option<Self> {
        let good = is_host(&self.host) && self.user.as_deref().is_none_or(is_user);
        good.then_some(self)
    }
}

/// Whether user names have `%xx` for characters.
#[derive(Clone, Copy)]
enum Unescape {
    Yes,
    No,
}

/// What follows the scheme; a path must not.
fn uri(text: &str) -> Option<&str> {
    let place = text.strip_prefix("ssh://")?;
    Some(place.strip_suffix('/').unwrap_or(place))
}

fn split_user(text: &str) -> Option<(Option<String>, &str)> {
    match text.rsplit_once('@') {
        Some(("", _)) => None,
        Some((user, place)) => Some((Some(user.to_owned()), place)),
        None => Some((None, text)),
    }
}

/// Puts the octets in for `%xx`.
fn unescaped(text: &str) -> Option<String> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, left)) = rest.split_first() {
        rest = left;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        octets.push(u8::from_str_radix(digits, 16).ok().filter(|octet| *octet != 0)?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(octets).ok()
}

/// Whether a host's name cannot be taken for an option or, in a command, for a shell's syntax.
fn is_host(name: &str) -> bool {
    let bad = |it: char| it.is_whitespace() || it.is_control() || "'`\"$\\;&<>|(){}".contains(it);
    !name.is_empty() && !name.starts_with('-') && !name.contains(bad)
}

/// The same of a user's name, in which a backslash may stand but at the end.
pub(crate) fn is_user(name: &str) -> bool {
    let bad = |it: char| it.is_control() || "'`\";&<>|(){}".contains(it);
    // An option would begin after white space: `user -o`.
    let option = name.split_whitespace().any(|word| word.starts_with('-'));
    !name.contains(bad) && !option && !name.ends_with('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(user: Option<&str>, host: &str, port: Option<u16>) -> Option<Destination> {
        Some(Destination { user: user.map(str::to_owned), host: host.to_owned(), port })
    }

    #[test]
    fn hosts_and_uris_are_read() {
        assert_eq!(Destination::parse("host"), parts(None, "host", None));
        assert_eq!(Destination::parse("me@x@host"), parts(Some("me@x"), "host", None));
        assert_eq!(Destination::parse("::1"), parts(None, "::1", None));
        assert_eq!(Destination::parse("ssh://a%40b@h:22/"), parts(Some("a@b"), "h", Some(22)));
        assert_eq!(Destination::parse("ssh://[::1]"), parts(None, "::1", None));
        assert_eq!(Destination::with_port("me@h:22"), parts(Some("me"), "h", Some(22)));
        assert_eq!(Destination::with_port("[::1]:22"), parts(None, "::1", Some(22)));
    }

    #[test]
    fn what_commands_could_misread_is_refused() {
        for text in ["", "@h", "-oX", "a b", "h;ls", "$(ls)", "ssh://h/x", "ssh://h:0", "a`b`@h"] {
            assert_eq!(Destination::parse(text), None, "{text}");
        }
        for text in ["::1", "h:0", "h:x", "[::1", "[::1]x"] {
            assert_eq!(Destination::with_port(text), None, "{text}");
        }
    }
}
