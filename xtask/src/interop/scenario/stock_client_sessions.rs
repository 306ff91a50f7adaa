//! Commands, terminals and files of the peer's own clients at the gateway.

use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::interop::gateway::{Gateway, SFTP};
use crate::interop::leftover;
use crate::interop::peer::Origin;
use crate::interop::place::Family;
use crate::interop::release::Release;
use crate::interop::scenario::sessions::same;
use crate::interop::stock_session::{CONFIG, Clients, HOST, Program};
use crate::interop::trial::{Stop, Trial};
use crate::interop::watched::Watched;
use crate::process;
use crate::traffic::pattern::Pattern;

const CODES: [i32; 4] = [0, 1, 77, 254];

const BYTES: usize = 4 << 20;

const LIMIT: Duration = Duration::from_secs(60);

/// What fits into pipes.
const FEW: usize = 48 * 1024;

/// What the gateway lets sessions have.
const ALLOWED: [&str; 4] = ["shell", "exec", "pty", "subsystem:sftp"];

/// Of the terminal that the client is in.
const ROWS: &str = "33";
const COLUMNS: &str = "99";

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.program.is_adit() && !Path::new(SFTP).exists() {
        return Err(Stop::NotApplicable(format!("there is no {SFTP}")));
    }
    let gateway = Gateway::with_sessions(trial, &ALLOWED)?;
    let clients = Clients::new(trial, gateway)?;
    let programs: &[Program] = match trial.is_dropbear() {
        true => &[Program::Dbclient],
        false => &[Program::Ssh, Program::Plink],
    };
    for program in programs {
        commands(trial, &clients, *program).map_err(|error| error.context(program.name()))?;
    }
    if !trial.is_dropbear() {
        terminal(trial, &clients).map_err(|error| error.context("a terminal"))?;
        files(trial, &clients)?;
    }
    refused(trial)?;
    Ok(())
}

fn commands(trial: &mut Trial<'_, '_>, clients: &Clients, program: Program) -> Result<()> {
    for code in CODES {
        let command = format!("exit {code}");
        let finished = clients.run(trial, program, &[], &command, &[])?;
        same(&command, finished.status.code(), Some(code))?;
    }
    let killed = clients.run(trial, program, &[], "kill -TERM $$", &[])?;
    if program == Program::Dbclient {
        trial.measure("death by signal", "dbclient says nothing of it");
    } else {
        same("success of what a signal ended", killed.status.success(), false)?;
    }
    let both = clients.run(trial, program, &[], "echo one; echo two >&2", &[])?;
    same("standard output", both.stdout_text().as_str(), "one\n")?;
    same("standard error", both.stderr_text().lines().last(), Some("two"))?;
    let mut sent = vec![0; much(trial, program)];
    Pattern::new(u64::from(leftover::serial())).fill(0, &mut sent);
    let back = clients.run(trial, program, &[], "cat", &sent)?;
    same("how much came back", back.stdout.len(), sent.len())?;
    same("whether it is the same", back.stdout == sent, true)?;
    let early = clients.run(trial, program, &[], "head -c 5", &sent)?;
    same("the start of much", early.stdout.as_slice(), sent.get(..5).unwrap_or_default())
}

/// How much is sent there and back: little where the client may stay for ever with more, as it does
/// with sshd too.
fn much(trial: &mut Trial<'_, '_>, program: Program) -> usize {
    let is_old = matches!(trial.peer.origin, Origin::Release(Release::Bullseye));
    let told = match program {
        Program::Dbclient => "KiB by dbclient, which may not end when its output was held up",
        Program::Plink if is_old => {
            "KiB by plink 0.74, which with more may stop reading its connection"
        }
        _ => return BYTES,
    };
    trial.measure(told, FEW / 1024);
    FEW
}

