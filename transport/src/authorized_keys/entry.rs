//! The lines of `authorized_keys`,
//! [sshd(8)](https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT).
//!
//! ```text
//! [option[="value"],...] type base64 [comment]
//! ```

use crate::authorized_keys::option::{self, KeyOption};
use crate::public_key::{Invalid, PublicKey};

/// A key that may log in, as its options say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of the line, from 1 on.
    pub line: usize,
    /// The options, in their order.
    pub options: Vec<KeyOption>,
    /// The key.
    pub key: PublicKey,
    /// The comment, often who holds the key.
    pub comment: String,
}

impl Entry {
    /// Parses a line without its end; `None` where it is empty or a comment.
    pub(super) fn parse(number: usize, line: &str) -> Result<Option<Self>, Bad> {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let entry = |options, (key, comment): (_, &str)| Self {
            line: number,
            options,
            key,
            comment: comment.to_owned(),
        };
        match PublicKey::parse(line) {
            Ok(key) => Ok(Some(entry(Vec::new(), key))),
            Err(invalid) if begins_with_a_type(line) => Err(invalid.into()),
            Err(_) => {
                let (options, rest) = KeyOption::parse_list(line)?;
                Ok(Some(entry(options, PublicKey::parse(rest)?)))
            }
        }
    }
}

/// Whether the first word can only be the type of a key, so that what is wrong is the key.
fn begins_with_a_type(line: &str) -> bool {
    let word = line.split([' ', '\t']).next().unwrap_or_default();
    ["ssh-", "ecdsa-", "sk-"].into_iter().any(|prefix| word.starts_with(prefix))
}

/// Why a line is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// The options are malformed.
    #[error(transparent)]
    Options(#[from] option::Bad),
    /// The key is not one.
    #[error(transparent)]
    Key(#[from] Invalid),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn parse(line: &str) -> Entry {
        Entry::parse(7, line).unwrap().unwrap()
    }

    #[test]
    fn a_line_has_a_key_and_maybe_options_and_a_comment() {
        let entry = parse(&format!("restrict,command=\"a b\"\t {KEY} me at home\r"));
        assert_eq!(entry.key.to_string(), KEY);
        assert_eq!(entry.options, [KeyOption::Restrict, KeyOption::Command("a b".to_owned())]);
        assert_eq!((entry.line, entry.comment.as_str()), (7, "me at home"));
        let entry = parse(&format!("  {KEY}"));
        assert_eq!((entry.options.len(), entry.comment.as_str()), (0, ""));
    }

    #[test]
    fn comments_and_empty_lines_have_no_key() {
        for line in ["", " \t", "# comment", "  # comment", "\r"] {
            assert_eq!(Entry::parse(1, line), Ok(None));
        }
    }

    #[test]
    fn bad_lines_are_refused_with_their_cause() {
        for (line, cause) in [
            ("restrict".to_owned(), Bad::Key(Invalid::Incomplete)),
            ("restrict ssh-ed25519".to_owned(), Bad::Key(Invalid::Incomplete)),
            ("ssh-ed25519 A*".to_owned(), Bad::Key(Invalid::Base64)),
            (format!("restrict, {KEY}"), Bad::Options(option::Bad::Syntax)),
            (format!("command=\"a {KEY}"), Bad::Options(option::Bad::Unfinished)),
        ] {
            assert_eq!(Entry::parse(1, &line), Err(cause), "{line}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(line in ".{0,200}") {
            let _ = Entry::parse(1, &line);
        }

        #[test]
        fn arbitrary_options_before_a_key_never_panic(options in "[a-z=\", \\\\-]{0,40}") {
            let _ = Entry::parse(1, &format!("{options} {KEY}"));
        }
    }
}
