//! The Debian releases whose OpenSSH and Dropbear are the peers.

use std::fmt;

/// A release, by the age of what it brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Release {
    Bullseye,
    Bookworm,
    Trixie,
    /// The newest that the mirror has, whatever its name is today.
    Newest,
}

/// Where the packages of a release come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) backports: Option<&'static str>,
}

impl Release {
    pub(crate) const ALL: [Self; 4] = [Self::Bullseye, Self::Bookworm, Self::Trixie, Self::Newest];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Newest => "newest",
        }
    }

    /// The suites that may serve, the best first.
    pub(crate) fn suites(self) -> &'static [Suite] {
        match self {
            Self::Bullseye => &[Suite { name: "bullseye", backports: None }],
            Self::Bookworm => &[Suite { name: "bookworm", backports: None }],
            Self::Trixie => &[Suite { name: "trixie", backports: None }],
            Self::Newest => &[
                Suite { name: "forky", backports: None },
                Suite { name: "sid", backports: None },
                Suite { name: "trixie", backports: Some("trixie-backports") },
            ],
        }
    }
}

impl Suite {
    /// The suite whose index shows whether a mirror has this one.
    pub(crate) fn index(self) -> &'static str {
        self.backports.unwrap_or(self.name)
    }

    /// Whether the release gets updates apart from its main archive.
    pub(crate) fn has_updates(self) -> bool {
        !matches!(self.name, "forky" | "sid")
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_release_has_more_than_one_suite_to_try() {
        for release in Release::ALL {
            assert_eq!(release.suites().len() > 1, release == Release::Newest, "{release:?}");
        }
    }

    #[test]
    fn backports_are_what_a_mirror_is_asked_for() {
        let names: Vec<&str> = Release::Newest.suites().iter().map(|suite| suite.index()).collect();
        assert_eq!(names, ["forky", "sid", "trixie-backports"]);
    }
}
