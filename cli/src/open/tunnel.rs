//! A tunnel that is asked for.

use std::fmt;

use adit_forward::entry::{Bind, Entry};
use adit_forward::spec::{Destination, Local, Remote};

/// A tunnel that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tunnel {
    /// It is entered here.
    Here(Here),
    /// It is entered at the server.
    There(Remote),
}

/// A tunnel that is entered here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Here {
    /// All of it goes to one target.
    Local(Local),
    /// Each connection says where it goes.
    Dynamic(Entry),
}

impl Tunnel {
    /// What it is called where programs read it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Here(Here::Local(_)) => "local",
            Self::Here(Here::Dynamic(_)) => "dynamic",
            Self::There(Remote { destination: Destination::Target(_), .. }) => "remote",
            Self::There(Remote { destination: Destination::Asked, .. }) => "remote-dynamic",
        }
    }

    /// Where it is entered, as asked.
    pub(crate) fn entry(&self) -> &Entry {
        match self {
            Self::Here(here) => here.entry(),
            Self::There(remote) => &remote.entry,
        }
    }

    /// Has it entered by all addresses of this machine where none is named (`GatewayPorts`).
    pub(crate) fn open_to_others(&mut self) {
        let entry = match self {
            Self::Here(Here::Local(Local { entry, .. }) | Here::Dynamic(entry)) => entry,
            Self::There(_) => return,
        };
        if let Entry::Tcp { bind: bind @ Bind::Default, .. } = entry {
            *bind = Bind::All;
        }
    }

    /// As it would be asked for by a port that was chosen for it.
    pub(crate) fn with_port_of(&self, place: &Entry) -> Self {
        let mut tunnel = self.clone();
        let entry = match &mut tunnel {
            Self::Here(Here::Local(Local { entry, .. }) | Here::Dynamic(entry))
            | Self::There(Remote { entry, .. }) => entry,
        };
        if let (Entry::Tcp { port, .. }, Entry::Tcp { port: chosen, .. }) = (entry, place) {
            *port = *chosen;
        }
        tunnel
    }

    /// The flag and the words that ask for it.
    pub(crate) fn asked(&self) -> String {
        match self {
            Self::Here(Here::Local(local)) => format!("-L {local}"),
            Self::Here(Here::Dynamic(entry)) => format!("-D {entry}"),
            Self::There(remote) => format!("-R {remote}"),
        }
    }

    /// Where it goes, where that is one place.
    pub(crate) fn target(&self) -> Option<String> {
        match self {
            Self::Here(Here::Local(Local { target, .. }))
            | Self::There(Remote { destination: Destination::Target(target), .. }) => {
                Some(target.to_string())
            }
            _ => None,
        }
    }
}

impl Here {
    /// Where it is entered.
    pub(crate) fn entry(&self) -> &Entry {
        match self {
            Self::Local(local) => &local.entry,
            Self::Dynamic(entry) => entry,
        }
    }
}

/// Where it goes.
impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.target().as_deref().unwrap_or("where asked (socks, http connect)"))
    }
}
