//! Ports as rules name them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Ports: `443`, `8000-8999`, several of these with commas between them, or `*` for all.
///
/// Port 0, by which a peer has the system choose one to listen on, is only in `*` and where it
/// stands by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ports(Vec<RangeInclusive<u16>>);

impl Ports {
    /// Every port, and port 0.
    pub fn all() -> Self {
        Self(vec![0..=u16::MAX])
    }

    /// This port alone.
    pub fn one(port: u16) -> Self {
        Self(vec![port..=port])
    }

    /// Whether the port is among them.
    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|range| range.contains(&port))
    }
}

impl FromStr for Ports {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == "*" {
            return Ok(Self::all());
        }
        text.split(',').map(range).collect::<Option<_>>().map(Self).ok_or(Invalid)
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    match text.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (port(first)?, port(last)?);
            (0 < first && first <= last).then_some(first..=last)
        }
        None => port(text).map(|port| port..=port),
    }
}

fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = 0..=u16::MAX;
        for (index, range) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            match (range.start(), range.end()) {
                _ if *range == all => write!(f, "{separator}*")?,
                (first, last) if first == last => write!(f, "{separator}{first}")?,
                (first, last) => write!(f, "{separator}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// Text names no ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ports are written `443`, `8000-8999`, `80,443` or `*` for all")]
pub struct Invalid;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ports_are_those_that_are_named() {
        let ports: Ports = "80,8000-8999,0".parse().unwrap();
        for (port, expected) in
            [(80, true), (81, false), (8000, true), (8999, true), (9000, false), (0, true)]
        {
            assert_eq!(ports.contains(port), expected, "{port}");
        }
        assert_eq!(ports.to_string(), "80,8000-8999,0");
        let all: Ports = "*".parse().unwrap();
        assert!(all.contains(0) && all.contains(65535));
        assert_eq!(all.to_string(), "*");
        assert!(!"1-65535".parse::<Ports>().unwrap().contains(0));
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in ["", ",", "80,", "-", "1-", "2-1", "0-9", "65536", "+80", "http", "80-*", "*,1"]
        {
            assert_eq!(text.parse::<Ports>(), Err(Invalid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[0-9,*+-]{0,12}") {
            if let Ok(ports) = text.parse::<Ports>() {
                prop_assert_eq!(ports.to_string().parse(), Ok(ports));
            }
        }
    }
}
