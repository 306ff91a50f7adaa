//! How a server is entered.

use adit_transport::public_key::fingerprint::Fingerprint;

/// How a server is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// For the first time: the user is asked, and what is known says whom to trust.
    First,
    /// Once more: nobody is asked, and it has to show the key that it showed then.
    Again(Fingerprint),
}
