//! How users write down a proxy.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::escape::Foreign;
use crate::host;
use crate::upstream::{Names, Protocol, Upstream};

/// Most characters of a URL that a message repeats.
const SHOWN: usize = 300;

/// What was to be a proxy is none. Neither user nor password are kept or shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The URL without user and password.
    url: String,
    mistake: Mistake,
}

/// What is wrong with the URL of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// It does not begin with a scheme that is known.
    #[error("a proxy is reached by socks5://, socks5h:// or http://")]
    Scheme,
    /// There is no host, or none that can be one.
    #[error("the proxy needs a host")]
    Host,
    /// The port is none.
    #[error("the port of a proxy is a number from 1 to 65535")]
    Port,
    /// Something follows host and port.
    #[error("nothing may follow the host and port of a proxy")]
    Path,
    /// A percent sign is not followed by two hexadecimal digits, or the user is empty.
    #[error("user and password of a proxy are not well written")]
    Credentials,
}

impl Invalid {
    /// What is wrong.
    pub fn mistake(&self) -> Mistake {
        self.mistake
    }

    /// What the user may do about it.
    pub fn hint(&self) -> &'static str {
        match self.mistake {
            Mistake::Host => "write an IPv6 address in brackets: socks5h://[::1]:1080",
            Mistake::Credentials => "write @ as %40, : as %3A, / as %2F and % as %25",
            _ => "write socks5h://[user:password@]host:port, or http:// in its place",
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Foreign { text: &self.url, limit: SHOWN };
        write!(f, "{}, in `{url}`", self.mistake)
    }
}

impl std::error::Error for Invalid {}

impl FromStr for Upstream {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text).map_err(|mistake| Invalid { url: without_credentials(text), mistake })
    }
}

fn parse(text: &str) -> Result<Upstream, Mistake> {
    let (scheme, rest) = text.split_once("://").ok_or(Mistake::Scheme)?;
    let (protocol, standard) = protocol(scheme).ok_or(Mistake::Scheme)?;
    let (credentials, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(credentials(login).ok_or(Mistake::Credentials)?), place),
        None => (None, rest),
    };
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err(Mistake::Path);
    }
    let (host, port) = host_and_port(place)?;
    Ok(Upstream { protocol, host, port: port.unwrap_or(standard), credentials })
}

/// A protocol and its usual port.
fn protocol(scheme: &str) -> Option<(Protocol, u16)> {
    match scheme.to_ascii_lowercase().as_str() {
        "socks5" => Some((Protocol::Socks5(Names::Here), 1080)),
        "socks5h" => Some((Protocol::Socks5(Names::There), 1080)),
        "http" => Some((Protocol::Http, 80)),
        _ => None,
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), Mistake> {
    let (host, rest) = match place.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']').ok_or(Mistake::Host)?;
            // RFC 6874: the sign before a zone is escaped in a URL.
            (address.replace("%25", "%"), rest)
        }
        None => {
            let end = place.find(':').unwrap_or(place.len());
            let (host, rest) = place.split_at_checked(end).ok_or(Mistake::Host)?;
            (host.to_owned(), rest)
        }
    };
    // Without brackets, what has more colons is an address and no port.
    if !host::is_valid(&host) || rest.matches(':').count() > 1 {
        return Err(Mistake::Host);
    }
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(number(port).ok_or(Mistake::Port)?))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(Mistake::Port),
    }
}

fn number(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port != 0)
}

fn credentials(login: &str) -> Option<Credentials> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (mut user, mut password) = (unescape(user)?, unescape(password)?);
    if user.is_empty() {
        return None;
    }
    Some(Credentials::new(std::mem::take(&mut *user), std::mem::take(&mut *password)))
}

/// Undoes percent encoding,
/// [RFC 3986 section 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1).
fn unescape(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // It does not grow beyond this, so no part of it is left behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (*first, after) {
            (b'%', [high, low, after @ ..]) => {
                plain.push(hexadecimal(*high)?.checked_mul(16)?.checked_add(hexadecimal(*low)?)?);
                rest = after;
            }
            (b'%', _) => return None,
            (byte, _) => plain.push(byte),
        }
    }
    Some(plain)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16)?.try_into().ok()
}

