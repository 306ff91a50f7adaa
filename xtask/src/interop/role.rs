//! Who is the client and who the server.

/// What the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The server of `adit open`.
    Server,
    /// The client of `adit serve`.
    Client,
}

impl Role {
    /// What the peer is, for tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}
