//! The package mirror of this machine, asked from apt each time and stored nowhere.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::release::Suite;
use crate::process;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const HELPER: &str = "/usr/lib/apt/apt-helper";
const LIMIT: Duration = Duration::from_secs(60);

/// Where packages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    main: String,
    security: Option<String>,
}

impl Mirror {
    /// Asks apt for what it uses itself.
    pub(crate) fn of_this_machine() -> Result<Self> {
        if !Path::new(KEYRING).is_file() {
            return Err(Error::new(format!("there is no {KEYRING}"))
                .hint("apt-get install debian-archive-keyring"));
        }
        let mut command = Command::new("apt-get");
        command.args(["indextargets", "--format", "$(REPO_URI) $(RELEASE)"]);
        command.arg("Created-By: Packages");
        Self::parse(&process::succeed(command, LIMIT)?)
    }

    /// Reads lines of an address and the release that it is used for.
    fn parse(targets: &str) -> Result<Self> {
        let find = |wanted: fn(&str) -> bool| {
            targets.lines().find_map(|line| {
                let (address, release) = line.split_once(' ')?;
                wanted(release).then(|| address.trim_end_matches('/').to_owned())
            })
        };
        let is_main = |release: &str| release.chars().all(|letter| letter.is_ascii_lowercase());
        let main = find(is_main).ok_or_else(|| {
            Error::new("apt knows no Debian mirror")
                .hint("run apt-get update, or use docker where a registry answers")
        })?;
        Ok(Self { main, security: find(|release| release.ends_with("-security")) })
    }

    /// Whether the mirror has this suite.
    pub(crate) fn has(&self, suite: Suite) -> Result<bool> {
        let folder = tempfile::tempdir().context("make a folder for an index")?;
        let mut command = Command::new(HELPER);
        command.args(["-o", "Acquire::Retries=2", "download-file"]);
        command.arg(format!("{}/dists/{}/InRelease", self.main, suite.index()));
        command.arg(folder.path().join("index"));
        Ok(process::run(command, &[], LIMIT)?.status.success())
    }

    /// The lines of a sources.list for this suite.
    pub(crate) fn sources(&self, suite: Suite) -> String {
        let Self { main, security } = self;
        let mut lines = vec![format!("deb [signed-by={KEYRING}] {main} {} main", suite.name)];
        if suite.has_updates() {
            lines.push(format!("deb [signed-by={KEYRING}] {main} {}-updates main", suite.name));
            if let Some(security) = security {
                let release = format!("{}-security", suite.name);
                lines.push(format!("deb [signed-by={KEYRING}] {security} {release} main"));
            }
        }
        if let Some(backports) = suite.backports {
            lines.push(format!("deb [signed-by={KEYRING}] {main} {backports} main"));
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::release::Release;

    const TARGETS: &str = "http://mirror.example/debian/ bookworm-updates\n\
                           http://mirror.example/debian/ bookworm\n\
                           http://mirror.example/security/ bookworm-security\n";

    #[test]
    fn the_mirror_is_found_among_what_apt_uses() {
        let mirror = Mirror::parse(TARGETS).unwrap();
        assert_eq!(mirror.main, "http://mirror.example/debian");
        assert_eq!(mirror.security.as_deref(), Some("http://mirror.example/security"));
        assert!(Mirror::parse("").is_err());
    }

    #[test]
    fn sources_name_updates_security_and_backports_where_there_are_any() {
        let mirror = Mirror::parse(TARGETS).unwrap();
        let lines = |suite| mirror.sources(suite).lines().count();
        assert_eq!(lines(Release::Trixie.suites()[0]), 3);
        let [forky, _, backports] = Release::Newest.suites() else { panic!("three suites") };
        assert_eq!(lines(*forky), 1);
        assert!(mirror.sources(*backports).contains("/debian trixie-backports main\n"));
    }
}
