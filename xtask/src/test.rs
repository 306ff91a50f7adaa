//! `cargo xtask test`: everything that a clean machine can run.

use std::path::Path;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::{process, tools, workspace};

/// Names a file; a test that cannot run on this machine adds a line to it: its name and the reason.
pub(crate) const NOT_RUN: &str = "ADIT_TEST_NOT_RUN";

/// How long the build and the run may take together, on a slow and cold machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Installs or names what is missing, runs the tests, and ends with what could not be run.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    tools::ensure(&tools::FOR_TESTS)?;
    tools::ensure_sshd_folder()?;
    let folder = tempfile::tempdir().context("make a folder for this run")?;
    let not_run = folder.path().join("not-run");
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
    command.env(NOT_RUN, &not_run);
    let status = process::stream(command, LIMIT)?;
    for line in lines(&not_run)? {
        eprintln!("not run: {line}");
    }
    eprintln!("not part of this: other versions of OpenSSH and Dropbear (cargo xtask interop)");
    if status.success() {
        eprintln!("test: passed");
        Ok(())
    } else {
        Err(Error::new(format!("cargo test: {status}")))
    }
}

/// Says that a test or check cannot run on this machine, and why.
#[cfg(test)]
pub(crate) fn declare_not_run(line: &str) {
    use std::io::Write;
    if let Some(path) = std::env::var_os(NOT_RUN) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

fn lines(path: &Path) -> Result<Vec<String>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path).context("read what could not be run")?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_run_is_listed_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("not-run");
        assert!(lines(&path).unwrap().is_empty());
        std::fs::write(&path, "b: no x\na: no y\nb: no x\n").unwrap();
        assert_eq!(lines(&path).unwrap(), ["a: no y", "b: no x"]);
    }
}
