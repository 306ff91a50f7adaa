//! Root file systems, made by a recipe: from a public base image where a registry answers, else made
//! from the package mirror. They hold no keys and are kept until what makes them changes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::container::Cli;
use crate::interop::mirror::Mirror;
use crate::interop::recipe::{self, Recipe};
use crate::interop::release::Suite;
use crate::{process, tools};

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

    /// The name of a container image by `recipe`, made if need be.
    pub(crate) fn image(&mut self, cli: &Cli, recipe: Recipe) -> Result<String> {
        let suites = recipe.release.suites();
        let made = suites.iter().map(|suite| (suite, tag(recipe, *suite)));
        let found = made.clone().find(|(_, tag)| exists(cli, tag));
        if let Some((_, tag)) = found {
            return Ok(tag);
        }
        if self.has_registry != Some(false) {
            for (suite, tag) in made {
                if self.pull_and_build(cli, recipe, *suite)? {
                    return Ok(tag);
                }
            }
        }
        let suite = self.choose(recipe)?;
        let tag = tag(recipe, suite);
        fs::create_dir_all(&self.folder).context("make a folder for images")?;
        let archive = tempfile::Builder::new().suffix(".tar").tempfile_in(&self.folder);
        let archive = archive.context("make a file for an image")?;
        self.bootstrap(recipe, suite, archive.path())?;
        let label = format!("LABEL {LABEL}={}", recipe.fingerprint(suite));
        let mut command = cli.command(&["import", "--change", &label, "--change", "CMD [\"cat\"]"]);
        command.arg(archive.path()).arg(&tag);
        process::succeed(command, QUICK.saturating_mul(2))?;
        remove_older_images(cli, recipe, suite);
        Ok(tag)
    }

    /// The folder of a root file system by `recipe`, made if need be.
    pub(crate) fn root(&mut self, recipe: Recipe) -> Result<PathBuf> {
        let suites = recipe.release.suites();
        let folders = suites.iter().map(|suite| self.folder.join(recipe.name(*suite)));
        if let Some(found) = folders.into_iter().find(|folder| folder.is_dir()) {
            return Ok(found);
        }
        let suite = self.choose(recipe)?;
        let wanted = self.folder.join(recipe.name(suite));
        fs::create_dir_all(&self.folder).context("make a folder for root file systems")?;
        let partial = tempfile::tempdir_in(&self.folder).context("make a folder for a root")?;
        self.bootstrap(recipe, suite, partial.path())?;
        // Others than root go through it to what is theirs.
        fs::set_permissions(partial.path(), fs::Permissions::from_mode(0o755))
            .context("open a root file system")?;
        self.remove_older_roots(recipe, suite);
        fs::rename(partial.keep(), &wanted).context("name a root file system")?;
        Ok(wanted)
    }

    /// Removes what earlier recipes made; what is in use stays for the next time.
    fn remove_older_roots(&self, recipe: Recipe, suite: Suite) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        for name in names.filter(|name| recipe.is_of_kind(name, suite)) {
            let _ = fs::remove_dir_all(self.folder.join(name));
        }
    }

    /// The first suite of the recipe's release that the mirror has; says so if it is not the first of all.
    fn choose(&mut self, recipe: Recipe) -> Result<Suite> {
        tools::ensure(&tools::FOR_IMAGES)?;
        let mirror = self.mirror()?;
        let mut absent = Vec::new();
        for suite in recipe.release.suites() {
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
    fn pull_and_build(&mut self, cli: &Cli, recipe: Recipe, suite: Suite) -> Result<bool> {
        let tag = tag(recipe, suite);
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
        write(&context.path().join("Dockerfile"), recipe::DOCKERFILE)?;
        write(&context.path().join("setup.sh"), recipe.setup)?;
        let label = format!("{LABEL}={}", recipe.fingerprint(suite));
        let mut command = cli.command(&["build", "--quiet", "--network", "host", "--tag", &tag]);
        command.args(["--label", &label, "--build-arg", &format!("BASE={base}")]);
        let backports = suite.backports.unwrap_or_default();
        command.args(["--build-arg", &format!("BACKPORTS={backports}")]).arg(context.path());
        if let Err(error) = process::succeed(command, BUILD_LIMIT) {
            process::check_interrupt()?;
            eprintln!("no image from {base}, taking the package mirror: {error}");
            return Ok(false);
        }
        remove_older_images(cli, recipe, suite);
        Ok(true)
    }

    /// Makes a root file system from the mirror: a tar archive or a folder, by the name of `to`.
    fn bootstrap(&mut self, recipe: Recipe, suite: Suite, to: &Path) -> Result<()> {
        eprintln!("making {} from the package mirror", recipe.name(suite));
        let context = tempfile::tempdir().context("make a folder for a build")?;
        let (setup, sources) = (context.path().join("setup.sh"), context.path().join("sources"));
        write(&setup, recipe.setup)?;
        write(&sources, &self.mirror()?.sources(suite))?;
        let mut command = Command::new("mmdebstrap");
        command.args(["--quiet", "--mode=root", "--variant=essential"]);
        command.arg(format!("--include={}", recipe.include(suite)));
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
fn remove_older_images(cli: &Cli, recipe: Recipe, suite: Suite) {
    let list = cli.command(&["images", "--format", "{{.Tag}}", REPOSITORY]);
    let listed = process::succeed(list, QUICK).unwrap_or_default();
    for old in
        listed.lines().filter(|old| recipe.is_of_kind(old, suite) && **old != recipe.name(suite))
    {
        let image = format!("{REPOSITORY}:{old}");
        let _ = process::succeed(cli.command(&["rmi", &image]), QUICK);
    }
}

fn tag(recipe: Recipe, suite: Suite) -> String {
    format!("{REPOSITORY}:{}", recipe.name(suite))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).context(format!("write {}", path.display()))
}
