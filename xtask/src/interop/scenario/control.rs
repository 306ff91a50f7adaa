//! One connection for many commands, and tunnels that come and go while bulk goes by.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::interop::crossing::{Crossing, near};
use crate::interop::forward::Kind;
use crate::interop::role::Role;
use crate::interop::scenario::session_together::{bulk, forwards};
use crate::interop::server::Settings;
use crate::interop::stage::Side;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial};
use crate::interop::watched::Watched;
use crate::process;
use crate::traffic::drive::Plan;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange;
use crate::traffic::script::Step;

const BYTES: u64 = 64 << 10;

const SESSIONS: usize = 5;

const LIMIT: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

/// The master's socket, in the folder of the stand-in.
const SOCKET: &str = "control";

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    let there = trial.start_target_at(Side::Peer)?;
    let here = trial.start_target_at(Side::Home)?;
    let server = trial.start_server(&Settings::default())?;
    let stand_in = StandIn::new(trial, &server)?;
    stand_in.configure(&[&format!("ControlPath {}", stand_in.word(SOCKET))])?;
    let master = start_master(trial, &stand_in)?;
    sessions(trial, &stand_in)?;
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| !(trial.is_dropbear() && *kind == Kind::RemoteDynamic))
        .collect();
    tunnels(trial, &stand_in, &kinds, [&there, &here])?;
    end(trial, &stand_in, master)?;
    persist(trial, &stand_in)?;
    killed(trial, &stand_in)?;
    Ok(())
}

/// Starts a master, which is there when this returns.
fn start_master(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<Watched> {
    let mut master = stand_in.start(trial, &["-M", "-N", HOST])?;
    let deadline = Instant::now() + LIMIT;
    loop {
        let checked = stand_in.ssh(trial, &["-O", "check", HOST], &[])?;
        if checked.status.success() {
            return Ok(master);
        }
        if Instant::now() > deadline || !master.is_running()? {
            let said = checked.stderr_text();
            let last = master.last_words();
            return Err(Error::new(format!("no master: {}; it said {last}", said.trim())));
        }
        process::check_interrupt()?;
        std::thread::sleep(PAUSE);
    }
}

/// Several sessions at once by the master, none of which logs in.
fn sessions(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let mut all = Vec::new();
    for number in 0..SESSIONS {
        let command = format!("read -r line; echo got {number} $line; exit {number}");
        all.push(stand_in.start(trial, &[HOST, &command])?);
    }
    for (number, session) in all.iter_mut().enumerate() {
        session.tell("word")?;
        let wanted = format!("got {number} word");
        session.wait_for("echo", LIMIT, |line| (line == wanted).then_some(()))?;
        let status = session.wait(LIMIT)?;
        if status.code() != i32::try_from(number).ok() {
            return Err(Error::new(format!("session {number} by the master ended with {status}")));
        }
    }
    Ok(())
}

/// Each kind of tunnel comes, carries, and goes, while bulk goes by the first one.
fn tunnels(
    trial: &mut Trial<'_, '_>,
    stand_in: &StandIn,
    kinds: &[Kind],
    [there, here]: [&Target; 2],
) -> Result<()> {
    let kinds = [&[Kind::Local], kinds].concat();
    let forwards = forwards(trial, &kinds, [there, here])?;
    let listening: Vec<Endpoint> = forwards.iter().map(|(_, begin)| begin.clone()).collect();
    // No client: the master is asked from outside.
    let crossing = Crossing::beside(&listening);
    let order = |trial: &mut Trial<'_, '_>, order: &str, number: usize| {
        let (forward, begin) = forwards.get(number).ok_or_else(|| Error::new("no such tunnel"))?;
        let [flag, value] = forward.words(begin);
        stand_in.output(trial, &["-O", order, &flag, &value, HOST]).map(drop)
    };
    order(trial, "forward", 0)?;
    let bulk = bulk(trial);
    let (mut driver, plan) = crossing.start(trial, 0, Kind::Local, &there.tcp, &bulk)?;
    let mut beside = 0;
    for (number, kind) in kinds.iter().enumerate().skip(1) {
        let target = if kind.is_remote() { here } else { there };
        order(trial, "forward", number)?;
        let echo = exchange::echo(BYTES);
        crossing.talk(trial, number, *kind, (target, &target.tcp), &echo)?;
        order(trial, "cancel", number)?;
        let begin = listening.get(number).ok_or_else(|| Error::new("no such tunnel"))?;
        if trial.is_dropbear() && kind.is_remote() {
            trial.measure("remote tunnels after -O cancel", "Dropbear's server listens on");
        } else {
            refuses(trial, near(Role::Server, *kind), begin)
                .map_err(|error| error.context(format!("{} after -O cancel", kind.name())))?;
        }
        beside += usize::from(driver.is_running()?);
    }
    trial
        .measure("tunnels that came and went beside bulk", format!("{beside}/{}", kinds.len() - 1));
    let milliseconds = crossing.finish(driver, &plan, there)?;
    trial.measure("ms for bulk", milliseconds);
    Ok(())
}

/// Nothing may listen there any more, soon: the server is asked to close, and as with ssh its answer
/// is not waited for. A connection to a listener that is about to close ends by itself.
fn refuses(trial: &mut Trial<'_, '_>, side: Side, begin: &Endpoint) -> Result<()> {
    let plan = Plan::alone(begin.clone(), vec![Step::ReceiveUntilEnd]);
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let report = trial.drive_at(side, &plan)?.report(LIMIT)?;
        let errors = report.accounts.iter().filter_map(|account| account.error.as_deref());
        if errors.into_iter().any(|error| error.starts_with("connect to ")) {
            return Ok(());
        }
    }
    Err(Error::new("somebody listens there still"))
}

