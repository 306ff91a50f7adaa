//! What holds for all sessions.

use std::collections::BTreeMap;

/// What holds for all sessions, whosever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    /// The command line of each subsystem, by its name.
    pub subsystems: BTreeMap<String, String>,
    /// Patterns of the variables that clients may set, with `*` for anything.
    pub accept_env: Vec<String>,
}

impl Default for Sessions {
    /// No subsystem, and the language of messages.
    fn default() -> Self {
        let accept_env = ["LANG", "LC_*"].map(str::to_owned).to_vec();
        Self { subsystems: BTreeMap::new(), accept_env }
    }
}

impl Sessions {
    /// Whether clients may set a variable of this name.
    pub fn accepts(&self, name: &[u8]) -> bool {
        self.accept_env.iter().any(|pattern| matches(pattern.as_bytes(), name))
    }
}

/// Whether a text is what a pattern says, in which `*` is any text and `?` any byte.
fn matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    // Where the last star was, and what it has not swallowed.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            (Some((wanted, rest)), Some((found, others))) if wanted == found || *wanted == b'?' => {
                (pattern, text) = (rest, others);
            }
            (None, None) => return true,
            _ => {
                let Some((rest, swallowed)) = retry else { return false };
                let Some((_, others)) = swallowed.split_first() else { return false };
                retry = Some((rest, others));
                (pattern, text) = (rest, others);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_accepted_by_patterns() {
        for (pattern, name, accepted) in [
            ("LANG", "LANG", true),
            ("LANG", "LANGUAGE", false),
            ("LC_*", "LC_ALL", true),
            ("LC_*", "LC_", true),
            ("LC_*", "LC", false),
            ("*_?", "A_B_C", true),
            ("*_?", "A_BC", false),
            ("*", "", true),
            ("", "A", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), accepted, "{pattern} {name}");
        }
        let sessions = Sessions::default();
        assert!(sessions.accepts(b"LC_TIME") && !sessions.accepts(b"LD_PRELOAD"));
    }
}
