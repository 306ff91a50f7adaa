//! Why a client of the proxy was not understood.

use crate::{connect, socks4, socks5};

/// Why a client of the proxy did not come as far as a target. It is the source of the error
/// of [`Inbound::target`](crate::listen::Inbound::target).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The first byte belongs to no protocol that is spoken here.
    #[error("the client speaks neither SOCKS nor HTTP: its first byte is {0:#04x}")]
    Protocol(u8),
    /// It did not say in time where it wants to go.
    #[error("the client did not say in time where it wants to go")]
    Silent,
    /// It asked for something other than a connection.
    #[error("connections are made for clients, but not awaited, and datagrams are not carried")]
    Command,
    /// It has not the right user and password, or none.
    #[error("the proxy needs the right user and password")]
    Login,
    /// It offers no way to log in that is good enough.
    #[error("the client offers no login by user and password")]
    Method,
    /// It speaks SOCKS4, which has no passwords.
    #[error("the proxy needs a password, for which SOCKS4 has no room")]
    NoPasswords,
    /// Its SOCKS4 is wrong.
    #[error(transparent)]
    Socks4(#[from] socks4::Fault),
    /// Its SOCKS5 is wrong.
    #[error(transparent)]
    Socks5(#[from] socks5::Fault),
    /// Its HTTP is wrong, or not CONNECT.
    #[error(transparent)]
    Connect(#[from] connect::Fault),
}
