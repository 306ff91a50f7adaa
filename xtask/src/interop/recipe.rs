//! What a root file system is made of: that of a peer, or that of the programs that travel.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::interop::release::{Release, Suite};

pub(crate) const DOCKERFILE: &str = include_str!("image/Dockerfile");

/// Raised when the steps that follow a recipe change what comes out.
const STEPS: u32 = 1;

/// The packages of a root file system, and what is done within it afterwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipe {
    /// Stands before the suite in names.
    prefix: &'static str,
    pub(crate) release: Release,
    /// What mmdebstrap puts in beside the essential packages.
    packages: &'static [&'static str],
    /// Runs in the root file system, and installs the packages where they are not there yet.
    pub(crate) setup: &'static str,
}

impl Recipe {
    /// Servers and clients whose traffic is carried: HTTP, SMTP, IMAP, POP3, Redis.
    ///
    /// The release is an older one, since dovecot 2.4 has another language for its configuration.
    pub(crate) const PROGRAMS: Self = Self {
        prefix: "programs-",
        release: Release::Bookworm,
        packages: &[
            "passwd",
            "busybox",
            "curl",
            "dovecot-imapd",
            "dovecot-pop3d",
            "postfix",
            "redis-server",
            "redis-tools",
        ],
        setup: include_str!("image/programs.sh"),
    };

    /// The peers of a release. `passwd` is named, as newer packages of OpenSSH no longer bring it;
    /// behind the servers and clients stand the programs that sessions run.
    pub(crate) const fn peer(release: Release) -> Self {
        Self {
            prefix: "",
            release,
            packages: &[
                "passwd",
                "openssh-server",
                "openssh-client",
                "openssh-sftp-server",
                "dropbear-bin",
                "git",
                "putty-tools",
                "python3",
                "rsync",
                "x11-apps",
                "xauth",
            ],
            setup: include_str!("image/setup.sh"),
        }
    }

    /// The name of what comes out for a suite.
    pub(crate) fn name(&self, suite: Suite) -> String {
        format!("{}{suite}-{}", self.prefix, self.fingerprint(suite))
    }

    /// Whether `name` is one of this kind and suite, of today's recipe or an older one.
    pub(crate) fn is_of_kind(&self, name: &str, suite: Suite) -> bool {
        let kind = name.rsplit_once('-').and_then(|(kind, _)| kind.strip_prefix(self.prefix));
        kind == Some(suite.index())
    }

    /// Changes with everything that comes in.
    pub(crate) fn fingerprint(&self, suite: Suite) -> String {
        let mut hasher = DefaultHasher::new();
        let own = (STEPS, DOCKERFILE, self.setup, self.packages);
        (own.0, own.1, own.2, own.3, suite.name, suite.backports).hash(&mut hasher);
        format!("{:012x}", hasher.finish() >> 16)
    }

    /// The packages as mmdebstrap takes them; those of OpenSSH come from the backports where there
    /// are any.
    pub(crate) fn include(&self, suite: Suite) -> String {
        let names = self.packages.iter().map(|name| match suite.backports {
            Some(backports) if name.starts_with("openssh") => format!("{name}/{backports}"),
            _ => (*name).to_owned(),
        });
        names.collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_and_the_programs_have_a_name_of_their_own() {
        let peers = Release::ALL.map(Recipe::peer);
        let mut names: Vec<String> = peers
            .iter()
            .chain([&Recipe::PROGRAMS])
            .flat_map(|recipe| recipe.release.suites().iter().map(|suite| recipe.name(*suite)))
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().any(|name| name.starts_with("programs-bookworm-")), "{names:?}");
    }

    #[test]
    fn what_an_earlier_recipe_made_is_told_by_its_kind_and_suite() {
        let (trixie, bookworm) = (Release::Trixie.suites()[0], Release::Bookworm.suites()[0]);
        let peer = Recipe::peer(Release::Trixie);
        assert!(peer.is_of_kind(&peer.name(trixie), trixie));
        assert!(peer.is_of_kind("trixie-0123456789ab", trixie));
        assert!(!peer.is_of_kind("trixie-backports-0123456789ab", trixie));
        let programs = Recipe::PROGRAMS;
        assert!(programs.is_of_kind("programs-bookworm-0123456789ab", bookworm));
        assert!(!programs.is_of_kind("bookworm-0123456789ab", bookworm));
        assert!(!Recipe::peer(Release::Bookworm).is_of_kind(&programs.name(bookworm), bookworm));
    }

    #[test]
    fn only_openssh_comes_from_backports() {
        let [.., backports] = Release::Newest.suites() else { panic!("suites") };
        let packages = Recipe::peer(Release::Newest).include(*backports);
        assert!(packages.contains("openssh-server/trixie-backports"), "{packages}");
        assert!(packages.contains(",dropbear-bin,"), "{packages}");
    }
}
