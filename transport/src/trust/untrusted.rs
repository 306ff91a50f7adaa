//! Why a host key is not trusted.

use crate::known_hosts::Place;
use crate::public_key::PublicKey;
use crate::public_key::fingerprint::Fingerprint;
use crate::trust::authority;

/// Why a host key is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The host is not known.
    #[error("{host} is not known: its {} key is {fingerprint}", short(.key_type))]
    Unknown {
        /// The host.
        host: String,
        /// The type of the key that it shows.
        key_type: String,
        /// The key that it shows.
        fingerprint: Fingerprint,
    },
    /// The host is known by another key.
    #[error(transparent)]
    Changed(Box<Changed>),
    /// The key was revoked.
    #[error("the host key {fingerprint} of {host} is revoked at {at}")]
    Revoked {
        /// The host.
        host: String,
        /// The key that it shows.
        fingerprint: Fingerprint,
        /// Where that stands.
        at: Place,
    },
    /// The key is on a list of revoked keys.
    #[error("the host key {fingerprint} of {host} is on the list of revoked keys")]
    Listed {
        /// The host.
        host: String,
        /// The key that it shows.
        fingerprint: Fingerprint,
    },
    /// What is revoked cannot be told, so that any key might be.
    #[error("no host key is trusted, since any may be revoked: {0}")]
    NoRevocation(String),
    /// The certificate of an authority that is known does not hold.
    #[error("the certificate of {host} does not hold: {why}")]
    Certificate {
        /// The host.
        host: String,
        /// Why.
        why: authority::Bad,
    },
    /// The user said no.
    #[error("the host key {fingerprint} of {host} was not accepted")]
    Declined {
        /// The host.
        host: String,
        /// The key that it shows.
        fingerprint: Fingerprint,
    },
}

/// A host shows another key than it is known by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the host key of {host} has changed: it shows {} {}, known is {} {} at {at}{}",
    short(.shown.key_type()), .shown.fingerprint(),
    short(.known.key_type()), .known.fingerprint(), also(.others)
)]
pub struct Changed {
    /// The host.
    pub host: String,
    /// The key that it shows.
    pub shown: PublicKey,
    /// The key that it is known by.
    pub known: PublicKey,
    /// Where that stands.
    pub at: Place,
    /// Where other keys of the host stand.
    pub others: Vec<Place>,
}

fn also(places: &[Place]) -> String {
    places.iter().map(|place| format!(", another at {place}")).collect()
}

impl Untrusted {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { .. } => "compare the fingerprint with the server's \
                 (ssh-keygen -lf on its host key), then connect once with \
                 -o StrictHostKeyChecking=accept-new"
                .to_owned(),
            Self::Changed(changed) => format!(
                "somebody may stand between you and the server; if its key was really \
                 replaced, remove the old one: adit trust --remove '{}'",
                changed.host
            ),
            Self::NoRevocation(_) => "see RevokedHostKeys".to_owned(),
            Self::Certificate { .. } => {
                "whoever runs the server has to have its host key certified anew".to_owned()
            }
            Self::Revoked { .. } | Self::Listed { .. } => {
                "do not use this server until it has another key".to_owned()
            }
            Self::Declined { .. } => {
                "compare it with the server's: ssh-keygen -lf on its host key".to_owned()
            }
        }
    }
}

/// A key type as people say it.
pub(super) fn short(key_type: &str) -> &str {
    match key_type {
        "ssh-ed25519" => "ed25519",
        "ssh-rsa" => "rsa",
        other if other.starts_with("ecdsa-") => "ecdsa",
        other => other,
    }
}
