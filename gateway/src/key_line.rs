//! Lines of `authorized_keys`, ready to be judged by.

use std::fmt;
use std::sync::Arc;

use adit_transport::authorized_keys::AuthorizedKeys;
use adit_transport::authorized_keys::Refused;
use adit_transport::public_key::PublicKey;

use crate::calendar::zone::Zone;
use crate::terms::Terms;

/// A key and what its options ask for.
#[derive(Debug, Clone)]
pub struct KeyLine {
    /// The key.
    pub key: PublicKey,
    /// What its options ask for, or why it lets nobody in.
    pub terms: Result<Arc<Terms>, Refused>,
    /// Where it stands.
    pub position: Position,
}

impl KeyLine {
    /// All lines with a key of a file with this name.
    pub fn of(keys: &AuthorizedKeys, file: &str, zone: Zone) -> Vec<Self> {
        let file: Arc<str> = file.into();
        let line = |entry: &adit_transport::authorized_keys::Entry| Self {
            key: entry.key.clone(),
            terms: Terms::of(&entry.options, zone).map(Arc::new),
            position: Position { file: file.clone(), line: entry.line },
        };
        keys.entries().iter().map(line).collect()
    }
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file's name.
    pub file: Arc<str>,
    /// The number of the line, from 1 on.
    pub line: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
