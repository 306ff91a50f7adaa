//! A first packet of the method that is sent before it is agreed on.

use bytes::Bytes;

use crate::config::Algorithms;
use crate::kex::method::Method;
use crate::message::kex::KexEcdhInit;
use crate::provider::{Failure, Initiator, Provider};

/// A first packet of the method that the client prefers, sent behind its offer: where the server
/// prefers the same method and type of host key, a round trip is saved, and where it does not, the
/// server drops it ([RFC 4253 section 7](https://www.rfc-editor.org/rfc/rfc4253#section-7)).
pub(crate) struct Guess {
    pub(crate) method: Method,
    pub(crate) initiator: Box<dyn Initiator>,
}

impl Guess {
    /// A guess that the first of these methods will be agreed on; `None` where its group has to be
    /// agreed on first.
    pub(crate) fn of(
        provider: &Provider,
        algorithms: &Algorithms,
    ) -> Result<Option<Self>, Failure> {
        let Some(name) = algorithms.exchanges.first() else { return Ok(None) };
        let Some(exchange) = provider.exchange(name) else { return Ok(None) };
        let initiator = exchange.initiate()?;
        Ok(Some(Self { method: Method::Named(name.to_owned()), initiator }))
    }

    /// The packet.
    pub(crate) fn message(&self) -> KexEcdhInit {
        KexEcdhInit { share: Bytes::copy_from_slice(self.initiator.share()) }
    }
}
