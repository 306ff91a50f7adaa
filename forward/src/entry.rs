//! Where a tunnel is entered.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use crate::escape::{Escaped, Host};

/// Where a tunnel is entered: what is to be listened on.
///
/// [`Display`](fmt::Display) and [`FromStr`](std::str::FromStr) are each other's inverse, in
/// the form of a dynamic forwarding: `[bind:]port` or `/path`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A TCP port.
    Tcp {
        /// The addresses it is open on.
        bind: Bind,
        /// The port; zero lets the system choose one.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { bind: Bind::Default, port } => port.fmt(f),
            Self::Tcp { bind, port } => write!(f, "{bind}:{port}"),
            Self::Unix(path) => Escaped(&path.to_string_lossy()).fmt(f),
        }
    }
}

/// The addresses that a TCP port is opened on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bind {
    /// Nothing was said: loopback, unless whoever runs the tunnel decides otherwise
    /// (OpenSSH's `GatewayPorts`).
    Default,
    /// Every address of the machine, of both families; written `*` or left empty.
    All,
    /// The loopback addresses of both families; written `localhost`.
    Localhost,
    /// An address, or a name whose addresses are all bound.
    Host(String),
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::All => f.write_str("*"),
            Self::Localhost => f.write_str("localhost"),
            Self::Host(host) => Host(host).fmt(f),
        }
    }
}

/// A place could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {place}: {cause}")]
pub struct Unavailable {
    /// The address and port, or the path.
    pub place: String,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

impl Unavailable {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self.cause.kind() {
            ErrorKind::AddrInUse if self.is_path() => {
                Some("remove the file, or allow dead sockets to be replaced")
            }
            ErrorKind::AddrInUse => Some("another program listens there; choose another port"),
            ErrorKind::NotFound if self.is_path() => Some("make the folder first"),
            ErrorKind::PermissionDenied if self.is_path() => {
                Some("choose a folder that you may write to")
            }
            ErrorKind::PermissionDenied => Some("ports below 1024 are for administrators"),
            ErrorKind::AddrNotAvailable => Some("no interface of this machine has that address"),
            _ => None,
        }
    }

    fn is_path(&self) -> bool {
        self.place.contains('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_shown_as_a_user_writes_it() {
        let tcp = |bind| Entry::Tcp { bind, port: 80 }.to_string();
        assert_eq!(tcp(Bind::Default), "80");
        assert_eq!(tcp(Bind::All), "*:80");
        assert_eq!(tcp(Bind::Localhost), "localhost:80");
        assert_eq!(tcp(Bind::Host("::1".to_owned())), "[::1]:80");
        assert_eq!(Entry::Unix("/tmp/s".into()).to_string(), "/tmp/s");
    }
}
