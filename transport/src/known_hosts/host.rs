//! The name that a server's key is looked up by.

use std::fmt;

/// The port that stands for no port.
const DEFAULT_PORT: u16 = 22;

/// The name that a server's key is looked up by: in lower case and, where the port is not 22, as
/// `[name]:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// As it stands in files.
    name: String,
    /// Without the port.
    bare: String,
}

impl Host {
    /// The server at this name or address, as the user gave it, and this port.
    pub fn new(name: &str, port: u16) -> Self {
        let name = name.to_ascii_lowercase();
        match port {
            0 | DEFAULT_PORT => Self { bare: name.clone(), name },
            port => Self { name: format!("[{name}]:{port}"), bare: name },
        }
    }

    /// A server that is looked up by another name than its own, whatever its port.
    pub fn alias(name: &str) -> Self {
        Self::new(name, DEFAULT_PORT)
    }

    /// The same, whatever its port: certificates are for hosts and not for ports.
    pub fn without_port(&self) -> Self {
        Self::alias(&self.bare)
    }

    /// The name as it stands in files.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether the name can stand in a file and means itself there, and not a pattern, a list, a
    /// marker or a comment.
    pub(super) fn is_literal(&self) -> bool {
        let special = |c: char| c.is_whitespace() || c.is_control() || ",*?!|#@\"\\".contains(c);
        !self.name.is_empty() && !self.name.contains(special)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_port_than_22_stands_in_the_name() {
        assert_eq!(Host::new("Example.COM", 22).as_str(), "example.com");
        assert_eq!(Host::new("example.com", 2222).as_str(), "[example.com]:2222");
        assert_eq!(Host::new("::1", 22).as_str(), "::1");
        assert_eq!(Host::new("::1", 2222).as_str(), "[::1]:2222");
        assert_eq!(Host::alias("Name").as_str(), "name");
    }

    #[test]
    fn names_with_a_meaning_of_their_own_are_told() {
        for name in ["example.com", "10.0.0.1", "fe80::1%eth0", "a-b_c"] {
            assert!(Host::new(name, 2222).is_literal(), "{name}");
        }
        for name in ["", "*", "a,b", "a b", "!a", "|1|a", "#a", "@revoked", "a?", "a\nb"] {
            assert!(!Host::alias(name).is_literal(), "{name}");
        }
    }
}
