//! `IPQoS`: the type of service or DSCP class of packets.

use std::fmt;

use crate::release::Release;

/// The types of service of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qos {
    /// While a terminal is at work.
    pub interactive: Service,
    /// Otherwise.
    pub bulk: Service,
}

/// A type of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// As the system has it.
    System,
    /// This octet in each packet: DSCP in its upper six bits.
    Octet(u8),
}

/// Names of octets. Where an octet has two, `ssh -G` tells the first.
const NAMES: [(&str, u8); 26] = [
    ("af11", 0x28),
    ("af12", 0x30),
    ("af13", 0x38),
    ("af21", 0x48),
    ("af22", 0x50),
    ("af23", 0x58),
    ("af31", 0x68),
    ("af32", 0x70),
    ("af33", 0x78),
    ("af41", 0x88),
    ("af42", 0x90),
    ("af43", 0x98),
    ("cs0", 0x00),
    ("cs1", 0x20),
    ("cs2", 0x40),
    ("cs3", 0x60),
    ("cs4", 0x80),
    ("cs5", 0xa0),
    ("cs6", 0xc0),
    ("cs7", 0xe0),
    ("ef", 0xb8),
    ("le", 0x04),
    ("va", 0xb0),
    ("lowdelay", 0x10),
    ("throughput", 0x08),
    ("reliability", 0x04),
];

impl Service {
    /// Reads a name or a number: decimal, and before 10.0 octal after 0 or hexadecimal after 0x.
    pub(crate) fn parse(text: &str, release: Release) -> Option<Self> {
        let named = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        if text.eq_ignore_ascii_case("none") {
            return Some(Self::System);
        }
        named.map(|(_, octet)| *octet).or_else(|| octet(text, release)).map(Self::Octet)
    }
}

fn octet(text: &str, release: Release) -> Option<u8> {
    if release >= Release::V10_0 {
        return text.parse().ok();
    }
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    u8::from_str_radix(digits, radix).ok()
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("none"),
            Self::Octet(octet) => match NAMES.iter().find(|(_, it)| it == octet) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "0x{octet:02x}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_octets() {
        for (text, told) in [
            ("AF21", "af21"),
            ("0x10", "lowdelay"),
            ("16", "lowdelay"),
            ("020", "lowdelay"),
            ("reliability", "le"),
            ("1", "0x01"),
            ("none", "none"),
        ] {
            assert_eq!(Service::parse(text, Release::V9_2).unwrap().to_string(), told, "{text}");
        }
        for text in ["", "256", "0x", "af99", "-1"] {
            assert_eq!(Service::parse(text, Release::V9_2), None, "{text}");
        }
    }
}
