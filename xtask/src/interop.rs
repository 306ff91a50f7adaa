//! `cargo xtask interop`: adit against other implementations, in places of their own.

mod agent;
mod algorithm_table;
mod ansible;
mod call;
mod caller;
mod chain;
mod client;
mod container;
mod conversation;
mod crossing;
mod display;
mod engine;
mod forward;
mod gateway;
mod image;
mod jail;
mod key;
mod leftover;
mod local;
mod logs;
mod matrix;
mod mirror;
mod network;
mod offer;
mod outcome;
mod peer;
mod place;
mod programs;
mod ready;
mod recipe;
mod release;
mod report;
mod role;
mod scenario;
mod server;
mod services;
mod stage;
mod stand_in;
mod stock;
mod stock_session;
mod target;
mod trial;
mod watched;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::error::{Context, Error, Result};
use crate::interop::client::Program;
use crate::interop::engine::{Engine, Wanted};
use crate::interop::key::Keys;
use crate::interop::leftover::Owner;
use crate::interop::matrix::{Matrix, Workers};
use crate::interop::outcome::Run;
use crate::interop::peer::Peer;
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
    /// Write which algorithms were agreed upon with whom as Markdown to this file
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// How much a bulk transfer moves in one direction
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    size: u64,
    /// How many peers are tried at once with the scenarios that do not disturb one another
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,
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
    let engine = match engine {
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
    let matrix = Matrix {
        engine: &engine,
        keys: &keys,
        program: &program,
        size: words.size,
        logs: &folders.logs,
        temporary: temporary.path(),
        workers: words.jobs.map_or_else(Workers::default, Workers),
    };
    let peers = Peer::select(&words.peer, engine.has_releases());
    let run = matrix.run(&peers, &scenario::select(&words.scenario))?;
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
    if let Some(path) = &words.table {
        std::fs::write(path, algorithm_table::markdown(run))
            .context(format!("write {}", path.display()))?;
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
        eprintln!(
            "removed what ended runs left: {containers} containers and networks, {folders} folders"
        );
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
