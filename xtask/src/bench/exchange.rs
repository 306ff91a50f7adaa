//! How keys are exchanged.

/// How keys are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// As the two ends agree on by themselves.
    Default,
    /// The same for all, where what it costs is part of what is measured.
    Curve25519,
}

impl Exchange {
    /// Its name in SSH.
    pub(crate) fn ssh(self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::Curve25519 => Some("curve25519-sha256"),
        }
    }
}