fn terminal(trial: &mut Trial<'_, '_>, clients: &Clients) -> Result<()> {
    let without = clients.run(trial, Program::Ssh, &[], "tty", &[])?;
    same("without one", without.stdout_text().as_str(), "not a tty\n")?;
    if process::succeed(clients.command(trial, &["sh", "-c", "command -v script"])?, LIMIT).is_err()
    {
        trial.measure("size of a terminal", "not tried, the peer has no script(1)");
        return Ok(());
    }
    let client = clients.words(trial, Program::Ssh)?.join(" ");
    let line = format!(
        "stty rows {ROWS} cols {COLUMNS} && exec {client} -t 'tty && stty size && read -r line && \
         echo got $line'"
    );
    let log = trial.log("terminal");
    let words = ["script", "-q", "-e", "-c", &line, "/dev/null"];
    let mut inside = Watched::start_open("script", clients.command(trial, &words)?, &log)?;
    let size = format!("{ROWS} {COLUMNS}");
    for part in ["/dev/pts/", &size] {
        inside.wait_for(part, LIMIT, |line| line.contains(part).then_some(()))?;
    }
    inside.tell("typed")?;
    inside.wait_for("the line back", LIMIT, |line| line.contains("got typed").then_some(()))?;
    same("the exit code", inside.wait(LIMIT)?.code(), Some(0))
}

/// There and back by scp in both of its ways, by sftp and by psftp, compared at the peer.
fn files(trial: &mut Trial<'_, '_>, clients: &Clients) -> Result<()> {
    let config = trial.place()?.shared().inside(CONFIG);
    let there = format!("/tmp/stock-{}-{}", std::process::id(), leftover::serial());
    let here = "/tmp/stock";
    let start = format!("rm -rf {here}; mkdir {here}; head -c {BYTES} /dev/urandom >{here}/sent");
    let mut ways = vec![
        (
            "scp",
            format!(
                "scp -q -F {config} {here}/sent {HOST}:{there}/scp && \
                         scp -q -F {config} {HOST}:{there}/scp {here}/back"
            ),
        ),
        (
            "sftp",
            format!(
                "printf 'put {here}/sent {there}/sftp\\nls {there}\\n\
                          get {there}/sftp {here}/back\\n' | sftp -F {config} -b - {HOST}"
            ),
        ),
    ];
    // The older one has the protocol of old alone.
    if !matches!(trial.peer.origin, Origin::Release(Release::Bullseye)) {
        ways.push((
            "scp -O",
            format!(
                "scp -O -q -F {config} {here}/sent {HOST}:{there}/old && \
                                      scp -O -q -F {config} {HOST}:{there}/old {here}/back"
            ),
        ));
    }
    let made = clients.run(trial, Program::Ssh, &[], &format!("mkdir {there}"), &[])?;
    same("the code of mkdir", made.status.code(), Some(0))?;
    shell(trial, clients, "a file", &start)?;
    let compare = format!("cmp {here}/sent {here}/back && rm {here}/back");
    for (name, line) in ways {
        shell(trial, clients, name, &line)?;
        shell(trial, clients, name, &compare)?;
    }
    let batch = format!(
        "printf 'put {here}/sent {there}/psftp\\nget {there}/psftp {here}/back\\n' \
                         >{here}/batch"
    );
    shell(trial, clients, "a batch", &batch)?;
    let command = clients.psftp(trial, &format!("{here}/batch"))?;
    process::succeed(command, LIMIT)?;
    shell(trial, clients, "psftp", &compare)?;
    let removed = clients.run(trial, Program::Ssh, &[], &format!("rm -r {there}"), &[])?;
    same("the code of rm", removed.status.code(), Some(0))
}

/// A line of shell in the peer's place, which must succeed.
fn shell(trial: &mut Trial<'_, '_>, clients: &Clients, name: &str, line: &str) -> Result<()> {
    let command = clients.command(trial, &["sh", "-c", line])?;
    process::succeed(command, LIMIT).map(drop).map_err(|error| error.context(name))
}

/// A gateway that says nothing of sessions has none.
fn refused(trial: &mut Trial<'_, '_>) -> Result<()> {
    if !trial.program.is_adit() {
        return Ok(());
    }
    let words = ["--permit", "127.0.0.1:1"];
    let gateway = Gateway::at_home(trial, Family::V4, &words)?;
    let gateway = gateway.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let clients = Clients::new(trial, gateway)?;
    let program = if trial.is_dropbear() { Program::Dbclient } else { Program::Ssh };
    let finished = clients.run(trial, program, &[], "echo ran", &[])?;
    // dbclient ends well whatever becomes of its session.
    let is_well = finished.status.success() && program != Program::Dbclient;
    same("success of a session that is not allowed", is_well, false)?;
    same("what it wrote", finished.stdout_text().as_str(), "")
}
