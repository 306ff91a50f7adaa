//! Why files yield no settings, and what is told besides.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::fault::{Expansion, Fault};
use crate::keyword::Keyword;

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the command line.
    CommandLine,
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
    },
}

/// Why files and options yield no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line is wrong.
    #[error("{place}: {fault}")]
    Line {
        /// The line.
        place: Place,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than the user and root can write to a file of the user's.
    #[error("bad owner or permissions on {}", .0.display())]
    Writable(PathBuf),
    /// The value of a keyword cannot be expanded.
    #[error("{keyword}: {fault}")]
    Expansion {
        /// The keyword.
        keyword: Keyword,
        /// Why not.
        fault: Expansion,
    },
    /// The lists of algorithms come to nothing.
    #[error("{0} leaves no algorithm")]
    NoAlgorithm(Keyword),
    /// The name is to be made canonical, has no address, and must not be taken as it is.
    #[error("the host \"{0}\" has no address under any of the canonical domains")]
    NotCanonical(String),
    /// The name's aliases are to be followed, and it has no address.
    #[error("the host \"{0}\" has no address")]
    NoAddress(String),
    /// Settings do not go together.
    #[error("{0}")]
    Conflict(&'static str),
    /// The way to the host leads over the host itself.
    #[error("the jump host \"{0}\" is the host itself")]
    Loop(String),
    /// A user's name has characters that commands could take for something else.
    #[error("the user \"{0}\" has characters that no name may have")]
    User(String),
}

/// What is told of a line that is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The line.
    pub place: Place,
    /// The keyword as written.
    pub keyword: String,
    /// Why it is passed over.
    pub why: Reason,
}

/// Why a line is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// OpenSSH knew the keyword once.
    Past,
    /// OpenSSH knows the keyword, but not what it asks for.
    Unsupported,
    /// `IgnoreUnknown` names the keyword.
    Ignored,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("command line"),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Reason::Past => "is out of use",
            Reason::Unsupported => "is not supported",
            Reason::Ignored => "is unknown and ignored",
        };
        write!(f, "{}: {} {why}", self.place, self.keyword)
    }
}
