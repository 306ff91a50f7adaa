//! What the files of settings come to, with the peer's `ssh -G` and with adit.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::peer::{Flavour, Origin};
use crate::interop::release::Release;
use crate::interop::trial::{Stop, Trial};
use crate::{process, workspace};

const COPY_LIMIT: Duration = Duration::from_secs(120);
/// With the build of the test, on a slow and cold machine.
const TEST_LIMIT: Duration = Duration::from_secs(20 * 60);

/// Names the folder with the peer's system to the test.
const ROOTS: &str = "ADIT_SSH_ROOTS";

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.peer.flavour == Flavour::Dropbear {
        return Err(Stop::NotApplicable("dbclient has no ssh_config".to_owned()));
    }
    match trial.peer.origin {
        Origin::Release(Release::Bullseye) => {
            return Err(Stop::NotApplicable("the cases are for OpenSSH 9.2 and later".to_owned()));
        }
        Origin::Machine => {
            let why = "cargo test holds the machine's own ssh against the cases";
            return Err(Stop::NotApplicable(why.to_owned()));
        }
        Origin::Release(_) => {}
    }
    let folder = tempfile::tempdir().context("make a folder for a root file system")?;
    copy_root(trial, folder.path())?;
    let result = compare(folder.path())?;
    trial.measure("ssh -G", result);
    Ok(())
}

/// Copies the peer's file system, so that files of the cases can take the place of its own.
fn copy_root(trial: &mut Trial<'_, '_>, to: &Path) -> Result<()> {
    let Some(init) = trial.place()?.init() else {
        return Err(Error::new("the peer has no file system of its own"));
    };
    let mut command = Command::new("cp");
    command.args(["--archive", "--one-file-system", &format!("/proc/{init}/root/.")]).arg(to);
    process::succeed(command, COPY_LIMIT)?;
    // Devices are on a file system of their own, and ssh wants this one.
    let mut device = Command::new("cp");
    device.args(["--archive", "/dev/null"]).arg(to.join("dev/null"));
    process::succeed(device, COPY_LIMIT)?;
    for name in ["etc/hosts", "etc/ssh/ssh_config"] {
        let file = to.join(name);
        if !file.exists() {
            fs::write(&file, "").context(format!("write {name}"))?;
        }
    }
    Ok(())
}

/// Runs the cases, and says how it went with the peer's ssh.
fn compare(root: &Path) -> Result<String> {
    let mut command = workspace::cargo();
    command.args(["test", "--quiet", "--package", "adit-ssh-config", "--test", "against_ssh"]);
    command.args(["--", "--nocapture"]).env(ROOTS, root);
    let finished = process::run(command, &[], TEST_LIMIT)?;
    let (stdout, stderr) = (finished.stdout_text(), finished.stderr_text());
    if !finished.status.success() {
        return Err(Error::new(format!("the cases differ:\n{stdout}{stderr}")));
    }
    let of_peer = format!(" in {}: ", root.display());
    let told = stdout.lines().find_map(|line| line.split_once(&of_peer));
    told.map(|(version, result)| format!("{version}: {result}"))
        .ok_or_else(|| Error::new(format!("the peer's ssh was not asked:\n{stdout}{stderr}")))
}
