//! What a tunnel of one contestant is to be like.

use std::net::SocketAddr;

use crate::bench::cipher::Cipher;
use crate::bench::contestant::Contestant;
use crate::bench::site::Site;
use crate::bench::tunnel_kind::Kind;

/// Everything that the two programs are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    pub(crate) site: &'a Site,
    pub(crate) contestant: Contestant,
    pub(crate) kind: Kind,
    pub(crate) cipher: Cipher,
    pub(crate) exchange: Exchange,
    pub(crate) target: SocketAddr,
}

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
