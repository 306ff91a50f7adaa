//! What a client is asked to open: a tunnel, as the words that every client understands.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::traffic::endpoint::Endpoint;

/// A tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forward {
    pub(crate) kind: Kind,
    pub(crate) from: Begin,
    /// The target as it is written; none where the program before the tunnel names it.
    pub(crate) to: Option<String>,
}

/// At which end a tunnel begins, and who says where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Dynamic,
    Remote,
    RemoteDynamic,
}

/// Where a tunnel begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// A port of loopback that is free.
    Tcp,
    /// A port that is free, at this address.
    At(IpAddr),
    /// This very place.
    Fixed(Endpoint),
    Unix(PathBuf),
}

impl Forward {
    pub(crate) fn local(from: Begin, to: impl Into<String>) -> Self {
        Self { kind: Kind::Local, from, to: Some(to.into()) }
    }

    pub(crate) fn dynamic(from: Begin) -> Self {
        Self { kind: Kind::Dynamic, from, to: None }
    }

    /// A tunnel of this kind; the target is left out where the kind has none.
    pub(crate) fn new(kind: Kind, from: Begin, to: &str) -> Self {
        let to = (!kind.is_dynamic()).then(|| to.to_owned());
        Self { kind, from, to }
    }

    /// The flag and its value, for a client that is told where to listen.
    pub(crate) fn words(&self, begin: &Endpoint) -> [String; 2] {
        let value = match &self.to {
            Some(to) => format!("{begin}:{to}"),
            None => begin.to_string(),
        };
        [self.kind.flag().to_owned(), value]
    }

    /// The target as it is written.
    pub(crate) fn target(&self) -> Option<&str> {
        self.to.as_deref()
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Local, Self::Dynamic, Self::Remote, Self::RemoteDynamic];

    /// Whether the program before the tunnel says where it goes, as one that speaks SOCKS does.
    pub(crate) fn is_dynamic(self) -> bool {
        matches!(self, Self::Dynamic | Self::RemoteDynamic)
    }

    /// Whether it begins at the server.
    pub(crate) fn is_remote(self) -> bool {
        matches!(self, Self::Remote | Self::RemoteDynamic)
    }

    /// The name in reports, and in what adit tells.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Dynamic => "dynamic",
            Self::Remote => "remote",
            Self::RemoteDynamic => "remote-dynamic",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Local => "-L",
            Self::Dynamic => "-D",
            Self::Remote | Self::RemoteDynamic => "-R",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_are_written_as_clients_read_them() {
        let begin: Endpoint = "[::1]:143".parse().unwrap();
        let written = Kind::ALL.map(|kind| Forward::new(kind, Begin::Tcp, "x:25").words(&begin));
        assert_eq!(written[0], ["-L", "[::1]:143:x:25"]);
        assert_eq!(written[1], ["-D", "[::1]:143"]);
        assert_eq!(written[2], ["-R", "[::1]:143:x:25"]);
        assert_eq!(written[3], ["-R", "[::1]:143"]);
    }
}
