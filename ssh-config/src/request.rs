//! What is asked of the files: the settings for a host.

use std::path::PathBuf;

use crate::algorithms::Algorithms;
use crate::destination::Destination;
use crate::keyword::{Keyword, Meaning};
use crate::line::Line;
use crate::release::Release;

/// What is asked of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The host, and what was said beside its name.
    pub destination: Destination,
    /// What the command line sets, in its order; it comes before all files.
    pub settings: Vec<Setting>,
    /// Which files are read.
    pub files: Files,
    /// What the connection is for.
    pub session: Session,
    /// Whose keywords and defaults count.
    pub release: Release,
    /// Which algorithms there are.
    pub algorithms: Algorithms,
    /// What `Match version` is held against.
    pub version: String,
}

/// Something that the command line sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A line as in a file: `Keyword=value`, of `-o`.
    Line(String),
    /// One word for a keyword, whatever characters it has, of `-p`, `-l`, `-i` and others.
    Word(Keyword, String),
    /// A tunnel in one word, with colons between its parts, of `-L`, `-R` and `-D`.
    Forward(Keyword, String),
}

/// Which files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// `~/.ssh/config`, and then `/etc/ssh/ssh_config`.
    Usual,
    /// This one only.
    Only(PathBuf),
    /// None.
    None,
}

/// What the connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Session {
    /// A shell.
    Shell,
    /// A command.
    Command(String),
    /// A subsystem.
    Subsystem(String),
    /// Tunnels only.
    None,
    /// Standard input and output joined to a target, of `-W`.
    Stdio,
}

impl Request {
    /// Asks for a host by the usual files, for a connection with tunnels only.
    pub fn new(destination: Destination) -> Self {
        let release = Release::default();
        Self {
            destination,
            settings: Vec::new(),
            files: Files::Usual,
            session: Session::None,
            release,
            algorithms: Algorithms::of(release),
            version: concat!("adit_", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl Setting {
    /// The keyword that it sets; nothing where it sets none.
    pub fn keyword(&self, release: Release) -> Option<Keyword> {
        match self {
            Self::Word(keyword, _) | Self::Forward(keyword, _) => Some(*keyword),
            Self::Line(text) => match Meaning::of(&Line::parse(text).ok()??.keyword, release) {
                Some(Meaning::Sets(keyword)) => Some(keyword),
                _ => None,
            },
        }
    }
}

impl Session {
    /// What `Match sessiontype` and `Match command` are held against.
    pub(crate) fn told(&self) -> (&'static str, &str) {
        match self {
            Self::Shell => ("shell", ""),
            Self::Command(command) => ("exec", command),
            Self::Subsystem(name) => ("subsystem", name),
            Self::None | Self::Stdio => ("none", ""),
        }
    }
}
