//! The client of a contestant.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::bench::contestant::Program;
use crate::bench::setup::Setup;
use crate::bench::tunnel_kind::Kind;
use crate::error::{Context, Error, Result};
use crate::process::{self, Process};

/// Starts it, for a tunnel from `entry` through `server`. There is none for plain TCP.
pub(crate) fn start(
    setup: &Setup<'_>,
    server: SocketAddr,
    entry: SocketAddr,
) -> Result<Option<Process>> {
    let mut command = match setup.contestant.client {
        Program::OpenSsh => openssh(setup, server, entry),
        Program::Adit => adit(setup, server, entry, &[]),
        Program::Striped => adit(setup, server, entry, &["--connections", "4"]),
        Program::Russh => russh(setup, server, entry),
        Program::Dropbear => dropbear(setup, server, entry)?,
        Program::Floor(frame) => floor(setup, server, entry, frame),
        Program::Nothing => return Ok(None),
    };
    let log = File::create(setup.site.log("client")).context("make a log")?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    Process::spawn(command).map(Some)
}

fn openssh(setup: &Setup<'_>, server: SocketAddr, entry: SocketAddr) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-N", "-F", "none", "-o", "Compression=no", "-o", "LogLevel=ERROR"]);
    command.args(["-o", "ExitOnForwardFailure=yes"]);
    settings(&mut command, setup, server, entry);
    command
}

fn adit(setup: &Setup<'_>, server: SocketAddr, entry: SocketAddr, more: &[&str]) -> Command {
    let mut command = Command::new(setup.site.adit());
    command.args(["open", "-F", "none"]).args(more);
    settings(&mut command, setup, server, entry);
    command
}

/// What ssh and adit are told in the same words.
fn settings(command: &mut Command, setup: &Setup<'_>, server: SocketAddr, entry: SocketAddr) {
    let site = setup.site;
    let port = server.port().to_string();
    command.args(["-p", &port, "-l", site.user(), "-i"]).arg(site.user_key());
    let known_hosts = format!("UserKnownHostsFile={}", site.known_hosts().display());
    let trust = ["StrictHostKeyChecking=yes", &known_hosts, "GlobalKnownHostsFile=/dev/null"];
    let login = ["IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes"];
    for setting in trust.into_iter().chain(login) {
        command.args(["-o", setting]);
    }
    let algorithms = [("Ciphers", setup.cipher.ssh()), ("KexAlgorithms", setup.exchange.ssh())];
    for (keyword, value) in algorithms {
        if let Some(value) = value {
            command.args(["-o", &format!("{keyword}={value}")]);
        }
    }
    let [flag, tunnel] = tunnel(setup, entry);
    command.args([&flag, &tunnel]).arg(server.ip().to_string());
}

fn tunnel(setup: &Setup<'_>, entry: SocketAddr) -> [String; 2] {
    let joined = format!("{entry}:{}", setup.target);
    match setup.kind {
        Kind::Local => ["-L".to_owned(), joined],
        Kind::Remote => ["-R".to_owned(), joined],
        Kind::Dynamic => ["-D".to_owned(), entry.to_string()],
    }
}

fn russh(setup: &Setup<'_>, server: SocketAddr, entry: SocketAddr) -> Command {
    let mut command = Command::new(setup.site.tool("russh-tunnel"));
    command.arg("client").args([entry, server, setup.target].map(|it| it.to_string()));
    command.arg("--key").arg(setup.site.user_key());
    if let Some(cipher) = setup.cipher.ssh() {
        command.args(["--cipher", cipher]);
    }
    if setup.exchange.ssh().is_some() {
        command.arg("--curve25519");
    }
    command
}

fn dropbear(setup: &Setup<'_>, server: SocketAddr, entry: SocketAddr) -> Result<Command> {
    let site = setup.site;
    for program in ["dbclient", "dropbearconvert"] {
        if process::find(program).is_none() {
            return Err(Error::new(format!("no {program} on this machine"))
                .hint("apt-get install dropbear-bin"));
        }
    }
    let mut command = Command::new("dbclient");
    // Twice: the host key is neither asked about nor kept.
    command.args(["-N", "-y", "-y", "-p", &server.port().to_string(), "-l", site.user(), "-i"]);
    command.arg(site.dropbear_key());
    if let Some(cipher) = setup.cipher.ssh() {
        command.args(["-c", cipher]);
    }
    let [flag, tunnel] = tunnel(setup, entry);
    command.args([&flag, &tunnel]).arg(server.ip().to_string());
    Ok(command)
}

fn floor(setup: &Setup<'_>, server: SocketAddr, entry: SocketAddr, frame: u32) -> Command {
    let cipher = setup.cipher.floor().unwrap_or("none");
    let mut command = Command::new(setup.site.tool("floor"));
    command.args(["near", &entry.to_string(), &server.to_string()]);
    command.args(["--frame", &frame.to_string(), "--cipher", cipher]);
    command
}
