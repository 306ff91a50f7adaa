//! The client under test in the place of `ssh`: by that name, with a configuration that knows the
//! peer, and a program around it for those who can name no configuration.
//!
//! ```text
//!   git, rsync, scp, ... -> wrapper -> ssh -F config   (a link to the program under test)
//!   all of them at home: a network of its own, with the file system of this machine
//! ```

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Context, Error, Result};
use crate::interop::call::Call;
use crate::interop::client::Program;
use crate::interop::place::{self, Family};
use crate::interop::server::Server;
use crate::interop::stage::Side;
use crate::interop::trial::Trial;
use crate::interop::watched::Watched;
use crate::process::{self, Finished};

/// What the configuration calls the peer.
pub(crate) const HOST: &str = "peer";

/// For one call of a program.
const LIMIT: Duration = Duration::from_secs(120);

/// A folder with a program called `ssh`; it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct StandIn {
    /// Sockets lie in it, and their paths must be short.
    folder: TempDir,
    call: Call,
    /// Set for all that is started.
    variables: Vec<String>,
}

impl StandIn {
    /// One that knows how to log in at the peer's server.
    pub(crate) fn new(trial: &mut Trial<'_, '_>, server: &Server) -> Result<Self> {
        let address = trial.address(Side::Peer, Family::V4)?;
        let address = address.ok_or_else(|| Error::new("the network has no ipv4"))?;
        let call = trial.home_call(server, address)?;
        Self::with(trial.program, call)
    }

    /// One that logs in as `call` says.
    pub(crate) fn with(program: &Program, call: Call) -> Result<Self> {
        let folder = tempfile::tempdir().context("make a folder for ssh")?;
        let stand_in = Self { folder, call, variables: Vec::new() };
        let program = match program {
            Program::Adit(path) => path.clone(),
            Program::Ssh => process::find("ssh").ok_or_else(|| Error::new("there is no ssh"))?,
        };
        symlink(program, stand_in.path("ssh")).context("call a program ssh")?;
        stand_in.configure(&[])?;
        let (ssh, config) = (stand_in.path("ssh"), stand_in.path("config"));
        let text = format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", ssh.display(), config.display());
        stand_in.write_program("wrapper", &text)?;
        Ok(stand_in)
    }

    /// Writes the configuration anew, with these lines more.
    pub(crate) fn configure(&self, lines: &[&str]) -> Result<()> {
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let text = format!("Host {HOST}\n{lines}{}", self.call.configuration());
        std::fs::write(self.path("config"), text).context("write a configuration")
    }

    /// Sets a variable for all that is started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push(format!("{name}={value}"));
    }

    /// An executable file in the folder.
    pub(crate) fn write_program(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        std::fs::write(&path, text).context(format!("write {name}"))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o700))
            .context(format!("make {name} executable"))?;
        Ok(path)
    }

    /// A file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As [`Self::path`], as a word.
    pub(crate) fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The command that other programs are to call.
    pub(crate) fn wrapper(&self) -> String {
        self.word("wrapper")
    }

    /// A program of this machine at home.
    pub(crate) fn command(&self, trial: &mut Trial<'_, '_>, words: &[&str]) -> Result<Command> {
        self.command_at(trial, Side::Home, words)
    }

    /// A program of this machine in the network of one side, with no variable that leads to its
    /// user.
    pub(crate) fn command_at(
        &self,
        trial: &mut Trial<'_, '_>,
        side: Side,
        words: &[&str],
    ) -> Result<Command> {
        // A place may set no variables for its guests.
        let mut command = trial.at(side)?.guest(Path::new("/usr/bin/env"));
        let away = ["SSH_AUTH_SOCK", "DISPLAY", "XAUTHORITY", "SSH_ASKPASS"];
        command.args(away.into_iter().flat_map(|name| ["-u", name]));
        let own = std::env::var("PATH").unwrap_or_default();
        command.arg(format!("PATH={own}:{}", place::PATH));
        command.arg(format!("HOME={}", self.folder.path().display()));
        command.args(&self.variables).args(words).current_dir(self.folder.path());
        Ok(command)
    }

    /// Runs a program of this machine that must succeed; what it wrote.
    pub(crate) fn run(&self, trial: &mut Trial<'_, '_>, words: &[&str]) -> Result<Finished> {
        let command = self.command(trial, words)?;
        let finished = process::run(command, &[], LIMIT)?;
        if finished.status.success() {
            return Ok(finished);
        }
        let said = format!("{}{}", finished.stdout_text(), finished.stderr_text());
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.iter().skip(lines.len().saturating_sub(6)).copied().collect::<Vec<_>>();
        let words = words.join(" ");
        Err(Error::new(format!("{words}: {}: {}", finished.status, last.join(" | "))))
    }

    /// Calls ssh, however it ends.
    pub(crate) fn ssh(
        &self,
        trial: &mut Trial<'_, '_>,
        words: &[&str],
        input: &[u8],
    ) -> Result<Finished> {
        let command = self.ssh_command(trial, words)?;
        process::run(command, input, LIMIT).map_err(|error| error.context(words.join(" ")))
    }

    /// Calls ssh, which must succeed; what came on standard output.
    pub(crate) fn output(&self, trial: &mut Trial<'_, '_>, words: &[&str]) -> Result<String> {
        let finished = self.ssh(trial, words, &[])?;
        if finished.status.success() {
            return Ok(finished.stdout_text());
        }
        let (status, said) = (finished.status, finished.stderr_text());
        Err(Error::new(format!("ssh {}: {status}: {}", words.join(" "), said.trim())))
    }

    /// Starts ssh with an open standard input.
    pub(crate) fn start(&self, trial: &mut Trial<'_, '_>, words: &[&str]) -> Result<Watched> {
        let log = trial.log("session");
        Watched::start_open("ssh", self.ssh_command(trial, words)?, &log)
    }

    fn ssh_command(&self, trial: &mut Trial<'_, '_>, words: &[&str]) -> Result<Command> {
        let wrapper = self.wrapper();
        self.command(trial, &[&[wrapper.as_str()], words].concat())
    }
}
