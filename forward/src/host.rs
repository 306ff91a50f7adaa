//! What may name a host.

/// Longest name, in bytes: a domain name of
/// [RFC 1035 section 2.3.4](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4), and what a
/// SOCKS request has room for.
pub(crate) const LONGEST: usize = 255;

/// Whether this can name a host: a domain name, an address, or whatever the resolver of the
/// machine that dials it makes something of. It has no white space, no control characters and
/// no brackets, so that it can stand in every protocol and every line of a log.
pub(crate) fn is_valid(text: &str) -> bool {
    let odd = |character: char| {
        character.is_whitespace() || character.is_control() || "[]".contains(character)
    };
    !text.is_empty() && text.len() <= LONGEST && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_hosts() {
        for host in ["db.example", "db.example.", "10.0.0.1", "::1", "fe80::1%eth0", "h_x", "é"] {
            assert!(is_valid(host), "{host}");
        }
        assert!(is_valid(&"x".repeat(LONGEST)));
    }

    #[test]
    fn what_would_break_a_line_or_a_request_is_none() {
        for host in ["", "a b", "a\r\nb", "a\0", "[::1]", "\u{1b}[2J", "a\u{a0}b"] {
            assert!(!is_valid(host), "{host:?}");
        }
        assert!(!is_valid(&"x".repeat(LONGEST + 1)));
    }
}
