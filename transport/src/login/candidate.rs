//! A key that a login may be tried with.

use std::fmt;
use std::sync::Arc;

use adit_proto::name::NameList;

use crate::identity::Identity;
use crate::identity::private_key::Encrypted;
use crate::public_key::PublicKey;

/// A key that a login may be tried with.
#[derive(Debug, Clone)]
pub enum Candidate {
    /// It can sign at once. A key of this process does so without being offered first, which
    /// saves a round trip; one of an agent is offered, since the agent may ask its user.
    Ready(Identity),
    /// It stands encrypted in the file of this name. It is offered, and the passphrase is asked
    /// for when the server would take it.
    Encrypted(Arc<Encrypted>, String),
}

impl Candidate {
    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Ready(identity) => identity.public_key(),
            Self::Encrypted(key, _) => key.public_key(),
        }
    }

    /// The first algorithm of the key that is `accepted` here and, where it has said, by the
    /// server.
    pub(super) fn algorithm(
        &self,
        accepted: &NameList,
        server: Option<&NameList>,
    ) -> Option<String> {
        self.public_key()
            .algorithms()
            .into_iter()
            .find(|it| accepted.contains(it) && server.is_none_or(|server| server.contains(it)))
            .map(str::to_owned)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self {
            Self::Ready(identity) => identity.origin(),
            Self::Encrypted(_, name) => name,
        };
        let key = self.public_key();
        write!(f, "key {} {} ({origin})", key.key_type(), key.fingerprint())
    }
}
