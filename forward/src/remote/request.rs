//! What a peer asks for.

use adit_channels::global_request::{Bind, Kind};

use crate::host;
use crate::target::Target;

/// What a peer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// To listen there.
    Listen(Target),
    /// To listen there no more.
    Cancel(Target),
    /// It names no place.
    Nonsense(&'static str),
    /// Something that has nothing to do with this.
    Other,
}

impl Request {
    pub(super) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::TcpipForward(bind) => tcp(bind, Self::Listen),
            Kind::CancelTcpipForward(bind) => tcp(bind, Self::Cancel),
            Kind::StreamlocalForward { path } => unix(path, Self::Listen),
            Kind::CancelStreamlocalForward { path } => unix(path, Self::Cancel),
            _ => Self::Other,
        }
    }
}

fn tcp(bind: &Bind, request: fn(Target) -> Request) -> Request {
    let host = &bind.address;
    match u16::try_from(bind.port) {
        Err(_) => Request::Nonsense("there is no such port"),
        Ok(_) if !host.is_empty() && !host::is_valid(host) => {
            Request::Nonsense("this is no address")
        }
        Ok(port) => request(Target::Tcp { host: host.clone(), port }),
    }
}

fn unix(path: &str, request: fn(Target) -> Request) -> Request {
    if path.is_empty() || path.contains('\0') {
        return Request::Nonsense("there is no such path");
    }
    request(Target::Unix(path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(address: &str, port: u32) -> Request {
        Request::of(&Kind::TcpipForward(Bind { address: address.to_owned(), port }))
    }

    #[test]
    fn an_address_is_taken_as_it_is_said() {
        for host in ["", "*", "localhost", "0.0.0.0", "::", "LocalHost."] {
            let target = Target::Tcp { host: host.to_owned(), port: 0 };
            assert_eq!(forward(host, 0), Request::Listen(target));
        }
    }

    #[test]
    fn what_no_system_could_listen_on_is_nonsense() {
        let path = |path: &str| Request::of(&Kind::StreamlocalForward { path: path.to_owned() });
        let long = "x".repeat(10_000);
        for request in [
            forward("localhost", 65_536),
            forward("localhost", u32::MAX),
            forward("a b", 80),
            forward("a\n", 80),
            forward(&long, 80),
            path(""),
            path("a\0b"),
        ] {
            assert!(matches!(request, Request::Nonsense(_)), "{request:?}");
        }
    }

    #[test]
    fn other_requests_are_left_alone() {
        assert_eq!(Request::of(&Kind::NoMoreSessions), Request::Other);
    }
}
