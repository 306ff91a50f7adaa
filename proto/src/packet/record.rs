//! Both directions of the packet layer.

use std::sync::Arc;

use crate::message::codec::Message;
use crate::packet::opener::Opener;
use crate::packet::sealer::Sealer;
use crate::provider::{Failure, Provider};

/// A sealer and an opener.
pub(crate) struct Record {
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
}

impl Record {
    pub(crate) fn new(provider: Arc<Provider>) -> Self {
        Self { sealer: Sealer::new(provider), opener: Opener::new() }
    }

    /// Seals a message.
    pub(crate) fn send(&mut self, message: &impl Message) -> Result<(), Failure> {
        self.sealer.seal(|out| message.encode(out))
    }
}
