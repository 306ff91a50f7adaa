//! The peers: another implementation at a certain version.

use crate::interop::release::Release;

/// Whose program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    OpenSsh,
    Dropbear,
}

/// Where the programs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Release(Release),
    /// Those that are installed on this machine.
    Machine,
}

/// One line of the table at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) flavour: Flavour,
    pub(crate) origin: Origin,
}

impl Peer {
    /// All peers, in the order of the tables.
    pub(crate) fn all() -> Vec<Self> {
        let of_releases = [Flavour::OpenSsh, Flavour::Dropbear].into_iter().flat_map(|flavour| {
            let origins = Release::ALL.into_iter().map(Origin::Release);
            origins.map(move |origin| Self { flavour, origin })
        });
        let machine = Self { flavour: Flavour::OpenSsh, origin: Origin::Machine };
        of_releases.chain([machine]).collect()
    }

    /// The name on the command line and in reports.
    pub(crate) fn name(self) -> String {
        let flavour = self.flavour.name();
        match self.origin {
            Origin::Release(release) => format!("{flavour}-{}", release.name()),
            Origin::Machine => format!("{flavour}-machine"),
        }
    }

    /// What it is, for `--list`.
    pub(crate) fn about(self) -> String {
        let program = match self.flavour {
            Flavour::OpenSsh => "OpenSSH",
            Flavour::Dropbear => "Dropbear",
        };
        match self.origin {
            Origin::Release(Release::Newest) => {
                format!("{program} of Debian's newest suite that can be had")
            }
            Origin::Release(release) => format!("{program} of Debian {}", release.name()),
            Origin::Machine => format!("{program} of this machine, from a private configuration"),
        }
    }

    /// Those that `names` asks for: whole names, or the implementation alone. Without names, those
    /// that do not stand in for others.
    pub(crate) fn select(names: &[String], has_releases: bool) -> Vec<Self> {
        let all = Self::all().into_iter();
        if names.is_empty() {
            return all.filter(|peer| has_releases != (peer.origin == Origin::Machine)).collect();
        }
        let is_named = |peer: &Self| {
            names.iter().any(|name| {
                *name == peer.name()
                    || (*name == peer.flavour.name() && peer.origin != Origin::Machine)
            })
        };
        all.filter(is_named).collect()
    }
}

impl Flavour {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenSsh => "openssh",
            Self::Dropbear => "dropbear",
        }
    }
}

/// Checks what stands after `--peer`.
pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    let names = names();
    if names.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    Err(format!("there is no such peer; there are {}", names.join(", ")))
}

fn names() -> Vec<String> {
    let flavours = [Flavour::OpenSsh, Flavour::Dropbear].map(|flavour| flavour.name().to_owned());
    Peer::all().into_iter().map(Peer::name).chain(flavours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Peer::select(&names, true).into_iter().map(Peer::name).collect()
    }

    #[test]
    fn without_names_every_release_of_both_is_taken() {
        assert_eq!(select(&[]).len(), 8);
        let machine = Peer::select(&[], false);
        assert_eq!(machine.len(), 1);
        assert_eq!(machine[0].name(), "openssh-machine");
    }

    #[test]
    fn peers_are_taken_by_name_or_by_implementation() {
        assert_eq!(select(&["dropbear-trixie"]), ["dropbear-trixie"]);
        assert_eq!(select(&["openssh"]).len(), 4);
        assert_eq!(select(&["openssh-machine"]), ["openssh-machine"]);
        assert!(parse_name("dropbear").is_ok());
        assert!(parse_name("putty").unwrap_err().contains("openssh-newest"));
    }
}
