//! What is wrong with a message.

use crate::prefix;

/// What is wrong with a message, or with what was to become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is none.
    #[error("this is not SOCKS5")]
    Malformed,
    /// There is no such command.
    #[error("there is no SOCKS5 command {0}")]
    Command(u8),
    /// There is no such type of address.
    #[error("there is no SOCKS5 address type {0}")]
    AddressType(u8),
    /// The name cannot name a host.
    #[error("the name in a SOCKS5 request names no host")]
    Name,
    /// The user or the password is longer than 255 bytes, or the user is empty.
    #[error("SOCKS5 needs a user, and neither user nor password longer than 255 bytes")]
    Login,
}

impl prefix::Fault for Fault {
    const MALFORMED: Self = Self::Malformed;
}
