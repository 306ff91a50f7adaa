//! The key exchange method that was agreed on.

use crate::kex::transcript::Chosen;
use crate::provider::{Failure, Group, GroupExchange, GroupSize, KeyExchange, Provider};

/// A key exchange method that can begin.
#[derive(Debug)]
pub(crate) enum Method {
    /// One of the provider's.
    Named(String),
    /// One over a group that was agreed on for this exchange.
    Grouped { exchange: Box<dyn KeyExchange>, chosen: Chosen },
}

impl Method {
    /// The method over a group that the server chose for these sizes.
    pub(crate) fn over(
        exchange: &dyn GroupExchange,
        group: Group,
        size: GroupSize,
    ) -> Result<Self, Failure> {
        let exchange = exchange.over(&group, size)?;
        Ok(Self::Grouped { exchange, chosen: Chosen { size, group } })
    }

    /// What runs it.
    pub(crate) fn exchange<'a>(
        &'a self,
        provider: &'a Provider,
    ) -> Result<&'a dyn KeyExchange, Failure> {
        match self {
            Self::Named(name) => provider.exchange(name).ok_or(Failure::Internal),
            Self::Grouped { exchange, .. } => Ok(exchange.as_ref()),
        }
    }

    /// The group that was agreed on, which enters the exchange hash.
    pub(crate) fn chosen(&self) -> Option<&Chosen> {
        match self {
            Self::Named(_) => None,
            Self::Grouped { chosen, .. } => Some(chosen),
        }
    }
}
