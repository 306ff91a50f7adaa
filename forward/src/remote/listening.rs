//! A socket that is listened on for a peer.

use std::io;

use crate::accept::Accept;
use crate::origin::Origin;
use crate::remote::registry::Claim;
use crate::socket::{Listener, Stream};

/// A socket that is listened on for a peer, and the claim to its place, which goes after it.
#[derive(Debug)]
pub(super) struct Listening {
    listener: Listener,
    claim: Claim,
}

impl Listening {
    pub(super) fn new(listener: Listener, claim: Claim) -> Self {
        Self { listener, claim }
    }

    pub(super) fn listener(&self) -> &Listener {
        &self.listener
    }

    pub(super) fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl Accept for Listening {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<(Stream, Origin)> {
        self.listener.accept().await
    }
}
