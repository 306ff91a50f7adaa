//! What runs the peers: docker, podman, this machine's namespaces, or nothing but its own sshd.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::error::{Error, Result};
use crate::interop::container::{Cli, Container};
use crate::interop::image::Maker;
use crate::interop::jail::{self, Jail};
use crate::interop::leftover::Owner;
use crate::interop::local::Local;
use crate::interop::peer::{Origin, Peer};
use crate::interop::place::Place;
use crate::{process, tools};

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
    maker: Maker,
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
                    return Ok(Self { kind, owner, maker: Maker::new(folder), reason });
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
            Kind::Containers(cli) => cli.remove_leftovers(),
            Kind::Namespaces | Kind::OwnServer => Ok(0),
        }
    }

    /// Why this engine has no place for `peer`, if it has none.
    pub(crate) fn lacks(&self, peer: Peer) -> Option<&'static str> {
        match (&self.kind, peer.origin) {
            (Kind::OwnServer, Origin::Release(_)) => {
                Some("needs a container engine, or root for namespaces")
            }
            _ => None,
        }
    }

    /// Whether the releases can be peers here.
    pub(crate) fn has_releases(&self) -> bool {
        !matches!(self.kind, Kind::OwnServer)
    }

    /// Starts a place for `peer`; `folder` is for what it needs and shares.
    pub(crate) fn start(&mut self, peer: Peer, folder: &Path) -> Result<Box<dyn Place>> {
        let Origin::Release(release) = peer.origin else {
            return Ok(Box::new(Local::start(folder)?));
        };
        match &self.kind {
            Kind::Containers(cli) => {
                let image = self.maker.image(cli, release)?;
                Ok(Box::new(Container::start(cli, &image, &self.owner, folder)?))
            }
            Kind::Namespaces => {
                let base = self.maker.root(release)?;
                Ok(Box::new(Jail::start(&base, folder)?))
            }
            Kind::OwnServer => Err(Error::new(self.lacks(peer).unwrap_or_default())),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
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
