//! The variables that a program finds.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use serde::{Deserialize, Serialize};

/// The variables that a program finds. There are none but those that were set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Sets a variable, in the place of one with this name. One that cannot be, with no name or with
    /// a `=` in it or a zero byte anywhere, is left out.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let (name, value) = (name.into(), value.into());
        if !can_be(&name, &value) {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Sets all of these.
    pub fn extend(&mut self, others: &Self) {
        for (name, value) in &others.0 {
            self.set(name, value);
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// All variables, in the order in which they were set first.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn can_be(name: &OsStr, value: &OsStr) -> bool {
    let name = name.as_bytes();
    !name.is_empty() && !name.iter().any(|byte| matches!(byte, b'=' | 0)) && {
        let value = value.as_bytes();
        !value.contains(&0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_what_cannot_be_is_left_out() {
        let mut environment = Environment::default();
        for (name, value) in
            [("A", "1"), ("B", "2"), ("A", "3"), ("", "4"), ("C=", "5"), ("D", "a\0b")]
        {
            environment.set(name, value);
        }
        let all: Vec<_> = environment.iter().collect();
        assert_eq!(all, [(OsStr::new("A"), OsStr::new("3")), (OsStr::new("B"), OsStr::new("2"))]);
    }
}
