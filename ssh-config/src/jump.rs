//! `ProxyJump`: the hosts on the way.

use std::fmt;

use crate::destination::Destination;

/// The way to the host over others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jump {
    /// `none`: there is none, whatever later lines say.
    Straight,
    /// Over these, in this order.
    Over {
        /// Those before the last, as written, with commas between.
        before: Option<String>,
        /// The last, from which the host is reached.
        last: Destination,
    },
}

impl Jump {
    /// Reads hosts with commas between, each `[user@]host[:port]` or
    /// `ssh://[user@]host[:port]`; what follows `#` is a comment.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split('#').next().unwrap_or_default().trim_end();
        if text.eq_ignore_ascii_case("none") {
            return Some(Self::Straight);
        }
        let all: Option<Vec<_>> = text.split(',').map(Destination::with_port).collect();
        let last = all?.pop()?;
        let before = text.rsplit_once(',').map(|(before, _)| before.to_owned());
        Some(Self::Over { before, last })
    }
}

/// As `ssh -G` tells it: the last host in brackets where it is an address.
impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Over { before, last } = self else { return f.write_str("none") };
        if let Some(before) = before {
            write!(f, "{before},")?;
        }
        if let Some(user) = &last.user {
            write!(f, "{user}@")?;
        }
        let digits = |it: char| it.is_ascii_digit() || it == '.';
        if last.host.contains(':') || last.host.chars().all(digits) {
            write!(f, "[{}]", last.host)?;
        } else {
            f.write_str(&last.host)?;
        }
        last.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}
