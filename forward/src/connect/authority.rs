//! Where CONNECT is to lead: `host:port`.

use std::net::Ipv6Addr;

use crate::host;

/// Reads an authority of [RFC 3986 section
/// 3.2](https://www.rfc-editor.org/rfc/rfc3986#section-3.2), which for CONNECT has a port that
/// is not zero, and no user. An IPv6 address, which has brackets here, has none in the result.
pub(super) fn parse(text: &[u8]) -> Option<(String, u16)> {
    let text = str::from_utf8(text).ok()?;
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.to_string(),
        None => Some(host).filter(|host| is_name(host))?.to_owned(),
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port != 0)?;
    Some((host, port))
}

/// Writes an authority; there is none for hosts that cannot stand in one, such as IPv6
/// addresses with a zone.
pub(super) fn encode(host: &str, port: u16) -> Option<String> {
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Some(format!("[{address}]:{port}"));
    }
    is_name(host).then(|| format!("{host}:{port}"))
}

/// A name or an IPv4 address: [RFC 3986 section
/// 3.2.2](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2).
fn is_name(host: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
    host::is_valid(host) && host.bytes().all(in_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_and_written() {
        let cases = [
            ("db.example:5432", "db.example", 5432),
            ("10.0.0.1:1", "10.0.0.1", 1),
            ("[2001:db8::1]:65535", "2001:db8::1", 65535),
            ("a_b:22", "a_b", 22),
        ];
        for (text, host, port) in cases {
            assert_eq!(parse(text.as_bytes()), Some((host.to_owned(), port)));
            assert_eq!(encode(host, port).as_deref(), Some(text));
        }
        assert_eq!(parse(b"[2001:DB8:0::1]:080"), Some(("2001:db8::1".to_owned(), 80)));
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        for text in [
            "",
            "h",
            ":80",
            "h:",
            "h:0",
            "h:+80",
            "h:65536",
            "h:80x",
            "::1:80",
            "[::1]",
            "[::1]x:80",
            "[]:80",
            "[h]:80",
            "[fe80::1%25eth0]:80",
            "u@h:80",
            "http://h:80",
            "h:80/",
            "é:80",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"\xff:80"), None);
    }

    #[test]
    fn what_cannot_stand_in_an_authority_is_not_written() {
        for host in ["", "a b", "a\r\nb", "é", "fe80::1%eth0", "u@h", "h/x", &"x".repeat(256)] {
            assert_eq!(encode(host, 80), None, "{host:?}");
        }
    }
}
