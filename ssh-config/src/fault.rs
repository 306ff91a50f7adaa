//! What is wrong with a line.

use std::path::PathBuf;

use crate::keyword::Keyword;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The keyword is none.
    #[error("unknown keyword \"{0}\"")]
    Unknown(String),
    /// Nothing follows the keyword.
    #[error("nothing follows {0}")]
    Missing(String),
    /// A quote is not closed.
    #[error("a quote is not closed")]
    Quotes,
    /// The line is not UTF-8.
    #[error("the line is not UTF-8")]
    Encoding,
    /// The keyword does not take the value.
    #[error("{keyword} takes {expected}, which \"{value}\" is not")]
    Value {
        /// The keyword.
        keyword: Keyword,
        /// The value.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
    /// More follows than the keyword takes.
    #[error("{keyword} does not take \"{word}\" as well")]
    Extra {
        /// The keyword.
        keyword: String,
        /// The first word too many.
        word: String,
    },
    /// The keyword was given too often.
    #[error("{keyword} may have {limit} values and no more")]
    TooMany {
        /// The keyword.
        keyword: Keyword,
        /// How many it may have.
        limit: usize,
    },
    /// The line belongs into a file.
    #[error("{0} is for files only")]
    FilesOnly(&'static str),
    /// A pattern of `Host` is empty.
    #[error("Host takes patterns, and one is empty")]
    EmptyPattern,
    /// `Match` has no criterion.
    #[error("Match takes a criterion, and has none")]
    NoCriterion,
    /// A criterion of `Match` is none.
    #[error("Match knows no criterion \"{0}\"")]
    Criterion(String),
    /// `all` stands beside other criteria.
    #[error("Match takes all with no other criterion but final and canonical before it")]
    NotAlone,
    /// A criterion of `Match` has nothing to be held against.
    #[error("{0} of Match has nothing to be held against")]
    Bare(String),
    /// A network of `Match localnetwork` is none.
    #[error("localnetwork of Match takes networks, which \"{0}\" is not")]
    Network(String),
    /// A command of `Match exec` could not be run or was ended by a signal.
    #[error("the command \"{command}\" of Match exec cannot be run: {why}")]
    Exec {
        /// The command.
        command: String,
        /// Why not.
        why: String,
    },
    /// A file of the system is to include one of a home folder.
    #[error("the path \"{0}\" begins with ~, which only files of users may include")]
    HomeOfSystem(String),
    /// The path of `Include` is no pattern.
    #[error("Include takes paths, which \"{path}\" is not: {why}")]
    Glob {
        /// The path.
        path: String,
        /// Why not.
        why: String,
    },
    /// Files include each other too deeply.
    #[error("\"{}\" is included {limit} files deep, and may not be", path.display())]
    Depth {
        /// The file.
        path: PathBuf,
        /// How deep files may be included.
        limit: usize,
    },
    /// `RefuseConnection` counts: nobody is to connect to the host.
    #[error("RefuseConnection: {0}")]
    Refused(String),
    /// Something cannot be put in for a token or a variable.
    #[error(transparent)]
    Expansion(#[from] Expansion),
}

/// Why something cannot be put in for what begins with `%`, `${` or `~`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Expansion {
    /// The token is none, or none of this place.
    #[error("the token %{0} means nothing here")]
    Token(char),
    /// Nothing follows the percent sign.
    #[error("nothing follows %: for a percent sign write %%")]
    NoToken,
    /// The environment has no such variable.
    #[error("the variable {0} is not set")]
    Unset(String),
    /// A variable's name is not closed, or none.
    #[error("\"{0}\" is no variable: write ${{NAME}}")]
    Variable(String),
    /// There is no such user.
    #[error("there is no user \"{0}\"")]
    User(String),
}
