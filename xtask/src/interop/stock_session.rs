//! Sessions of the peer's own clients at the gateway under test: OpenSSH's, Dropbear's, PuTTY's.

use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::gateway::Gateway;
use crate::interop::key::{self, Kind};
use crate::interop::place;
use crate::interop::server::dropbear_name;
use crate::interop::trial::{Trial, known_name};
use crate::process::{self, Finished};

/// What the configuration calls the gateway.
pub(crate) const HOST: &str = "gateway";

/// The files in the shared folder.
pub(crate) const CONFIG: &str = "session_config";
const KNOWN: &str = "session_known_hosts";
const PUTTY_KEY: &str = "session.ppk";

const LIMIT: Duration = Duration::from_secs(120);

/// A client of the peer that runs commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Ssh,
    Dbclient,
    Plink,
}

/// How the clients are called for one gateway.
#[derive(Debug)]
pub(crate) struct Clients {
    gateway: Gateway,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Dbclient => "dbclient",
            Self::Plink => "plink",
        }
    }
}

impl Clients {
    /// Writes what they have to know of the gateway.
    pub(crate) fn new(trial: &mut Trial<'_, '_>, gateway: Gateway) -> Result<Self> {
        let place = trial.place()?;
        let shared = place.shared();
        let known = format!("{} {}\n", known_name(gateway.address), gateway.host_key);
        std::fs::write(shared.outside(KNOWN), known).context("write known_hosts")?;
        let text = format!(
            "Host {HOST}\nHostName {}\nPort {}\nUser {}\nIdentityFile {}\nUserKnownHostsFile {}\n\
             GlobalKnownHostsFile none\nStrictHostKeyChecking yes\nBatchMode yes\n\
             IdentitiesOnly yes\nConnectTimeout 20\n",
            gateway.address.ip(),
            gateway.address.port(),
            gateway.user,
            shared.inside(&key::user_name(Kind::Ed25519)),
            shared.inside(KNOWN),
        );
        std::fs::write(shared.outside(CONFIG), text).context("write ssh_config")?;
        if !trial.is_dropbear() {
            let place = trial.place()?;
            let shared = place.shared();
            let from = shared.inside(&key::user_name(Kind::Ed25519));
            let to = shared.inside(PUTTY_KEY);
            place::run(place, &["puttygen", &from, "-O", "private", "-o", &to])?;
        }
        Ok(Self { gateway })
    }

    /// A program in the peer's place.
    pub(crate) fn command(&self, trial: &mut Trial<'_, '_>, words: &[&str]) -> Result<Command> {
        Ok(trial.place()?.own(words))
    }

    /// A client that runs `command`.
    pub(crate) fn session(
        &self,
        trial: &mut Trial<'_, '_>,
        program: Program,
        flags: &[&str],
        command: &str,
    ) -> Result<Command> {
        let words = self.words(trial, program)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some((name, rest)) = words.split_first() else { return Err(Error::new("no client")) };
        self.command(trial, &[&[*name], flags, rest, &[command]].concat())
    }

    /// The name of a client, then what leads it to the gateway.
    pub(crate) fn words(&self, trial: &mut Trial<'_, '_>, program: Program) -> Result<Vec<String>> {
        let shared = trial.place()?.shared();
        let Gateway { address, user, host_key, .. } = &self.gateway;
        let (port, host) = (address.port().to_string(), address.ip().to_string());
        let blob = host_key.split(' ').nth(1).unwrap_or_default();
        let config = shared.inside(CONFIG);
        let dropbear = shared.inside(&dropbear_name(&key::user_name(Kind::Ed25519)));
        let putty = shared.inside(PUTTY_KEY);
        let words = match program {
            Program::Ssh => vec!["ssh", "-F", &config, HOST],
            Program::Dbclient => {
                vec!["dbclient", "-y", "-y", "-i", &dropbear, "-p", &port, "-l", user, &host]
            }
            Program::Plink => vec![
                "plink", "-batch", "-ssh", "-P", &port, "-l", user, "-i", &putty, "-hostkey", blob,
                &host,
            ],
        };
        Ok(words.into_iter().map(str::to_owned).collect())
    }

    /// The words of a client that moves files as psftp does.
    pub(crate) fn psftp(&self, trial: &mut Trial<'_, '_>, batch: &str) -> Result<Command> {
        let words = self.words(trial, Program::Plink)?;
        let words = words.iter().map(String::as_str).filter(|word| *word != "-ssh");
        let words: Vec<&str> = ["psftp", "-b", batch].into_iter().chain(words.skip(1)).collect();
        self.command(trial, &words)
    }

    /// Runs a command at the gateway, however it ends.
    pub(crate) fn run(
        &self,
        trial: &mut Trial<'_, '_>,
        program: Program,
        flags: &[&str],
        command: &str,
        input: &[u8],
    ) -> Result<Finished> {
        process::run(self.session(trial, program, flags, command)?, input, LIMIT)
            .map_err(|error| error.context(format!("{} {command}", program.name())))
    }
}
