//! `cargo xtask interop`: adit against other implementations, in places of their own.

mod agent;
mod client;
mod container;
mod conversation;
mod engine;
mod gateway;
mod image;
mod jail;
mod key;
mod leftover;
mod local;
mod mirror;
mod offer;
mod outcome;
mod peer;
mod place;
mod release;
mod report;
mod scenario;
mod server;
mod stage;
mod stock;
mod target;
mod trial;
mod watched;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::error::{Context, Error, Result};
use crate::interop::client::Program;
use crate::interop::engine::{Engine, Wanted};
use crate::interop::key::Keys;
use crate::interop::leftover::Owner;
use crate::interop::outcome::{Outcome, Run, Verdict};
use crate::interop::peer::{Flavour, Peer};
use crate::interop::scenario::Scenario;
use crate::interop::stage::Stage;
use crate::interop::trial::{Stop, Trial};
use crate::table::Table;
use crate::{process, tools, workspace};

/// Of `cargo build --release`, on a slow and cold machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Words of `cargo xtask interop`.
#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Run with this peer alone, or with those of this implementation; may be given several times
    #[arg(long, value_name = "PEER", value_parser = peer::parse_name)]
    peer: Vec<String>,
    /// Run this scenario alone; may be given several times
    #[arg(long, value_name = "SCENARIO", value_parser = PossibleValuesParser::new(scenario_names()))]
    scenario: Vec<String>,
    /// List the peers and the scenarios, and run nothing
    #[arg(long)]
    list: bool,
    /// Where the peers run; without it docker, podman and host are tried in this order
    #[arg(long, value_enum)]
    engine: Option<Wanted>,
    /// Write the results as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the results as JUnit's XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How much a bulk transfer moves in one direction
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    size: u64,
    /// The adit to test; without it the workspace's is built with --release
    #[arg(long, value_name = "PATH")]
    adit: Option<PathBuf>,
    /// Test the scenarios themselves, with the OpenSSH of this machine and of the peers
    #[arg(long, hide = true, value_enum, default_value_t = Tested::Adit)]
    client: Tested,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tested {
    Adit,
    Ssh,
}

fn scenario_names() -> Vec<&'static str> {
    scenario::ALL.iter().map(|scenario| scenario.name).collect()
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Passed,
    /// Nothing was tried: that is not green.
    NothingRun,
}

/// Runs the scenarios with the peers; an error if one of them failed.
pub(crate) fn run(words: &Words) -> Result<Ending> {
    if words.list {
        print!("{}", list());
        return Ok(Ending::Passed);
    }
    tools::ensure(&tools::FOR_INTEROP)?;
    let folders = Folders::new()?;
    let owner = Owner::this_process()?;
    let engine = Engine::find(words.engine, owner.clone(), folders.roots.clone());
    let mut engine = match engine {
        Ok(engine) => engine,
        Err(error) => {
            process::check_interrupt()?;
            eprintln!("error: {error}");
            return Ok(Ending::NothingRun);
        }
    };
    eprintln!("{}", engine.reason);
    remove_leftovers(&engine)?;
    let program = program(words)?;
    let temporary = leftover::folder(&owner)?;
    let keys = Keys::make(temporary.path().join("keys"))?;
    let mut matrix = Matrix {
        engine: &mut engine,
        keys: &keys,
        program: &program,
        size: words.size,
        logs: &folders.logs,
        temporary: temporary.path(),
    };
    let run = matrix.run(words)?;
    finish(words, &run, &folders.logs)
}

fn finish(words: &Words, run: &Run, logs: &Path) -> Result<Ending> {
    print!("{}", report::text(run));
    if let Some(path) = &words.json {
        std::fs::write(path, report::json(run)?).context(format!("write {}", path.display()))?;
    }
    if let Some(path) = &words.junit {
        std::fs::write(path, report::junit(run)).context(format!("write {}", path.display()))?;
    }
    match run.counts() {
        (0, 0, _) => {
            eprintln!("error: nothing was tried");
            Ok(Ending::NothingRun)
        }
        (_, 0, _) => Ok(Ending::Passed),
        (_, failed, _) => Err(Error::new(format!("{failed} failed"))
            .hint(format!("the logs of what failed are in {}", logs.display()))),
    }
}

/// Where things are kept in cargo's target folder.
struct Folders {
    roots: PathBuf,
    logs: PathBuf,
}

impl Folders {
    fn new() -> Result<Self> {
        let target = workspace::metadata()?.target_directory.join("interop");
        Ok(Self { roots: target.join("roots"), logs: target.join("logs") })
    }
}

fn remove_leftovers(engine: &Engine) -> Result<()> {
    let containers = engine.remove_leftovers()?;
    let folders = leftover::remove_folders(&std::env::temp_dir())?;
    if containers + folders > 0 {
        eprintln!("removed what ended runs left: {containers} containers, {folders} folders");
    }
    Ok(())
}

fn program(words: &Words) -> Result<Program> {
    if words.client == Tested::Ssh {
        return Ok(Program::Ssh);
    }
    let path = match &words.adit {
        Some(path) => path.clone(),
        None => {
            eprintln!("building adit");
            let mut command = workspace::cargo();
            command.args(["build", "--quiet", "--release", "--package", "adit"]);
            let status = process::stream(command, BUILD_LIMIT)?;
            if !status.success() {
                return Err(Error::new("adit does not build"));
            }
            workspace::metadata()?.target_directory.join("release/adit")
        }
    };
    let path = path.canonicalize().context(format!("find {}", path.display()))?;
    Ok(Program::Adit(path))
}

