//! Where a peer lives: a network and a root file system of its own, or those of this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process;

/// The port on which a peer's server listens.
pub(crate) const SSH_PORT: u16 = 22;

/// Who may log in at a peer with a root file system of its own.
pub(crate) const USER: &str = "adit";

/// The search path there, which is not that of this machine's user.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Ends everything but the first process, and waits until the port of the server is free again.
pub(crate) const CLEAR: &str = "kill -KILL -1; for i in 1 2 3 4 5 6 7 8 9; do \
                                grep -q ':0016 .* 0A ' /proc/net/tcp || break; sleep 0.05; done";

/// Stops everything but the first process.
pub(crate) const FREEZE: &str = "kill -STOP -1";

/// Lets them go on.
pub(crate) const THAW: &str = "kill -CONT -1";

/// How long a small program in a place may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A running place; it is taken down when this is dropped.
pub(crate) trait Place: std::fmt::Debug {
    /// Where this machine reaches the peer's server.
    fn server_address(&self) -> SocketAddr;

    /// Where other places of this run reach this one, if they do by this version of IP.
    fn address(&self, family: Family) -> Option<IpAddr>;

    /// Whether programs here reach one another by IPv6.
    fn has_ipv6(&self) -> bool {
        self.address(Family::V6).is_some()
    }

    /// The first process in it, as this machine numbers it, where the network is its own.
    fn init(&self) -> Option<u32>;

    /// Starts a second place with a file system of its own in the network of this one.
    fn annex(&self, base: &Base, folder: &Path) -> Result<Box<dyn Place>>;

    /// The port that the peer's server is to listen on.
    fn server_port(&self) -> u16;

    /// Who may log in there.
    fn user(&self) -> &str;

    /// A program of the peer, in its network and its file system. Its input and output are ours.
    fn own(&self, words: &[&str]) -> Command;

    /// A program of this machine, in the peer's network but in the file system of this machine.
    fn guest(&self, program: &Path) -> Command;

    /// A folder that both file systems have.
    fn shared(&self) -> &Shared;

    /// Ends every program that was started here.
    fn clear(&mut self) -> Result<()>;

    /// Stops every program here where it stands, so that it answers nothing any more.
    fn freeze(&mut self) -> Result<()>;

    /// Takes the place away at once, as if its power had failed.
    fn cut(&mut self) -> Result<()>;
}

/// What the file system of a place is made of.
#[derive(Clone, Debug)]
pub(crate) enum Base {
    Image(String),
    Root(PathBuf),
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// The two names of a folder.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// In the file system of this machine.
    pub(crate) outside: PathBuf,
    /// In that of the peer.
    pub(crate) inside: PathBuf,
}

impl Family {
    pub(crate) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    pub(crate) fn loopback(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::LOCALHOST.into(),
            Self::V6 => Ipv6Addr::LOCALHOST.into(),
        }
    }

    /// Every address.
    pub(crate) fn unspecified(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Self::V6 => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

impl Shared {
    /// The peer's name of a file in the folder.
    pub(crate) fn inside(&self, name: &str) -> String {
        self.inside.join(name).to_string_lossy().into_owned()
    }

    /// This machine's name of a file in the folder.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.outside.join(name)
    }
}

/// Runs a small program of the peer to its end; what it wrote to standard output.
pub(crate) fn run(place: &dyn Place, words: &[&str]) -> Result<String> {
    process::succeed(place.own(words), LIMIT)
}

/// As [`run`]; both outputs, whatever the exit code.
pub(crate) fn words_of(place: &dyn Place, words: &[&str]) -> Result<String> {
    let finished = process::run(place.own(words), &[], LIMIT)?;
    Ok(format!("{}{}", finished.stdout_text(), finished.stderr_text()))
}

/// Runs a line of shell in the place whose failure is of no interest.
pub(crate) fn shell(place: &dyn Place, line: &str) -> Result<()> {
    process::run(place.own(&["sh", "-c", line]), &[], LIMIT).map(drop)
}

/// A place that cannot do what a scenario needs.
pub(crate) fn cannot(what: &str) -> Error {
    Error::new(format!("the machine's own network cannot be {what}"))
}
