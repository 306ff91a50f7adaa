//! Root file systems of the peers: from a public base image where a registry answers, else made
//! from the package mirror. They hold no keys and are kept until what makes them changes.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::container::Cli;
use crate::interop::mirror::Mirror;
use crate::interop::release::{Release, Suite};
use crate::{process, tools};

const DOCKERFILE: &str = include_str!("image/Dockerfile");
const SETUP: &str = include_str!("image/setup.sh");

/// What mmdebstrap puts in beside the essential packages. `passwd` is named, as newer packages of
/// OpenSSH no longer bring it.
const PACKAGES: [&str; 5] =
    ["passwd", "openssh-server", "openssh-client", "openssh-sftp-server", "dropbear-bin"];

/// Raised when the steps in this file change what comes out.
const RECIPE: u32 = 1;

/// The name of the images before the colon.
const REPOSITORY: &str = "adit-interop";

/// On every image; its value is the fingerprint.
const LABEL: &str = "adit.interop.image";

const BOOTSTRAP_LIMIT: Duration = Duration::from_secs(600);
const BUILD_LIMIT: Duration = Duration::from_secs(600);
/// A registry that answers at all does so soon, and sends the base within this.
const PULL_LIMIT: Duration = Duration::from_secs(120);
const QUICK: Duration = Duration::from_secs(60);

/// Makes images and root file systems, and remembers what it found out on the way.
#[derive(Debug)]
pub(crate) struct Maker {
    /// Where root file systems are kept.
    folder: PathBuf,
    has_registry: Option<bool>,
    mirror: Option<Mirror>,
}

impl Maker {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, has_registry: None, mirror: None }
    }

    /// The name of a container image for `release`, made if need be.
    pub(crate) fn image(&mut self, cli: &Cli, release: Release) -> Result<String> {
        let made = release.suites().iter().map(|suite| (suite, tag(*suite)));
        let found = made.clone().find(|(_, tag)| exists(cli, tag));
        if let Some((_, tag)) = found {
            return Ok(tag);
        }
        if self.has_registry != Some(false) {
            for (suite, tag) in made {
                if self.pull_and_build(cli, *suite, &tag)? {
                    return Ok(tag);
                }
            }
        }
        let suite = self.choose(release)?;
        let tag = tag(suite);
        fs::create_dir_all(&self.folder).context("make a folder for images")?;
        let archive = tempfile::Builder::new().suffix(".tar").tempfile_in(&self.folder);
        let archive = archive.context("make a file for an image")?;
        self.bootstrap(suite, archive.path())?;
        let label = format!("LABEL {LABEL}={}", fingerprint(suite));
        let mut command = cli.command(&["import", "--change", &label, "--change", "CMD [\"cat\"]"]);
        command.arg(archive.path()).arg(&tag);
        process::succeed(command, QUICK.saturating_mul(2))?;
        remove_older_images(cli, suite);
        Ok(tag)
    }

    /// The folder of a root file system for `release`, made if need be.
    pub(crate) fn root(&mut self, release: Release) -> Result<PathBuf> {
        let folders = release.suites().iter().map(|suite| self.folder.join(name(*suite)));
        if let Some(found) = folders.into_iter().find(|folder| folder.is_dir()) {
            return Ok(found);
        }
        let suite = self.choose(release)?;
        let wanted = self.folder.join(name(suite));
        fs::create_dir_all(&self.folder).context("make a folder for root file systems")?;
        let partial = tempfile::tempdir_in(&self.folder).context("make a folder for a root")?;
        self.bootstrap(suite, partial.path())?;
        // Others than root go through it to what is theirs.
        fs::set_permissions(partial.path(), fs::Permissions::from_mode(0o755))
            .context("open a root file system")?;
        self.remove_older_roots(suite);
        fs::rename(partial.keep(), &wanted).context("name a root file system")?;
        Ok(wanted)
    }

    /// Removes what earlier recipes made; what is in use stays for the next time.
    fn remove_older_roots(&self, suite: Suite) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        for name in names.filter(|name| is_of_suite(name, suite)) {
            let _ = fs::remove_dir_all(self.folder.join(name));
        }
    }

    /// The first suite for `release` that the mirror has; says so if it is not the first of all.
    fn choose(&mut self, release: Release) -> Result<Suite> {
        tools::ensure(&tools::FOR_IMAGES)?;
        let mirror = self.mirror()?;
        let mut absent = Vec::new();
        for suite in release.suites() {
            if mirror.has(*suite)? {
                if !absent.is_empty() {
                    eprintln!("the mirror has no {}: taking {suite}", absent.join(" and no "));
                }
                return Ok(*suite);
            }
            absent.push(suite.to_string());
        }
        Err(Error::new(format!("the package mirror has no {}", absent.join(" and no "))))
    }

    fn mirror(&mut self) -> Result<Mirror> {
        match &self.mirror {
            Some(mirror) => Ok(mirror.clone()),
            None => {
                let mirror = Mirror::of_this_machine()?;
                self.mirror = Some(mirror.clone());
                Ok(mirror)
            }
        }
    }

    /// The way for machines that reach a registry; false where the base cannot be had.
    fn pull_and_build(&mut self, cli: &Cli, suite: Suite, tag: &str) -> Result<bool> {
        let base = format!("debian:{}-slim", suite.name);
        if !exists(cli, &base) {
            let pulled = process::succeed(cli.command(&["pull", "--quiet", &base]), PULL_LIMIT);
            process::check_interrupt()?;
            if let Err(error) = pulled {
                let cause = error.to_string();
                let cause = cause.lines().last().unwrap_or_default().trim();
                eprintln!("no {base} from a registry, taking the package mirror: {cause}");
                self.has_registry = Some(false);
                return Ok(false);
            }
        }
        self.has_registry = Some(true);
        eprintln!("building {tag} from {base}");
        let context = tempfile::tempdir().context("make a folder for a build")?;
        write(&context.path().join("Dockerfile"), DOCKERFILE)?;
        write(&context.path().join("setup.sh"), SETUP)?;
        let label = format!("{LABEL}={}", fingerprint(suite));
        let mut command = cli.command(&["build", "--quiet", "--network", "host", "--tag", tag]);
        command.args(["--label", &label, "--build-arg", &format!("BASE={base}")]);
        let backports = suite.backports.unwrap_or_default();
        command.args(["--build-arg", &format!("BACKPORTS={backports}")]).arg(context.path());
        if let Err(error) = process::succeed(command, BUILD_LIMIT) {
            process::check_interrupt()?;
            eprintln!("no image from {base}, taking the package mirror: {error}");
            return Ok(false);
        }
        remove_older_images(cli, suite);
        Ok(true)
    }

    /// Makes a root file system from the mirror: a tar archive or a folder, by the name of `to`.
    fn bootstrap(&mut self, suite: Suite, to: &Path) -> Result<()> {
        eprintln!("making a root file system of {suite} from the package mirror");
        let context = tempfile::tempdir().context("make a folder for a build")?;
        let (setup, sources) = (context.path().join("setup.sh"), context.path().join("sources"));
        write(&setup, SETUP)?;
        write(&sources, &self.mirror()?.sources(suite))?;
        let mut command = Command::new("mmdebstrap");
        command.args(["--quiet", "--mode=root", "--variant=essential"]);
        command.arg(format!("--include={}", packages(suite)));
        command.args(["--aptopt=Acquire::Check-Valid-Until \"false\""]);
        command.args(["--aptopt=Acquire::Languages \"none\"", "--dpkgopt=force-unsafe-io"]);
        command.arg(format!("--customize-hook=chroot \"$1\" sh -s < '{}'", setup.display()));
        // To leave documents out by dpkg's path-exclude is slow; to remove them is not.
        command.arg(
            "--customize-hook=rm -rf \"$1\"/usr/share/doc \"$1\"/usr/share/man \
             \"$1\"/usr/share/locale \"$1\"/etc/apt/sources.list* \"$1\"/etc/apt/auth.conf*",
        );
        if has_room_in_memory() {
            command.env("TMPDIR", MEMORY);
        }
        command.arg("").arg(to).arg(&sources);
        process::succeed(command, BOOTSTRAP_LIMIT).map(drop)
    }
}