/// The URL with all that may be of user and password left out.
fn without_credentials(text: &str) -> String {
    let Some((before, place)) = text.rsplit_once('@') else { return text.to_owned() };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://...@{place}"),
        None => format!("...@{place}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn upstream(protocol: Protocol, host: &str, port: u16) -> Upstream {
        Upstream { protocol, host: host.to_owned(), port, credentials: None }
    }

    const HERE: Protocol = Protocol::Socks5(Names::Here);
    const THERE: Protocol = Protocol::Socks5(Names::There);

    #[test]
    fn urls_of_proxies_are_read() {
        let cases = [
            ("socks5://p:9", upstream(HERE, "p", 9), "socks5://p:9"),
            ("SOCKS5H://p", upstream(THERE, "p", 1080), "socks5h://p:1080"),
            ("http://p/", upstream(Protocol::Http, "p", 80), "http://p:80"),
            ("http://p:3128/", upstream(Protocol::Http, "p", 3128), "http://p:3128"),
            ("socks5h://[::1]:9", upstream(THERE, "::1", 9), "socks5h://[::1]:9"),
            ("socks5h://[::1]", upstream(THERE, "::1", 1080), "socks5h://[::1]:1080"),
            (
                "socks5://[fe80::1%25eth0]:9",
                upstream(HERE, "fe80::1%eth0", 9),
                "socks5://[fe80::1%eth0]:9",
            ),
        ];
        for (text, proxy, shown) in cases {
            assert_eq!(text.parse(), Ok(proxy.clone()));
            assert_eq!(proxy.to_string(), shown);
        }
    }

    #[test]
    fn users_and_passwords_are_read_and_not_shown() {
        let cases = [
            ("http://ada:pw@p:9", "ada", "pw"),
            ("http://ada@p:9", "ada", ""),
            ("http://a%40b:p%3a%25%2F@p:9", "a@b", "p:%/"),
            ("http://ada:p@w:x/y@p:9", "ada", "p@w:x/y"),
        ];
        for (text, user, password) in cases {
            let proxy: Upstream = text.parse().unwrap();
            assert_eq!(proxy.credentials, Some(Credentials::new(user, password)));
            assert_eq!(proxy.to_string(), "http://p:9");
        }
        let proxy: Upstream = "http://ada:hidden@p:9".parse().unwrap();
        assert!(!format!("{proxy:?}").contains("hidden"));
    }

    #[test]
    fn mistakes_are_told_without_the_password() {
        let cases = [
            ("ada:hidden@p:9", Mistake::Scheme, "...@p:9"),
            ("socks4://ada:hidden@p:9", Mistake::Scheme, "socks4://...@p:9"),
            ("https://p:9", Mistake::Scheme, "https://p:9"),
            ("http://ada:hidden@", Mistake::Host, "http://...@"),
            ("http://::1", Mistake::Host, "http://::1"),
            ("http://[::1", Mistake::Host, "http://[::1"),
            ("http://a b:9", Mistake::Host, "http://a b:9"),
            ("http://p:", Mistake::Port, "http://p:"),
            ("http://p:0", Mistake::Port, "http://p:0"),
            ("http://p:+9", Mistake::Port, "http://p:+9"),
            ("http://p:65536", Mistake::Port, "http://p:65536"),
            ("http://[::1]9", Mistake::Port, "http://[::1]9"),
            ("http://p:9/x", Mistake::Path, "http://p:9/x"),
            ("http://:hidden@p:9", Mistake::Credentials, "http://...@p:9"),
            ("http://ada:hidden%4@p:9", Mistake::Credentials, "http://...@p:9"),
            ("http://ada:hidden%+4@p:9", Mistake::Credentials, "http://...@p:9"),
        ];
        for (text, mistake, shown) in cases {
            let invalid = text.parse::<Upstream>().unwrap_err();
            assert_eq!(invalid.mistake(), mistake, "{text}");
            assert_eq!(invalid.to_string(), format!("{mistake}, in `{shown}`"));
            assert!(!format!("{invalid:?} {invalid}").contains("hidden"));
        }
    }

    proptest! {
        #[test]
        fn no_text_does_harm(text in "(socks5h?|http|x)?(://)?[a-z%@:/\\[\\]0-9 \u{e9}]{0,20}") {
            if let Ok(proxy) = text.parse::<Upstream>() {
                let again = Upstream { credentials: None, ..proxy };
                prop_assert_eq!(again.to_string().parse(), Ok(again));
            }
        }
    }
}
