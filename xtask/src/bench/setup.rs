//! What a tunnel of one contestant is to be like.

use std::net::SocketAddr;

use crate::bench::cipher::Cipher;
use crate::bench::contestant::Contestant;
use crate::bench::exchange::Exchange;
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
