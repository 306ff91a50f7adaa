//! Ansible of its own for the tests, from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::Result;
use crate::interop::trial::Stop;
use crate::{process, workspace};

const INSTALL_LIMIT: Duration = Duration::from_secs(300);

/// One at a time installs.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The program that runs a playbook; without it the scenario has nothing to try.
pub(crate) fn playbook() -> Result<PathBuf, Stop> {
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = workspace::metadata()?.target_directory.join("interop/ansible");
    let installed = install(&folder);
    process::check_interrupt()?;
    installed.map_err(|error| {
        let text = error.to_string();
        let cause = text.lines().last().unwrap_or_default().trim().to_owned();
        Stop::NotApplicable(format!("ansible is not here and cannot be installed: {cause}"))
    })
}

fn install(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("bin/ansible-playbook");
    if !program.exists() {
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(folder);
        process::succeed(command, INSTALL_LIMIT)?;
        let mut command = Command::new(folder.join("bin/pip"));
        command.args(["install", "--quiet", "ansible-core"]);
        process::succeed(command, INSTALL_LIMIT)?;
    }
    Ok(program)
}
