//! Values of keywords.

use std::fmt;

use crate::forward::Forward;
use crate::jump::Jump;
use crate::number;
use crate::qos::Qos;

/// The value of a keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One of the keyword's words, in the spelling of `ssh -G`: `yes` may be `true`.
    Choice(&'static str),
    /// A number.
    Number(u32),
    /// A time in seconds.
    Seconds(u32),
    /// A word, a path, a command or a list of algorithms.
    Text(String),
    /// Several words; none at all where `none` was said.
    List(Vec<String>),
    /// Tunnels.
    Forwards(Vec<Forward>),
    /// `ProxyJump`.
    Jump(Jump),
    /// `IPQoS`.
    Qos(Qos),
    /// `RekeyLimit`.
    Rekey(Rekey),
    /// `EscapeChar`.
    Escape(Escape),
    /// `StreamLocalBindMask`.
    Mask(u32),
    /// `ControlPersist`.
    Persist(Persist),
    /// `AddKeysToAgent`.
    KeysToAgent(KeysToAgent),
    /// `TunnelDevice`.
    Device(Device),
    /// `CanonicalizePermittedCNAMEs`.
    Aliases(Vec<Alias>),
}

/// `RekeyLimit`. Each half is set by the first line that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rekey {
    /// After how many bytes; 0 is what the cipher asks for.
    pub bytes: Option<u64>,
    /// After how many seconds; 0 is never.
    pub seconds: Option<u32>,
}

/// `EscapeChar`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// There is none.
    None,
    /// This octet.
    Octet(u8),
}

/// `ControlPersist`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persist {
    /// The connection ends with its first session.
    No,
    /// It stays.
    Yes,
    /// It stays for so many seconds after the last session; 0 is for ever.
    Seconds(u32),
}

/// `AddKeysToAgent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysToAgent {
    /// Whether: `true`, `false`, `ask` or `confirm`.
    pub mode: &'static str,
    /// For how many seconds; 0 is for ever.
    pub seconds: u32,
}

/// `TunnelDevice`: numbers of devices, any where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The device here.
    pub local: Option<u32>,
    /// The device there.
    pub remote: Option<u32>,
}

/// Names that may lead to others, of `CanonicalizePermittedCNAMEs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Patterns of names that may be aliases.
    pub from: String,
    /// Patterns of what they may be aliases of.
    pub to: String,
}

impl fmt::Display for Rekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.bytes.unwrap_or(0), self.seconds.unwrap_or(0))
    }
}

impl Rekey {
    /// Reads bytes or `default`, and then maybe a time or `none`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let bytes = Self::parse_bytes(words.next()?)?;
        let seconds = words.next().map_or(Some(None), Self::parse_seconds)?;
        words.next().is_none().then_some(Self { bytes: Some(bytes), seconds })
    }

    pub(crate) fn parse_bytes(word: &str) -> Option<u64> {
        match word {
            "default" => Some(0),
            _ => number::bytes(word).filter(|it| *it == 0 || *it >= 16),
        }
    }

    /// `none` sets nothing.
    pub(crate) fn parse_seconds(word: &str) -> Option<Option<u32>> {
        match word {
            "none" => Some(None),
            _ => number::seconds(word).map(Some),
        }
    }
}

/// As `ssh -G` tells it, by the rules of vis(3).
impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Octet(octet) = *self else { return f.write_str("none") };
        match octet {
            b'\\' => f.write_str("\\\\"),
            0x21..=0x7e => write!(f, "{}", char::from(octet)),
            0x20 => f.write_str("\\040"),
            0xa0 => f.write_str("\\240"),
            0x7f => f.write_str("\\^?"),
            0x00..=0x1f => write!(f, "\\^{}", char::from(octet | 0x40)),
            0x80..=0x9f => write!(f, "\\M^{}", char::from(octet & 0x7f | 0x40)),
            0xff => f.write_str("\\M^?"),
            0xa1..=0xfe => write!(f, "\\M-{}", char::from(octet & 0x7f)),
        }
    }
}

impl fmt::Display for Persist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("no"),
            Self::Yes | Self::Seconds(0) => f.write_str("yes"),
            Self::Seconds(seconds) => seconds.fmt(f),
        }
    }
}

impl fmt::Display for KeysToAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mode, self.seconds) {
            (mode, 0) => f.write_str(mode),
            ("confirm", seconds) => write!(f, "confirm {seconds}"),
            (_, seconds) => seconds.fmt(f),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |number: Option<u32>| number.map_or("any".to_owned(), |it| it.to_string());
        write!(f, "{}:{}", told(self.local), told(self.remote))
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.from, self.to)
    }
}
