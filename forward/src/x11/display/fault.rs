//! Why words name no display.

/// Why words name no display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no number of a display, or one that no port can have.
    #[error("it has no number of a display")]
    NoNumber,
    /// The host is neither a name nor an address.
    #[error("it has no host's name or address")]
    Host,
    /// There are blanks or control characters in it.
    #[error("it has characters that no display has")]
    Malformed,
}
