//! How a program at the server ended.

/// How a program at the server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As the server says.
    Ended(Ended),
    /// The server did not say.
    Unknown,
    /// It was broken off from here.
    BrokenOff,
}

/// How a program at the server ended, as the server says,
/// [RFC 4254 section 6.10](https://www.rfc-editor.org/rfc/rfc4254#section-6.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this status.
    Status(u32),
    /// By a signal.
    Signal {
        /// Its name, without `SIG`.
        name: String,
        /// Words of the server.
        message: String,
    },
}