fn end(trial: &mut Trial<'_, '_>, stand_in: &StandIn, mut master: Watched) -> Result<()> {
    stand_in.output(trial, &["-O", "exit", HOST])?;
    master.wait(LIMIT)?;
    gone(&stand_in.path(SOCKET))?;
    let checked = stand_in.ssh(trial, &["-O", "check", HOST], &[])?;
    match checked.status.code() {
        Some(255) => Ok(()),
        _ => Err(Error::new(format!("-O check without a master: {}", checked.status))),
    }
}

/// A master that the first command leaves behind, and that ends when it is told to.
fn persist(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let options = ["-o", "ControlMaster=auto", "-o", "ControlPersist=60"];
    for round in 0..2 {
        let command = format!("echo round {round}");
        let said = stand_in.output(trial, &[&options[..], &[HOST, &command]].concat())?;
        if said != format!("round {round}\n") {
            return Err(Error::new(format!("ControlPersist: {said:?}")));
        }
        stand_in.output(trial, &["-O", "check", HOST])?;
    }
    stand_in.output(trial, &["-O", "exit", HOST])?;
    gone(&stand_in.path(SOCKET))
}

/// A master that is killed leaves its socket; whoever comes next says so or takes its place.
fn killed(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    let mut master = start_master(trial, stand_in)?;
    let mut session = stand_in.start(trial, &[HOST, "echo begun; exec cat"])?;
    session.wait_for("begin", LIMIT, |line| (line == "begun").then_some(()))?;
    master.kill()?;
    let status = session.wait(LIMIT)?;
    if status.code() != Some(255) {
        return Err(Error::new(format!("a session of a killed master ended with {status}")));
    }
    let said = stand_in.output(trial, &["-o", "ControlMaster=auto", HOST, "echo after"])?;
    if said == "after\n" { Ok(()) } else { Err(Error::new(format!("after a kill: {said:?}"))) }
}

fn gone(socket: &Path) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while socket.exists() {
        if Instant::now() > deadline {
            return Err(Error::new("the master's socket stays"));
        }
        process::check_interrupt()?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
