//! The lines of `known_hosts`,
//! [sshd(8)](https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT).
//!
//! ```text
//! [@marker] names type base64 [comment]
//! ```

use crate::known_hosts::hash::Hash;
use crate::known_hosts::host::Host;
use crate::known_hosts::pattern;
use crate::public_key::{Invalid, PublicKey};

/// A line that says something of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) marker: Marker,
    names: Names,
    pub(super) key: PublicKey,
}

/// What a line says of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// It is the key of these hosts.
    None,
    /// It signs the certificates of these hosts.
    CertAuthority,
    /// It must not be taken for a key of these hosts.
    Revoked,
}

/// The hosts that a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    Patterns(String),
    Hashed(Hash),
}

impl Line {
    /// Parses a line without its end; `None` where it is empty or a comment.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, Bad> {
        let line = line.trim_matches(BLANK);
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let (marker, rest) = marker(line)?;
        let (names, key) = rest.split_at(rest.find(BLANK).unwrap_or(rest.len()));
        let names = if Hash::is(names) {
            Names::Hashed(Hash::parse(names).ok_or(Bad::Hash)?)
        } else {
            Names::Patterns(names.to_owned())
        };
        let (key, _comment) = PublicKey::parse(key)?;
        Ok(Some(Self { marker, names, key }))
    }

    /// Whether the line is about this host and, by its form, about no other one.
    pub(super) fn is_only_about(&self, host: &Host) -> bool {
        match &self.names {
            Names::Patterns(list) => list.eq_ignore_ascii_case(host.as_str()) && host.is_literal(),
            Names::Hashed(hash) => hash.matches(host),
        }
    }

    /// Whether the line is about this host.
    pub(super) fn matches(&self, host: &Host) -> bool {
        match &self.names {
            Names::Patterns(list) => pattern::list_matches(list, host.as_str()),
            Names::Hashed(hash) => hash.matches(host),
        }
    }
}

/// What separates words; a carriage return may stand at the end of a line.
const BLANK: [char; 3] = [' ', '\t', '\r'];

/// The marker, and what follows it.
fn marker(line: &str) -> Result<(Marker, &str), Bad> {
    if !line.starts_with('@') {
        return Ok((Marker::None, line));
    }
    let (word, rest) = line.split_once(BLANK).ok_or(Bad::Marker)?;
    let marker = match word {
        "@cert-authority" => Marker::CertAuthority,
        "@revoked" => Marker::Revoked,
        _ => return Err(Bad::Marker),
    };
    let rest = rest.trim_start_matches(BLANK);
    if rest.starts_with('@') { Err(Bad::Marker) } else { Ok((marker, rest)) }
}

/// Why a line is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// The marker is none of `@cert-authority` and `@revoked`, or there are two.
    #[error("the marker is not one of @cert-authority and @revoked")]
    Marker,
    /// The hashed name is not one.
    #[error("the hashed host name is malformed")]
    Hash,
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

    fn parse(line: &str) -> Line {
        Line::parse(line).unwrap().unwrap()
    }

    fn matches(line: &str, name: &str, port: u16) -> bool {
        parse(line).matches(&Host::new(name, port))
    }

    #[test]
    fn a_line_names_hosts_and_a_key() {
        let line = parse(&format!("a.example.com,10.0.0.1 {KEY} a comment"));
        assert_eq!(line.marker, Marker::None);
        assert_eq!(line.key.to_string(), KEY);
        assert!(line.matches(&Host::new("a.example.com", 22)));
        assert!(line.matches(&Host::new("10.0.0.1", 22)));
        assert!(!line.matches(&Host::new("a.example.com", 2222)));
    }

    #[test]
    fn another_port_is_part_of_the_name() {
        let line = format!("[a.example.com]:2222 {KEY}");
        assert!(matches(&line, "A.example.com", 2222));
        assert!(!matches(&line, "a.example.com", 22));
        assert!(matches(&format!("[*]:* {KEY}"), "a.example.com", 2222));
        assert!(matches(&format!("* {KEY}"), "a.example.com", 2222));
    }

    #[test]
    fn markers_are_told() {
        let marker = |text: &str| parse(&format!("{text} * {KEY}")).marker;
        assert_eq!(marker("@revoked"), Marker::Revoked);
        assert_eq!(marker("@cert-authority\t "), Marker::CertAuthority);
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        for line in ["", "  \t", "# comment", "  # comment", "\r"] {
            assert_eq!(Line::parse(line), Ok(None), "{line:?}");
        }
    }

    #[test]
    fn blanks_and_a_carriage_return_do_not_matter() {
        let line = format!("\t a.example.com \t {KEY}\r");
        assert!(matches(&line, "a.example.com", 22));
    }

    #[test]
    fn bad_lines_are_refused_with_their_cause() {
        let cases = [
            ("host".to_owned(), Bad::Key(Invalid::Incomplete)),
            ("host ssh-ed25519".to_owned(), Bad::Key(Invalid::Incomplete)),
            ("host 1024 65537 1234567890".to_owned(), Bad::Key(Invalid::Base64)),
            (format!("@unknown host {KEY}"), Bad::Marker),
            (format!("@revoked @revoked host {KEY}"), Bad::Marker),
            ("@revoked".to_owned(), Bad::Marker),
            (format!("|1|AAAA|AAAA {KEY}"), Bad::Hash),
            (format!("host {}", KEY.replace("ed25519", "rsa")), Bad::Key(Invalid::TypeMismatch)),
        ];
        for (line, cause) in cases {
            assert_eq!(Line::parse(&line), Err(cause), "{line}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(line in ".{0,200}") {
            let _ = Line::parse(&line);
        }

        #[test]
        fn arbitrary_words_never_panic(line in "(@revoked |@x )?(host|\\|1\\||!\\*,a) (ssh-rsa|1) [A-Za-z=]{0,20}.{0,20}") {
            if let Ok(Some(line)) = Line::parse(&line) {
                let _ = line.matches(&Host::new("host", 22));
            }
        }
    }
}
