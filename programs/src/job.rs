//! What is run.

use std::ffi::OsString;

use crate::account::Account;
use crate::environment::Environment;

/// What a client asks to have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A shell.
    Shell,
    /// A command line.
    Command(OsString),
    /// A subsystem, by its name.
    Subsystem(String),
}

/// What is to be run, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// As whom.
    pub account: Account,
    /// What.
    pub task: Task,
    /// What it was asked for, where something else is run: it finds that in `SSH_ORIGINAL_COMMAND`.
    pub original: Option<OsString>,
    /// Variables that this user's programs find besides.
    pub environment: Environment,
    /// Where the client comes from and where it came in: address and port of each, as
    /// `SSH_CONNECTION` has them.
    pub connection: Connection,
    /// Whether the client may send signals.
    pub signals: Signals,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The account's login shell.
    Shell,
    /// A command line, by the account's shell.
    Command(OsString),
}

/// Both ends of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// The client's.
    pub client: std::net::SocketAddr,
    /// The gateway's.
    pub server: std::net::SocketAddr,
}

/// Whether the client may send signals to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signals {
    /// It may: the program is of its own choice.
    Passed,
    /// It may not: a forced command or a subsystem is none of its choice.
    Refused,
}
