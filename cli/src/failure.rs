//! How a command fails: words for the user, and an exit code by cause.

use std::fmt::Display;
use std::process::ExitCode;

use crate::talk::{self, Weight};

/// The exit code, by cause. 0 is success, 2 what clap ends with for words it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Anything that has no code of its own.
    Other,
    /// The command line or a file that it names is wrong.
    Usage,
    /// The server has no address, or cannot be reached.
    Unreachable,
    /// The two sides do not come to terms: the peer speaks no ssh, breaks its rules before the
    /// login, or has no algorithm in common.
    Protocol,
    /// The server's host key is not trusted.
    HostKey,
    /// The login was refused.
    Login,
    /// A tunnel cannot be set up: a listener cannot be opened, or the server refuses it.
    Tunnel,
    /// The connection was lost, or the peer broke the rules of ssh in it.
    Lost,
}

/// The exit code of all that fails in a call of `ssh(1)`, but for the program at the server.
pub(crate) const OF_SSH: u8 = 255;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure with its cause in words: lower case, no full stop.
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string(), hint: None }
    }

    /// Adds what the user can do about it.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says where it happened, before all else.
    pub(crate) fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Says what is behind it, which has an exit code of its own.
    pub(crate) fn because(mut self, exit: Exit, cause: impl Display) -> Self {
        self.exit = exit;
        self.message = format!("{}; {cause}", self.message);
        self
    }

    /// The cause.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What the user can do about it.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Tells the user, and yields the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.tell(Weight::Failure, "");
        ExitCode::from(self.exit.code())
    }

    /// Tells the user of a failure that is not the end.
    pub(crate) fn warn(&self) {
        self.tell(Weight::Warning, "warning: ");
    }

    fn tell(&self, weight: Weight, kind: &str) {
        talk::say(weight, format_args!("{kind}{}", self.message));
        if let Some(hint) = &self.hint {
            talk::line(weight, format_args!("hint: {hint}"));
        }
    }
}

impl Exit {
    /// The cause that has this number.
    pub(crate) fn of(code: u32) -> Self {
        let all = [
            Self::Usage,
            Self::Unreachable,
            Self::Protocol,
            Self::HostKey,
            Self::Login,
            Self::Tunnel,
            Self::Lost,
        ];
        all.into_iter().find(|it| u32::from(it.code()) == code).unwrap_or(Self::Other)
    }

    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Unreachable => 10,
            Self::Protocol => 11,
            Self::HostKey => 12,
            Self::Login => 13,
            Self::Tunnel => 14,
            Self::Lost => 15,
        }
    }
}
