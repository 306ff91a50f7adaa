//! Whether an authority that is known vouches for a host.

use adit_proto::provider::Provider;

use crate::certificate::{Certificate, Refused};
use crate::known_hosts::host::Host;
use crate::known_hosts::{KnownHosts, Place};

/// What a host's certificate is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// An authority that is known for the host has signed it, and it holds.
    Good { at: Place },
    /// No authority that is known for the host has signed it: it is as if it were not there.
    Unknown,
    /// It, or its key or its authority's, is revoked.
    Revoked { at: Place },
    /// An authority that is known has signed it, and it does not hold.
    Bad(Bad),
}

/// Why a certificate of a known authority does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// What it says.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Somebody else has made it, or altered it.
    #[error("the certificate's signature does not verify")]
    Signature,
}

/// Judges the certificate that a host shows, at a time in seconds since 1970 in UTC.
pub(super) fn judge(
    known: &KnownHosts,
    host: &Host,
    certificate: &Certificate,
    provider: &Provider,
    now: u64,
) -> Judgement {
    let revoked = [certificate.authority(), certificate.key()];
    if let Some(at) = revoked.into_iter().find_map(|key| known.revoked(host, key)) {
        return Judgement::Revoked { at };
    }
    let Some(at) = known.authority(host, certificate.authority()) else {
        return Judgement::Unknown;
    };
    if certificate.verify(provider).is_err() {
        return Judgement::Bad(Bad::Signature);
    }
    match certificate.check_host(host.without_port().as_str(), now) {
        Ok(()) => Judgement::Good { at },
        Err(refused) => Judgement::Bad(refused.into()),
    }
}
