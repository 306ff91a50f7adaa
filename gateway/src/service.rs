//! What a session may have.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What a session may have, as rules name it: `shell`, `exec`, `subsystem:` and a name, `pty`,
/// `agent`, `x11`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Service {
    /// A login shell.
    Shell,
    /// A command. What the options of a key or a certificate force is one, whatever is asked for.
    Exec,
    /// A subsystem, by its name.
    Subsystem(String),
    /// A terminal, for either.
    Pty,
    /// The client's agent.
    Agent,
    /// The client's display.
    X11,
}

const SUBSYSTEM: &str = "subsystem:";

impl FromStr for Service {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "shell" => Ok(Self::Shell),
            "exec" => Ok(Self::Exec),
            "pty" => Ok(Self::Pty),
            "agent" => Ok(Self::Agent),
            "x11" => Ok(Self::X11),
            _ => match text.strip_prefix(SUBSYSTEM) {
                Some(name) if !name.is_empty() => Ok(Self::Subsystem(name.to_owned())),
                _ => Err(Unknown(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell => f.write_str("shell"),
            Self::Exec => f.write_str("exec"),
            Self::Subsystem(name) => write!(f, "{SUBSYSTEM}{name}"),
            Self::Pty => f.write_str("pty"),
            Self::Agent => f.write_str("agent"),
            Self::X11 => f.write_str("x11"),
        }
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Nothing that a session may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is nothing that sessions have: there are \"shell\", \"exec\", \"subsystem:NAME\", \
     \"pty\", \"agent\" and \"x11\""
)]
pub struct Unknown(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_may_have_is_read_as_it_is_shown() {
        for text in ["shell", "exec", "subsystem:sftp", "pty", "agent", "x11"] {
            assert_eq!(text.parse::<Service>().unwrap().to_string(), text);
        }
        for text in ["", "Shell", "subsystem", "subsystem:", "sftp", "*"] {
            assert!(text.parse::<Service>().is_err(), "{text}");
        }
    }
}
