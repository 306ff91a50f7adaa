//! Whether clients may use a connection.

use crate::prompt;

/// Whether the user is asked before clients may use a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// They may (`ControlMaster yes` and `auto`).
    Given,
    /// The user is asked by a program (`ask` and `autoask`).
    Asked,
}

impl Consent {
    /// Whether this is allowed; the words are a question.
    pub(super) async fn to(self, words: &str) -> bool {
        match self {
            Self::Given => true,
            Self::Asked => prompt::confirm(words).await,
        }
    }
}
