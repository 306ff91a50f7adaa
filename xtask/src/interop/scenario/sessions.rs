//! Commands, subsystems and terminals at the peer, by adit in the place of ssh.

use std::fmt::Debug;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::interop::server::Settings;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::trial::{Stop, Trial};
use crate::interop::watched::Watched;
use crate::traffic::pattern::Pattern;

const CODES: [i32; 6] = [0, 1, 2, 126, 127, 255];

const BYTES: usize = 4 << 20;

/// What nobody reads, more than a window of the oldest servers.
const UNREAD: usize = 3 << 20;

const LIMIT: Duration = Duration::from_secs(60);

/// Of the terminal that the client is in.
const ROWS: &str = "33";
const COLUMNS: &str = "99";

type Part = fn(&mut Trial<'_, '_>, &StandIn) -> Result<()>;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let server = trial.start_server(&Settings::with_line("Subsystem interop cat"))?;
    let mut stand_in = StandIn::new(trial, &server)?;
    stand_in.set("ADIT_SENT", "one word");
    stand_in.set("TERM", "vt100");
    let parts: [(&str, Part); 9] = [
        ("exit codes", exit_codes),
        ("death by signal", signal),
        ("8-bit data", bytes),
        ("standard error", errors),
        ("input that is not read", early_end),
        ("no input", no_input),
        ("a subsystem", subsystem),
        ("the environment", environment),
        ("a terminal", terminal),
    ];
    for (name, part) in parts {
        part(trial, &stand_in).map_err(|error| error.context(name))?;
    }
    Ok(())
}

/// An error unless the two are the same.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, is: T, should: T) -> Result<()> {
    if is == should {
        return Ok(());
    }
    Err(Error::new(format!("{what}: {is:?}, expected was {should:?}")))
}

fn exit_codes(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    for code in CODES {
        let command = format!("exit {code}");
        let finished = stand_in.ssh(trial, &[HOST, &command], &[])?;
        same(&command, finished.status.code(), Some(code))?;
        same(&command, finished.stdout_text() + &finished.stderr_text(), String::new())?;
    }
    Ok(())
}

fn signal(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let finished = stand_in.ssh(trial, &[HOST, "kill -TERM $$"], &[])?;
    same("the exit code", finished.status.code(), Some(255))
}

fn bytes(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let mut sent = vec![0; BYTES];
    Pattern::new(u64::from(crate::interop::leftover::serial())).fill(0, &mut sent);
    let finished = stand_in.ssh(trial, &[HOST, "cat"], &sent)?;
    same("the exit code", finished.status.code(), Some(0))?;
    same("how much came back", finished.stdout.len(), sent.len())?;
    same("whether it is the same", finished.stdout == sent, true)
}

fn errors(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let finished = stand_in.ssh(trial, &[HOST, "echo one; echo two >&2; exit 3"], &[])?;
    same("standard output", finished.stdout_text().as_str(), "one\n")?;
    same("standard error", finished.stderr_text().as_str(), "two\n")?;
    same("the exit code", finished.status.code(), Some(3))
}

/// The command ends while much of its input is on the way, and the client with it.
fn early_end(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let input = vec![b'x'; UNREAD];
    for (command, output) in [("head -c 5", "xxxxx"), ("exec <&-; echo y", "y\n")] {
        let finished = stand_in.ssh(trial, &[HOST, command], &input)?;
        same(command, finished.status.code(), Some(0))?;
        same(command, finished.stdout_text().as_str(), output)?;
    }
    Ok(())
}

fn no_input(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    for (words, output) in [(&["-n", HOST, "cat"][..], ""), (&[HOST, "cat"], "line\n")] {
        let finished = stand_in.ssh(trial, words, b"line\n")?;
        same(&words.join(" "), finished.status.code(), Some(0))?;
        same(&words.join(" "), finished.stdout_text().as_str(), output)?;
    }
    Ok(())
}

fn subsystem(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    // Dropbear's server has that of sftp alone, which is tried by sftp.
    if !trial.is_dropbear() {
        let finished = stand_in.ssh(
            trial,
            &["-s", HOST, "interop"],
            b"line
",
        )?;
        same(
            "what came back",
            finished.stdout_text().as_str(),
            "line
",
        )?;
    }
    let unknown = stand_in.ssh(trial, &["-s", HOST, "no-such-subsystem"], &[])?;
    same("an unknown one", unknown.status.success(), false)
}

fn environment(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    if trial.is_dropbear() {
        trial.measure("environment", "Dropbear's server takes none");
        return Ok(());
    }
    let options = ["-o", "SendEnv=ADIT_SENT", "-o", "SetEnv=ADIT_SET=two OTHER=three"];
    let command = "echo \"$ADIT_SENT,$ADIT_SET,$OTHER\"";
    let said = stand_in.output(trial, &[&options[..], &[HOST, command]].concat())?;
    same("the variables", said.as_str(), "one word,two,\n")
}

/// With the size of the client's own terminal, and without one where it is not asked for.
fn terminal(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let without = stand_in.ssh(trial, &[HOST, "tty"], &[])?;
    same("without one", without.stdout_text().as_str(), "not a tty\n")?;
    // Its input is open: servers may hang a terminal up whose input ends.
    let mut with = stand_in.start(trial, &["-tt", HOST, "tty; exit 4"])?;
    let is_name = |line: &str| line.starts_with("/dev/pts/").then_some(());
    with.wait_for("name of a terminal", LIMIT, is_name)?;
    same("the exit code", with.wait(LIMIT)?.code(), Some(4))?;
    let line = format!(
        "stty rows {ROWS} cols {COLUMNS} && exec {} -t {HOST} 'tty && stty size && read -r line && \
         echo got $line'",
        stand_in.wrapper()
    );
    let log = trial.log("terminal");
    let words = ["script", "-q", "-e", "-c", &line, "/dev/null"];
    let command = stand_in.command(trial, &words)?;
    let mut inside = Watched::start_open("script", command, &log)?;
    let size = format!("{ROWS} {COLUMNS}");
    for part in ["/dev/pts/", &size] {
        let is_there = |line: &str| line.contains(part).then_some(());
        inside.wait_for(part, LIMIT, is_there)?;
    }
    inside.tell("typed")?;
    inside.wait_for("the line back", LIMIT, |line| line.contains("got typed").then_some(()))?;
    same("the exit code", inside.wait(LIMIT)?.code(), Some(0))
}
