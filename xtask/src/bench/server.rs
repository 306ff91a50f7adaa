//! The server of a contestant.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::bench::contestant::Program;
use crate::bench::port;
use crate::bench::setup::Setup;
use crate::error::{Context, Error, Result};
use crate::process::{self, Process};

/// Starts it, and waits until it listens. There is none for plain TCP.
pub(crate) fn start(setup: &Setup<'_>, listen: SocketAddr) -> Result<Option<Process>> {
    let Some(mut command) = command(setup, listen)? else { return Ok(None) };
    let log = setup.site.log("server");
    let file = File::create(&log).context("make a log")?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    let mut process = Process::spawn(command)?;
    port::wait(listen, || {
        let ended = process.ended()?;
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        Ok(ended.map(|status| format!("the server ended, {status}: {}", said.trim())))
    })?;
    Ok(Some(process))
}

fn command(setup: &Setup<'_>, listen: SocketAddr) -> Result<Option<Command>> {
    let site = setup.site;
    let mut command;
    match setup.contestant.server {
        Program::OpenSsh => {
            // It starts itself again for each connection, and for that wants its own path.
            let path = process::find("sshd").ok_or_else(|| {
                Error::new("no sshd on this machine").hint("apt-get install openssh-server")
            })?;
            command = Command::new(path);
            command.args(["-D", "-e", "-f"]).arg(site.sshd_config(listen, setup.exchange)?);
        }
        Program::Adit => {
            command = Command::new(site.adit());
            command.args(["serve", "--config"]).arg(site.gateway_config(listen, setup.exchange)?);
        }
        Program::Russh => {
            command = Command::new(site.tool("russh-tunnel"));
            command.arg("server").arg(listen.to_string()).arg("--key").arg(site.host_key());
            if let Some(cipher) = setup.cipher.ssh() {
                command.args(["--cipher", cipher]);
            }
        }
        Program::Floor(frame) => {
            let cipher = setup.cipher.floor().unwrap_or("none");
            command = Command::new(site.tool("floor"));
            command.args(["far", &listen.to_string(), &setup.target.to_string()]);
            command.args(["--frame", &frame.to_string(), "--cipher", cipher]);
        }
        Program::Dropbear | Program::Striped => {
            return Err(Error::new("that is no server here"));
        }
        Program::Nothing => return Ok(None),
    }
    Ok(Some(command))
}
