//! Whom a certificate is for.

/// Whom a certificate is for,
/// [PROTOCOL.certkeys](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys), `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A user, to log in.
    User,
    /// A host, to be known by.
    Host,
}

impl Kind {
    /// The kind of this number, if it is one.
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::User),
            2 => Some(Self::Host),
            _ => None,
        }
    }
}
