//! Ends that nobody announces, while a remote tunnel is up: its port must come back.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::interop::call::Call;
use crate::interop::client::{Cause, Client};
use crate::interop::crossing::{self, Crossing};
use crate::interop::forward::{Begin, Forward, Kind};
use crate::interop::gateway::Gateway;
use crate::interop::peer::Origin;
use crate::interop::place::{self, Family};
use crate::interop::role::Role;
use crate::interop::scenario::kinds::can_open;
use crate::interop::server::Settings;
use crate::interop::stage::Side;
use crate::interop::stock;
use crate::interop::target::Target;
use crate::interop::trial::{Stop, Trial, words};
use crate::interop::watched::Watched;
use crate::process;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::exchange;

const BYTES: u64 = 64 << 10;

/// The client asks each second whether the server is there, and gives up after the third time.
const ALIVE: [(&str, &str); 2] = [("ServerAliveInterval", "1"), ("ServerAliveCountMax", "3")];

/// By when a client must notice that its server stands still.
const NOTICE: Duration = Duration::from_secs(20);

/// By when a server that goes on must have given the port of its dead client back.
const RETURN: Duration = Duration::from_secs(20);

/// How long a gateway may take from a login to the port of the one before it.
const TAKEOVER: Duration = Duration::from_secs(1);

/// What adit says of a port that somebody has.
const IN_USE: &str = "in use";

/// For a byte on a port that may lead nowhere, in milliseconds.
const SHORT: u64 = 2000;

const PAUSE: Duration = Duration::from_millis(200);

/// The server stands still while a remote tunnel is up. The client says so; while the port is
/// held, the next one is told why; once the server goes on, the port comes back.
pub(crate) fn frozen(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.peer.origin == Origin::Machine {
        let reason = "the machine's own programs cannot be stopped";
        return Err(Stop::NotApplicable(reason.to_owned()));
    }
    let target = trial.start_target_at(Side::Home)?;
    let at = target.tcp.clone();
    let address = trial.address(Side::Peer, Family::V4)?;
    let address = address.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let server = trial.start_server(&Settings::default())?;
    let port = Endpoint::Tcp(stock::free_address(trial.place()?, Family::V4)?);
    let mut call = trial.home_call(&server, address)?;
    call.forwards = vec![Forward::new(Kind::Remote, Begin::Fixed(port), &at.to_string())];
    call.options = words(&ALIVE);
    let mut client = trial.open_home(&call)?;
    taken(trial, &call)?;
    trial.place()?.freeze()?;
    let status = client.process.wait(NOTICE)?;
    trial.program.check_end(status, Cause::ConnectionLost, &client.process)?;
    place::shell(trial.place()?, place::THAW)?;
    let (client, tries) = come_back(trial, &call)?;
    trial.measure("logins until the port was back", tries);
    let crossing = Crossing::of(client);
    crossing.talk(trial, 0, Kind::Remote, (&target, &at), &exchange::echo(BYTES))?;
    Ok(crossing.end(trial)?)
}

/// A port that another session holds is refused, with a word of why.
fn taken(trial: &mut Trial<'_, '_>, call: &Call) -> Result<()> {
    let refused = trial.fail_home(call, Cause::Forward)?;
    if trial.program.is_adit() && !refused.said(IN_USE) {
        let said = refused.last_words();
        return Err(Error::new(format!("nothing is said of a port in use: {said}")));
    }
    Ok(())
}

/// Logs in again and again; each refusal is counted, and must be one.
fn come_back(trial: &mut Trial<'_, '_>, call: &Call) -> Result<(Client, u32)> {
    let deadline = Instant::now() + RETURN;
    let mut tries = 1;
    loop {
        match trial.open_home(call) {
            Ok(client) => return Ok((client, tries)),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(format!("the port is not back after {tries} logins")));
            }
            Err(error) if trial.program.is_adit() && !error.to_string().contains(IN_USE) => {
                return Err(error);
            }
            Err(_) => {
                process::check_interrupt()?;
                tries += 1;
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// The client of a gateway stands still, and the same user comes again: the port changes hands.
pub(crate) fn takeover(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    can_open(trial, Kind::Remote)?;
    if trial.peer.origin == Origin::Machine {
        let reason = "the machine's own programs cannot be stopped";
        return Err(Stop::NotApplicable(reason.to_owned()));
    }
    let target = trial.start_target_at(Side::Peer)?;
    let at = target.tcp.clone();
    let gateway = Gateway::at_home(trial, Family::V4, &["--permit-listen", "127.0.0.1:*"])?;
    let gateway = gateway.ok_or_else(|| Error::new("the network has no ipv4"))?;
    let port = Endpoint::Tcp(stock::free_address(trial.place()?, Family::V4)?);
    let forward = Forward::new(Kind::Remote, Begin::Fixed(port.clone()), &at.to_string());
    let call = stock::Call::with(vec![forward]);
    let first = stock::open(trial, &gateway, &call)?;
    let mut plan = trial.plan(port.clone(), &exchange::echo(BYTES), 1);
    plan.connect_within = 30_000;
    let talk = trial.drive_at(crossing::near(Role::Client, Kind::Remote), &plan)?;
    talk.finish(&plan, &target)?.check_digests()?;
    trial.place()?.freeze()?;
    let begun = Instant::now();
    let second = stock::start(trial, &gateway, &call)?;
    if !trial.is_dropbear() {
        let is_in = |line: &str| line.contains("Authenticated to").then(Instant::now);
        let login = second.wait_for("login", stock::READY_LIMIT, is_in)?;
        let is_granted = |line: &str| line.contains("remote forward success").then(Instant::now);
        let granted = second.wait_for("remote forward", stock::READY_LIMIT, is_granted)?;
        let taken = granted.saturating_duration_since(login);
        trial.measure("ms from the login to the port", taken.as_millis());
        if taken > TAKEOVER {
            return Err(Error::new(format!("the port came {taken:?} after the login")).into());
        }
    }
    let tries = first_echo(trial, &port, &target, &second)?;
    let taken = begun.elapsed().as_millis();
    trial.measure("ms from the second client's start to its first echo", taken);
    trial.measure("connections until then", tries);
    drop((first, second));
    Ok(())
}

/// Talks through the port until that works: a client that says nothing of its login may be on the
/// way to it, and the port still lead to the one that stands still.
fn first_echo(
    trial: &mut Trial<'_, '_>,
    port: &Endpoint,
    target: &Target,
    client: &Watched,
) -> Result<u32> {
    let deadline = Instant::now() + RETURN;
    let mut tries = 0;
    loop {
        tries += 1;
        let mut plan = trial.plan(port.clone(), &exchange::echo(BYTES), 1);
        plan.patience = SHORT;
        let talk = trial.drive_at(Side::Home, &plan)?.finish(&plan, target);
        match talk {
            Ok(talk) => return talk.check_digests().map(|()| tries),
            Err(error) if !trial.is_dropbear() || Instant::now() > deadline => {
                let said = client.last_words();
                return Err(error.context(format!("the second client: {said}")));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
