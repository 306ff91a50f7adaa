//! Hosts as peers and rules name them, each in one spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name, and the longest part of one between dots, in bytes
/// ([RFC 1035 section 2.3.4](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)).
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A host in the one spelling that is compared.
///
/// | written | means |
/// |---|---|
/// | `DB.Example.`, `db.example` | the name `db.example` |
/// | `::ffff:10.0.0.1`, `[::ffff:a00:1]` | 10.0.0.1 |
/// | `127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1` | 127.0.0.1, as inet_aton(3) reads it |
/// | `0` | 0.0.0.0 |
/// | `fe80::1%eth0` | nothing: an address with a zone is [unclear](Unclear) |
/// | `1.2.3.4.5`, `db.0x1f`, `256.1` | nothing: these look like addresses and are none |
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// An address; never an IPv4 address in the form of IPv6.
    Address(IpAddr),
    /// A name, which is not an address in any spelling.
    Name(Name),
}

impl FromStr for Host {
    type Err = Unclear;

    fn from_str(text: &str) -> Result<Self, Unclear> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if text.contains('%') {
            return Err(Unclear::Zone);
        }
        if bare.is_some() || text.contains(':') {
            let address: Ipv6Addr =
                bare.unwrap_or(text).parse().map_err(|_| Unclear::Characters)?;
            return Ok(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        let text = text.to_ascii_lowercase();
        let text = text.strip_suffix('.').unwrap_or(&text);
        if ends_in_a_number(text) {
            let address = inet_aton(text).ok_or(Unclear::Number)?;
            return Ok(Self::Address(address.into()));
        }
        Name::checked(text).map(Self::Name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// The name of a host: in lower case, without a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<str>);

impl Name {
    fn checked(text: &str) -> Result<Self, Unclear> {
        if text.is_empty() {
            return Err(Unclear::Empty);
        }
        let fits = text.len() <= LONGEST
            && text.split('.').all(|label| (1..=LONGEST_LABEL).contains(&label.len()));
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match (text.chars().all(known), fits) {
            (false, _) => Err(Unclear::Characters),
            (_, false) => Err(Unclear::Labels),
            _ => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it means this machine, whatever a name server says
    /// ([RFC 6761 section 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)).
    pub fn is_localhost(&self) -> bool {
        *self.0 == *"localhost" || self.0.ends_with(".localhost")
    }

    /// Whether it ends with a dot and `suffix`.
    pub fn is_below(&self, suffix: &Self) -> bool {
        self.0.strip_suffix(&*suffix.0).is_some_and(|front| front.ends_with('.'))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether resolvers would take the text for an IPv4 address, or refuse it for looking like one
/// (<https://url.spec.whatwg.org/#ends-in-a-number-checker>).
fn ends_in_a_number(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_hex = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_decimal = !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit());
    is_decimal || last.strip_prefix("0x").is_some_and(is_hex)
}

/// An IPv4 address of one to four numbers, each decimal, octal or hexadecimal, the last of which
/// fills all bytes that are left, as inet_aton(3) has it.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let mut bits: u64 = 0;
    let mut free: u32 = 32;
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let width = if parts.peek().is_some() { 8 } else { free };
        let number = number(part)?;
        if width == 0 || width > free || number >= 1_u64 << width {
            return None;
        }
        free -= width;
        bits |= number << free;
        // A fourth number ends the address.
        if free == 0 && parts.peek().is_some() {
            return None;
        }
    }
    u32::try_from(bits).ok().map(Ipv4Addr::from_bits)
}

fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    // `from_str_radix` also takes a sign.
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(digits, radix).ok().filter(|_| all_digits)
}

/// Why it is not clear which host is meant, or that there can be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// There is nothing.
    #[error("the host is empty")]
    Empty,
    /// An address with a zone: which interface that is depends on where it is read.
    #[error("an address with a zone id is not taken")]
    Zone,
    /// It ends like an IPv4 address and is none.
    #[error("this looks like an IPv4 address and is none")]
    Number,
    /// No host name has such characters. Those beyond ASCII are written `xn--`.
    #[error("no host name has such characters")]
    Characters,
    /// The name or a part of it is empty or too long.
    #[error("a host name has parts of 1 to {LONGEST_LABEL} letters, {LONGEST} in all")]
    Labels,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for (spellings, address) in [
            (
                &[
                    "127.0.0.1",
                    "127.1",
                    "127.0.1",
                    "0x7f000001",
                    "0X7F.1",
                    "2130706433",
                    "0177.0.0.01",
                    "017700000001",
                    "::ffff:127.0.0.1",
                    "::ffff:7f00:1",
                    "[::FFFF:127.0.0.1]",
                    "127.0.0.1.",
                ][..],
                "127.0.0.1",
            ),
            (&["0", "0.0", "0x0", "00", "0.0.0.0", "::ffff:0.0.0.0"], "0.0.0.0"),
            (&["::1", "[::1]", "0:0:0:0:0:0:0:1"], "::1"),
            (&["2001:DB8::1", "2001:db8:0::0:1"], "2001:db8::1"),
            (&["4294967295", "255.255.255.255", "255.0xffffff"], "255.255.255.255"),
            (&["010.0.0.1"], "8.0.0.1"),
        ] {
            for spelling in spellings {
                assert_eq!(host(spelling), Host::Address(address.parse().unwrap()), "{spelling}");
            }
        }
    }

    #[test]
    fn names_are_alike_in_any_case_and_with_a_dot_at_the_end() {
        assert_eq!(host("DB.Example."), host("db.example"));
        assert_eq!(host("DB.Example.").to_string(), "db.example");
        assert_ne!(host("db"), host("db.example"));
        for name in ["deadbeef", "0xabc.example", "a_b", "xn--bcher-kva.example", "10.example"] {
            assert!(matches!(host(name), Host::Name(_)), "{name}");
        }
    }

    #[test]
    fn what_is_unclear_is_refused() {
        for (text, cause) in [
            ("", Unclear::Empty),
            (".", Unclear::Empty),
            ("fe80::1%eth0", Unclear::Zone),
            ("fe80::1%1", Unclear::Zone),
            ("127.0.0.1%lo", Unclear::Zone),
            ("[fe80::1%eth0]", Unclear::Zone),
            ("256.0.0.1", Unclear::Number),
            ("1.2.3.4.5", Unclear::Number),
            ("1.2.3.256", Unclear::Number),
            ("4294967296", Unclear::Number),
            ("0x100000000", Unclear::Number),
            ("1.0x1000000", Unclear::Number),
            ("09.0.0.1", Unclear::Number),
            ("db.0x1f", Unclear::Number),
            ("0x", Unclear::Number),
            ("1..1", Unclear::Number),
            ("*", Unclear::Characters),
            ("db example", Unclear::Characters),
            ("db\0", Unclear::Characters),
            ("10.0.0.0/8", Unclear::Characters),
            ("b\u{fc}cher.example", Unclear::Characters),
            ("\u{ff11}27.0.0.1", Unclear::Number),
            ("[127.0.0.1]", Unclear::Characters),
            ("[::1", Unclear::Characters),
            ("::1::", Unclear::Characters),
            ("a..b", Unclear::Labels),
            (".a", Unclear::Labels),
            ("a..", Unclear::Labels),
        ] {
            assert_eq!(text.parse::<Host>(), Err(cause), "{text}");
        }
        assert_eq!("a".repeat(64).parse::<Host>(), Err(Unclear::Labels));
        assert_eq!("a.".repeat(127).parse::<Host>().map(|host| host.to_string().len()), Ok(253));
        assert_eq!("a.".repeat(128).parse::<Host>(), Err(Unclear::Labels));
    }

    #[test]
    fn a_suffix_is_of_whole_labels() {
        let name = |text: &str| Name::checked(text).unwrap();
        assert!(name("a.b.example").is_below(&name("example")));
        assert!(!name("example").is_below(&name("example")));
        assert!(!name("badexample").is_below(&name("example")));
        assert!(name("LOCALHOST".to_lowercase().as_str()).is_localhost());
        assert!(name("app.localhost").is_localhost());
        assert!(!name("localhost.example").is_localhost());
    }

    proptest! {
        #[test]
        fn a_host_is_read_as_it_is_shown(text in "[0-9a-fxX.:]{1,20}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.to_string().parse::<Host>(), Ok(host));
            }
        }

        #[test]
        fn an_address_is_the_same_in_every_spelling(bits in any::<u32>()) {
            let address = Ipv4Addr::from_bits(bits);
            let [a, b, c, d] = address.octets();
            let tail = u32::from(b) << 16 | u32::from(c) << 8 | u32::from(d);
            for spelling in [
                address.to_string(),
                bits.to_string(),
                format!("{bits:#x}"),
                format!("0{bits:o}"),
                format!("{a}.{tail}"),
                format!("{a:#x}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
                format!("0{a:o}.{b}.0{c:o}.{d:#X}"),
                format!("::ffff:{address}"),
            ] {
                prop_assert_eq!(spelling.parse(), Ok(Host::Address(address.into())), "{}", spelling);
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Host>();
        }
    }
}