/// A file system in memory, which makes this twice as fast.
const MEMORY: &str = "/dev/shm";

fn has_room_in_memory() -> bool {
    const NEEDED: u64 = 2 << 30;
    rustix::fs::statvfs(MEMORY)
        .is_ok_and(|about| about.f_bavail.saturating_mul(about.f_frsize) > NEEDED)
}

fn exists(cli: &Cli, image: &str) -> bool {
    process::succeed(cli.command(&["image", "inspect", image]), QUICK).is_ok()
}

/// Removes what earlier recipes made; what is in use stays for the next time.
fn remove_older_images(cli: &Cli, suite: Suite) {
    let list = cli.command(&["images", "--format", "{{.Tag}}", REPOSITORY]);
    let listed = process::succeed(list, QUICK).unwrap_or_default();
    for old in listed.lines().filter(|old| is_of_suite(old, suite) && **old != name(suite)) {
        let image = format!("{REPOSITORY}:{old}");
        let _ = process::succeed(cli.command(&["rmi", &image]), QUICK);
    }
}

/// The name of a suite's root file system.
fn name(suite: Suite) -> String {
    format!("{suite}-{}", fingerprint(suite))
}

/// Whether `name` is one of the suite's, of this recipe or another.
fn is_of_suite(name: &str, suite: Suite) -> bool {
    name.rsplit_once('-').is_some_and(|(prefix, _)| prefix == suite.index())
}

fn tag(suite: Suite) -> String {
    format!("{REPOSITORY}:{}", name(suite))
}

/// Changes with everything that an image is made of.
fn fingerprint(suite: Suite) -> String {
    let mut hasher = DefaultHasher::new();
    (RECIPE, DOCKERFILE, SETUP, PACKAGES, suite.name, suite.backports).hash(&mut hasher);
    format!("{:012x}", hasher.finish() >> 16)
}

/// The packages of OpenSSH come from the backports where there are any.
fn packages(suite: Suite) -> String {
    let names = PACKAGES.map(|name| match suite.backports {
        Some(backports) if name.starts_with("openssh") => format!("{name}/{backports}"),
        _ => name.to_owned(),
    });
    names.join(",")
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).context(format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_an_image_of_its_own() {
        let mut tags: Vec<String> =
            Release::ALL.iter().flat_map(|release| release.suites()).map(|s| tag(*s)).collect();
        let count = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count);
        assert!(tags.iter().any(|tag| tag.starts_with("adit-interop:forky-")), "{tags:?}");
    }

    #[test]
    fn what_an_earlier_recipe_made_is_told_by_its_suite() {
        let trixie = Release::Trixie.suites()[0];
        assert!(is_of_suite(&name(trixie), trixie));
        assert!(is_of_suite("trixie-0123456789ab", trixie));
        assert!(!is_of_suite("trixie-backports-0123456789ab", trixie));
    }

    #[test]
    fn only_openssh_comes_from_backports() {
        let [.., backports] = Release::Newest.suites() else { panic!("suites") };
        let packages = packages(*backports);
        assert!(packages.contains("openssh-server/trixie-backports"), "{packages}");
        assert!(packages.ends_with(",dropbear-bin"), "{packages}");
    }
}
