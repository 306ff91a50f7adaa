//! An ssh-agent, on this machine or in a place.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Result};
use crate::interop::key::PASSPHRASE;
use crate::interop::watched::Watched;
use crate::process;

const LIMIT: Duration = Duration::from_secs(20);

/// A running agent; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Agent {
    _process: Watched,
    pub(crate) socket: String,
}

impl Agent {
    /// Starts an agent at `socket`; `command` makes a command of its words, here or in a place.
    pub(crate) fn start(
        command: impl Fn(&[&str]) -> Command,
        socket: String,
        log: &Path,
    ) -> Result<Self> {
        let process =
            Watched::start("ssh-agent", command(&["ssh-agent", "-D", "-a", &socket]), log)?;
        let is_ready = |line: &str| line.contains("SSH_AUTH_SOCK").then_some(());
        process.wait_for("socket", LIMIT, is_ready)?;
        Ok(Self { _process: process, socket })
    }

    /// Gives the agent a key, and no other.
    pub(crate) fn hold(&self, command: impl Fn(&[&str]) -> Command, key: &str) -> Result<()> {
        let variable = format!("SSH_AUTH_SOCK={}", self.socket);
        process::succeed(command(&["env", &variable, "ssh-add", "-q", "-D"]), LIMIT)?;
        process::succeed(command(&["env", &variable, "ssh-add", "-q", key]), LIMIT).map(drop)
    }

    /// Gives an agent on this machine an encrypted key; `folder` is for a program that knows the
    /// passphrase, as there is nobody to ask.
    pub(crate) fn hold_encrypted(&self, key: &Path, folder: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let program = folder.join("askpass");
        let text = format!("#!/bin/sh\necho '{PASSPHRASE}'\n");
        std::fs::write(&program, text).context("write a program that knows the passphrase")?;
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700))
            .context("make it executable")?;
        let mut command = Command::new("ssh-add");
        command.arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket);
        command.env("SSH_ASKPASS", &program).env("SSH_ASKPASS_REQUIRE", "force");
        command.env("DISPLAY", "none:0");
        process::succeed(command, LIMIT).map(drop)
    }
}

/// A command on this machine.
pub(crate) fn here(words: &[&str]) -> Command {
    let (program, words) = words.split_first().unwrap_or((&"false", &[]));
    let mut command = Command::new(program);
    command.args(words);
    command
}
