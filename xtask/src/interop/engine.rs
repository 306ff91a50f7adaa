//! What runs the peers: docker, podman, this machine's namespaces, or nothing but its own sshd.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::ValueEnum;

use crate::error::{Error, Result};
use crate::interop::container::{Cli, Container};
use crate::interop::image::Maker;
use crate::interop::jail::{self, Jail};
use crate::interop::leftover::Owner;
use crate::interop::local::Local;
use crate::interop::network::{self, Network};
use crate::interop::peer::{Origin, Peer};
use crate::interop::place::{Base, Family, Place};
use crate::interop::recipe::Recipe;
use crate::{interrupt, process, tools};

const NO_NAMESPACES: &str = "needs a container engine, or root for namespaces";

/// What the user may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wanted {
    Docker,
    Podman,
    /// Namespaces where root may make them, else the machine's own sshd
    Host,
}

/// What was found.
#[derive(Clone, Debug)]
enum Kind {
    Containers(Cli),
    Namespaces,
    /// The machine's own sshd is the only peer.
    OwnServer,
}

/// Starts places for peers.
#[derive(Debug)]
pub(crate) struct Engine {
    kind: Kind,
    owner: Owner,
    /// Of the containers; there from the first of them on.
    network: Mutex<Option<Network>>,
    maker: Mutex<Maker>,
    /// One line: which it is, and why.
    pub(crate) reason: String,
}

impl Engine {
    /// Finds an engine, the best first; `folder` is where root file systems are kept. An error
    /// means that this machine can run no peer at all.
    pub(crate) fn find(wanted: Option<Wanted>, owner: Owner, folder: PathBuf) -> Result<Self> {
        let mut refused = Vec::new();
        let all = [Wanted::Docker, Wanted::Podman, Wanted::Host];
        for candidate in all.into_iter().filter(|one| wanted.is_none_or(|wanted| wanted == *one)) {
            match try_one(candidate) {
                Ok((kind, version)) => {
                    let mut reason = format!("engine: {}{version}", kind.name());
                    if !refused.is_empty() {
                        reason.push_str(&format!(" ({})", refused.join("; ")));
                    }
                    let maker = Mutex::new(Maker::new(folder));
                    let network = Mutex::new(None);
                    return Ok(Self { kind, owner, network, maker, reason });
                }
                Err(error) => refused.push(first_line(candidate, &error)),
            }
        }
        Err(Error::new(format!("nothing here can run a peer: {}", refused.join("; ")))
            .hint("start docker or podman, run as root, or install openssh-server"))
    }

    /// Removes what runs left behind whose owner is gone.
    pub(crate) fn remove_leftovers(&self) -> Result<usize> {
        match &self.kind {
            Kind::Containers(cli) => {
                let containers = cli.remove_leftovers()?;
                // Only what has no container any more can be removed.
                Ok(containers + network::remove_leftovers(cli)?)
            }
            Kind::Namespaces | Kind::OwnServer => Ok(0),
        }
    }

