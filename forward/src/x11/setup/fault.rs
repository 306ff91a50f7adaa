//! What can be wrong with a set-up.

use crate::prefix;

/// What is wrong with a set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Its first byte names no order of bytes: this is not X11.
    #[error("the first byte is {0:#04x}, with which no X11 program begins")]
    Order(u8),
    /// The secret or its name is longer than any that is in use.
    #[error("it shows a secret that is too long")]
    TooLong,
    /// Anything else.
    #[error("it is malformed")]
    Malformed,
}

impl prefix::Fault for Fault {
    const MALFORMED: Self = Self::Malformed;
}
