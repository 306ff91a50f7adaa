//! Where the workspace lies, what cargo says of it, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Context, Error, Result};
use crate::process;

/// What `cargo metadata` says, as far as it is needed here.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// A package of the workspace.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// A dependency as the manifest declares it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for an ordinary one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// A library, program, example or test of a package.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

/// The folder of the workspace: the parent of this package, wherever it was checked out.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

/// The cargo that runs this program, in the folder of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Asks cargo for the packages of the workspace.
pub(crate) fn metadata() -> Result<Metadata> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    let text = process::succeed(command, Duration::from_secs(120))?;
    serde_json::from_str(&text).context("read the output of cargo metadata")
}

/// The text files of the project: what git tracks, and what it would track.
pub(crate) fn files() -> Result<Vec<String>> {
    let mut command = Command::new("git");
    // A checkout may belong to another user than the one who checks it.
    command.current_dir(root()).args(["-c", "safe.directory=*", "ls-files", "-z"]);
    command.args(["--cached", "--others", "--exclude-standard"]);
    let listed = process::succeed(command, Duration::from_secs(60))
        .map_err(|error| error.hint("tidy reads the files that git knows: run it in a checkout"))?;
    let mut files: Vec<String> =
        listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    // A file that is deleted and not yet committed is still listed.
    files.retain(|path| root().join(path).is_file());
    files.sort();
    files.dedup();
    if files.is_empty() { Err(Error::new("git lists no file")) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_lists_this_package() {
        let metadata = metadata().unwrap();
        assert!(metadata.packages.iter().any(|package| package.name == "xtask"));
    }

    #[test]
    fn git_lists_this_file() {
        assert!(files().unwrap().iter().any(|path| path == "xtask/src/workspace.rs"));
    }
}
