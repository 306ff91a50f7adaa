//! Who is told how the way to a server goes.

use std::net::SocketAddr;
use std::time::Duration;

use adit_forward::refusal::Refusal;
use adit_transport::client::Client;

use crate::client::hop::Hop;
use crate::prompt::Terminal;

/// Is told how the way to a server goes, step by step. What fails is told by the failure.
pub(crate) trait Witness {
    /// This server is to be reached next.
    fn begins(&mut self, _: &Hop) {}
    /// A name is about to be looked up by this machine.
    fn resolves(&mut self) {}
    /// A name that this machine looked up, and its addresses of the family that is wanted.
    fn resolved(&mut self, _name: &str, _addresses: &[SocketAddr]) {}
    /// One of the addresses does not answer, for this reason; another one may.
    fn refused(&mut self, _: SocketAddr, _why: &Refusal) {}
    /// The server was reached, in this way and time.
    fn reached(&mut self, _how: &str, _took: Duration) {}
    /// The server was spoken to, whatever came of it.
    fn spoke(&mut self, _: &Client<Terminal>) {}
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nobody;

impl Witness for Nobody {}