/// Everything with everybody.
struct Matrix<'a> {
    engine: &'a mut Engine,
    keys: &'a Keys,
    program: &'a Program,
    size: u64,
    logs: &'a Path,
    temporary: &'a Path,
}

impl Matrix<'_> {
    fn run(&mut self, words: &Words) -> Result<Run> {
        let started = Instant::now();
        let peers = Peer::select(&words.peer, self.engine.has_releases());
        let scenarios = scenario::select(&words.scenario);
        let mut outcomes = Vec::new();
        for peer in peers {
            outcomes.extend(self.run_peer(peer, &scenarios)?);
        }
        Ok(Run {
            engine: self.engine.reason.clone(),
            program: self.program.to_string(),
            bytes: self.size,
            milliseconds: milliseconds(started),
            outcomes,
        })
    }

    fn run_peer(&mut self, peer: Peer, scenarios: &[Scenario]) -> Result<Vec<Outcome>> {
        if let Some(reason) = self.engine.lacks(peer) {
            let verdict = Verdict::NotApplicable(reason.to_owned());
            let all = scenarios
                .iter()
                .map(|scenario| outcome(peer, "", scenario, verdict.clone(), 0, Vec::new()));
            return Ok(all.collect());
        }
        let folder = self.temporary.join(peer.name());
        let mut stage = Stage::new(self.engine, peer, self.keys, folder);
        let version = match version(&mut stage) {
            Ok(version) => version,
            Err(error) => {
                process::check_interrupt()?;
                eprintln!("{}: {error}", peer.name());
                let verdict = Verdict::Fail(error.to_string());
                let all = scenarios
                    .iter()
                    .map(|scenario| outcome(peer, "", scenario, verdict.clone(), 0, Vec::new()));
                return Ok(all.collect());
            }
        };
        eprintln!("{}: {version}", peer.name());
        scenarios
            .iter()
            .map(|scenario| {
                let logs = self.logs.join(peer.name()).join(scenario.name);
                let trial = Trial::new(&mut stage, self.program, self.size, logs)?;
                run_scenario(trial, scenario, &version)
            })
            .inspect(|outcome| {
                if let Ok(outcome) = outcome {
                    eprintln!("  {}", line(outcome));
                }
            })
            .collect()
    }
}

/// Runs one scenario to its end; an error only if a signal asked to stop.
fn run_scenario(mut trial: Trial<'_, '_>, scenario: &Scenario, version: &str) -> Result<Outcome> {
    let started = Instant::now();
    let result = (scenario.run)(&mut trial);
    process::check_interrupt()?;
    let verdict = match result {
        Ok(()) => Verdict::Pass,
        Err(Stop::NotApplicable(reason)) => Verdict::NotApplicable(reason),
        Err(Stop::Failed(error)) => Verdict::Fail(error.to_string()),
    };
    trial.finish(matches!(verdict, Verdict::Fail(_)))?;
    let (peer, measurements) = (trial.peer, trial.measurements);
    Ok(outcome(peer, version, scenario, verdict, milliseconds(started), measurements))
}

fn outcome(
    peer: Peer,
    version: &str,
    scenario: &Scenario,
    verdict: Verdict,
    milliseconds: u64,
    measurements: Vec<(String, String)>,
) -> Outcome {
    Outcome {
        peer: peer.name(),
        version: version.to_owned(),
        scenario: scenario.name.to_owned(),
        role: scenario.role.name(),
        verdict,
        milliseconds,
        measurements,
    }
}

fn line(outcome: &Outcome) -> String {
    let (word, reason) = match &outcome.verdict {
        Verdict::Pass => ("pass", ""),
        Verdict::Fail(reason) => ("FAIL", reason.as_str()),
        Verdict::NotApplicable(reason) => ("n/a", reason.as_str()),
    };
    let measured = outcome.measurements.iter().map(|(name, value)| format!("{name}: {value}"));
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    let notes = reason.into_iter().chain(measured).collect::<Vec<_>>().join("; ");
    format!("{word:4} {:>6} s  {:24} {notes}", outcome.seconds(), outcome.scenario)
}

/// What the peer's program calls itself.
fn version(stage: &mut Stage<'_>) -> Result<String> {
    let words = match stage.peer.flavour {
        Flavour::OpenSsh => ["ssh", "-V"],
        Flavour::Dropbear => ["dbclient", "-V"],
    };
    let said = place::words_of(stage.place()?, &words)?;
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}

fn list() -> String {
    let mut peers = Table::new(["peer", "what it is"]);
    for peer in Peer::all() {
        peers.row([peer.name(), peer.about()]);
    }
    let mut scenarios = Table::new(["scenario", "the peer is", "what must work"]);
    for scenario in scenario::ALL {
        let cells = [scenario.name, scenario.role.name(), scenario.about];
        scenarios.row(cells.map(str::to_owned));
    }
    format!("{peers}\n{scenarios}")
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_peer_and_scenario() {
        let list = list();
        let names = Peer::all().into_iter().map(Peer::name);
        for name in names.chain(scenario_names().into_iter().map(str::to_owned)) {
            assert!(list.contains(&name), "{name}");
        }
    }
}