    /// Why this engine has no place for `peer`, if it has none.
    pub(crate) fn lacks(&self, peer: Peer) -> Option<&'static str> {
        match (&self.kind, peer.origin) {
            (Kind::OwnServer, Origin::Release(_)) => Some(NO_NAMESPACES),
            _ => None,
        }
    }

    /// Whether the releases can be peers here.
    pub(crate) fn has_releases(&self) -> bool {
        !matches!(self.kind, Kind::OwnServer)
    }

    /// Starts a place for `peer`; `folder` is for what it needs and shares.
    pub(crate) fn start(&self, peer: Peer, folder: &Path) -> Result<Box<dyn Place>> {
        let Origin::Release(release) = peer.origin else {
            return Ok(Box::new(Local::start(folder)?));
        };
        self.start_on(&self.base(Recipe::peer(release))?, folder)
    }

    /// Starts a place for adit and the programs whose traffic it carries. Where nothing has a
    /// network of its own, adit is where its peer is.
    pub(crate) fn start_home(&self, peer: Peer, folder: &Path) -> Result<Box<dyn Place>> {
        match peer.origin {
            Origin::Release(_) => self.start_on(&self.programs()?, folder),
            Origin::Machine => Ok(Box::new(Local::start(folder)?)),
        }
    }

    /// The file system with the programs.
    pub(crate) fn programs(&self) -> Result<Base> {
        self.base(Recipe::PROGRAMS)
    }

    /// Makes sure that `from` reaches `to`, and says by which addresses.
    pub(crate) fn join(&self, from: &dyn Place, to: &dyn Place) -> Result<Vec<IpAddr>> {
        match (&self.kind, from.init(), to.init()) {
            (Kind::Namespaces, Some(from), Some(to)) => jail::join(from, to),
            _ => Ok([Family::V4, Family::V6].iter().filter_map(|one| to.address(*one)).collect()),
        }
    }

    fn base(&self, recipe: Recipe) -> Result<Base> {
        match &self.kind {
            Kind::Containers(cli) => self.maker().image(cli, recipe).map(Base::Image),
            Kind::Namespaces => self.maker().root(recipe).map(Base::Root),
            Kind::OwnServer => Err(Error::new(NO_NAMESPACES)),
        }
    }

    fn start_on(&self, base: &Base, folder: &Path) -> Result<Box<dyn Place>> {
        match (&self.kind, base) {
            (Kind::Containers(cli), Base::Image(image)) => {
                let network = self.network(cli)?;
                Ok(Box::new(Container::start(cli, image, &self.owner, &network, folder)?))
            }
            (_, Base::Root(root)) => Ok(Box::new(Jail::start(root, folder)?)),
            _ => Err(Error::new(NO_NAMESPACES)),
        }
    }

    fn network(&self, cli: &Cli) -> Result<String> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match network.take() {
            Some(made) => made,
            None => Network::create(cli, &self.owner)?,
        };
        Ok(network.insert(made).name.clone())
    }

    /// One at a time makes images: whoever needs the same one waits and finds it made.
    fn maker(&self) -> MutexGuard<'_, Maker> {
        self.maker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The network goes after this, and only if nothing is in it any more.
        interrupt::put_away();
        if let Kind::Containers(cli) = &self.kind {
            let _ = cli.remove_own(&self.owner);
        }
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Containers(cli) => cli.program(),
            Self::Namespaces => "namespaces",
            Self::OwnServer => "own sshd",
        }
    }
}

fn try_one(wanted: Wanted) -> Result<(Kind, String)> {
    let cli = match wanted {
        Wanted::Docker => Cli::docker(),
        Wanted::Podman => Cli::podman(),
        Wanted::Host => return try_host(),
    };
    let version = cli.version()?;
    Ok((Kind::Containers(cli), format!(" {version}, which answers")))
}

fn try_host() -> Result<(Kind, String)> {
    let refused = match namespaces() {
        Ok(()) => {
            let why = ": each peer in a root file system and network of its own".to_owned();
            return Ok((Kind::Namespaces, why));
        }
        Err(error) => error,
    };
    match process::find("sshd") {
        Some(sshd) => {
            let why = format!(": {} alone, as there are no namespaces: {refused}", sshd.display());
            Ok((Kind::OwnServer, why))
        }
        None => Err(refused),
    }
}

fn namespaces() -> Result<()> {
    if !tools::is_root() {
        return Err(Error::new("not root"));
    }
    tools::ensure(&tools::FOR_NAMESPACES)?;
    tools::ensure(&tools::FOR_IMAGES)?;
    jail::is_possible()
}

fn first_line(wanted: Wanted, error: &Error) -> String {
    let name = wanted.to_possible_value().map(|value| value.get_name().to_owned());
    let text = error.to_string();
    format!("no {}: {}", name.unwrap_or_default(), text.lines().next().unwrap_or_default())
}
