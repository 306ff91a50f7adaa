//! The first connection, over TCP.

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::target::Target;
use adit_forward::tcp;
use adit_ssh_config::system::interface_addresses;
use tokio::time::sleep;

use crate::client::witness::{Nobody, Witness};
use crate::settings::{AddressFamily, Settings};

/// How long it takes from one attempt to the next, as with ssh.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes the first connection, over TCP, to the server or to a proxy.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    family: AddressFamily,
    /// Where it comes from, where that is said.
    from: Option<Source>,
    attempts: u32,
    /// Whether the system asks a silent peer whether it is there.
    keep_alive: bool,
    /// The type of service of packets, where it is not the system's.
    service: Option<u8>,
}

/// Where a connection is to come from.
#[derive(Debug, Clone)]
enum Source {
    /// An address of this machine, or its name.
    Address(String),
    /// One of the addresses of an interface.
    Interface(String),
}

impl Source {
    fn of(settings: &Settings) -> Option<Self> {
        let address = settings.bind_address.clone().map(Self::Address);
        address.or_else(|| settings.bind_interface.clone().map(Self::Interface))
    }

    /// The address to come from: of a family that the target has too.
    async fn address(&self, targets: &[SocketAddr]) -> Result<IpAddr, Fault> {
        let fits = |from: &IpAddr| targets.iter().any(|to| to.is_ipv4() == from.is_ipv4());
        let name = match self {
            Self::Interface(name) => {
                let found = interface_addresses(name).unwrap_or_default();
                let address = found.into_iter().find(fits);
                return address.ok_or_else(|| Fault::Interface(name.clone()));
            }
            Self::Address(name) => name,
        };
        let found = tcp::resolve(name, 0).await.unwrap_or_default();
        let address = found.iter().map(SocketAddr::ip).find(fits);
        let address = address.ok_or_else(|| Fault::From(name.clone()))?;
        match UdpSocket::bind((address, 0)) {
            Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                Err(Fault::Foreign(address))
            }
            _ => Ok(address),
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Fault {
    /// The host's name has no address.
    Name(Refusal),
    /// There is no address of the family that is wanted.
    Family,
    /// The address that it is to come from is of another family than all of it, or has no address.
    From(String),
    /// It is to come from an address that no interface has.
    Foreign(IpAddr),
    /// It is to come from an interface that is not up, or has no address of a family that fits.
    Interface(String),
    /// Nobody answers.
    Silent(Refusal),
}

impl Socket {
    /// As `AddressFamily`, `BindAddress`, `BindInterface`, `ConnectionAttempts`, `TCPKeepAlive` and
    /// `IPQoS` say.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            family: settings.address_family,
            from: Source::of(settings),
            attempts: settings.connection_attempts,
            keep_alive: settings.tcp_keep_alive,
            service: settings.service,
        }
    }

    /// Connects. The system decides how long it takes; put a limit around it.
    pub(super) async fn connect(
        &self,
        host: &str,
        port: u16,
        witness: &mut impl Witness,
    ) -> Result<tcp::Stream, Fault> {
        let mut attempt = 1;
        loop {
            match self.try_once(host, port, witness).await {
                Err(Fault::Silent(why)) if attempt < self.attempts => {
                    tracing::info!(host, port, attempt, %why, "trying again");
                    attempt += 1;
                    sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    async fn try_once(
        &self,
        host: &str,
        port: u16,
        witness: &mut impl Witness,
    ) -> Result<tcp::Stream, Fault> {
        witness.resolves();
        let addresses = tcp::resolve(host, port).await.map_err(Fault::Name)?;
        let addresses = self.of_family(addresses);
        if addresses.is_empty() {
            return Err(Fault::Family);
        }
        witness.resolved(host, &addresses);
        let from = match &self.from {
            None => None,
            Some(source) => Some(source.address(&addresses).await?),
        };
        let reachable = |to: &SocketAddr| from.is_none_or(|from| to.is_ipv4() == from.is_ipv4());
        let addresses = addresses.into_iter().filter(reachable).collect();
        let failed = |address, why: &Refusal| witness.refused(address, why);
        let connected = tcp::connect_telling(addresses, from, failed).await;
        let stream = connected.map_err(Fault::Silent)?;
        if !self.keep_alive {
            stream.forgo_keepalive();
        }
        if let Some(service) = self.service {
            stream.set_service(service);
        }
        // How an SSH connection ends is said in its own messages, which a reset could overtake.
        Ok(stream.for_packets())
    }

    fn of_family(&self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let fits = |address: &SocketAddr| match self.family {
            AddressFamily::Any => true,
            AddressFamily::Inet => address.is_ipv4(),
            AddressFamily::Inet6 => address.is_ipv6(),
        };
        addresses.into_iter().filter(fits).collect()
    }
}

/// The way to a proxy.
impl Dial for Socket {
    type Stream = tcp::Stream;

    async fn dial(&self, target: &Target, _: &Origin) -> Result<tcp::Stream, Refusal> {
        match target {
            Target::Tcp { host, port } => {
                self.connect(host, *port, &mut Nobody).await.map_err(Refusal::from)
            }
            Target::Unix(_) => Err(Refusal::NotAllowed),
        }
    }
}

impl Fault {
    /// What the user can do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Name(_) => "check the host's name, and that names are resolved here",
            Self::Family => "leave out -4 and -6, and AddressFamily",
            Self::Interface(_) => {
                "BindInterface is an interface of this machine: ip address lists them"
            }
            Self::From(_) | Self::Foreign(_) => "BindAddress is an address of this machine",
            Self::Silent(_) => "check the address and the port, and that a server listens there",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(why) | Self::Silent(why) => why.fmt(f),
            Self::Family => f.write_str("it has no address of that family"),
            Self::From(name) => write!(f, "it cannot be reached from {name}"),
            Self::Interface(name) => {
                write!(f, "no interface {name} with such an address is up")
            }
            Self::Foreign(address) => write!(f, "no interface here has the address {address}"),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Name(why) | Fault::Silent(why) => why,
            other => Self::Other(other.to_string()),
        }
    }
}
