//! Why an identity does not sign.

use crate::identity::agent;

/// Why an identity does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The algorithm is none of the key's.
    #[error("a key of type {key_type} does not sign by {algorithm}")]
    Algorithm {
        /// The type of the key.
        key_type: String,
        /// What was asked for.
        algorithm: String,
    },
    /// The library failed: there is no randomness, or an RSA key is damaged.
    #[error("the private key failed to sign")]
    Failed,
    /// The agent did not do what it was asked.
    #[error(transparent)]
    Agent(#[from] agent::Error),
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Agent(error) => error.hint(),
            Self::Algorithm { .. } | Self::Failed => None,
        }
    }
}
