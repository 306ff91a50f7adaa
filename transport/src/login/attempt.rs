//! What was tried to log in, and what came of it.

use std::fmt;

/// One attempt, for the user who wants to know why none sufficed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried: a key, or a method.
    pub what: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What may have been the reason of a refusal, as far as can be seen from here.
    pub doubt: Option<String>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server refused it.
    Refused,
    /// The server took it and wanted more.
    Partial,
    /// It was not sent, for this reason.
    Skipped(String),
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Refused => {
                write!(f, "{}: refused", self.what)?;
                self.doubt.as_ref().map_or(Ok(()), |doubt| write!(f, ", and {doubt}"))
            }
            Outcome::Partial => write!(f, "{}: accepted, but more is wanted", self.what),
            Outcome::Skipped(why) => write!(f, "{}: {why}", self.what),
        }
    }
}
