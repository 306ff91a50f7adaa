//! Every scenario with every peer: first those that need the machine for themselves, one after
//! another, then the rest, several peers at once.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::interop::client::Program;
use crate::interop::engine::Engine;
use crate::interop::key::Keys;
use crate::interop::leftover;
use crate::interop::outcome::{Outcome, Run, Verdict};
use crate::interop::peer::{Flavour, Peer};
use crate::interop::place;
use crate::interop::role::Role;
use crate::interop::scenario::{Load, Scenario};
use crate::interop::stage::Stage;
use crate::interop::trial::{Stop, Trial};
use crate::process;

/// What a run works with.
#[derive(Debug)]
pub(crate) struct Matrix<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) keys: &'a Keys,
    pub(crate) program: &'a Program,
    /// Of a bulk transfer, in bytes.
    pub(crate) size: u64,
    pub(crate) logs: &'a Path,
    pub(crate) temporary: &'a Path,
    pub(crate) workers: Workers,
}

/// How many peers are tried at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workers(pub(crate) NonZeroUsize);

/// Scenarios that one worker tries with one peer, in one place after another.
#[derive(Clone, Debug)]
struct Batch {
    peer: Peer,
    scenarios: Vec<Scenario>,
}

impl Default for Workers {
    /// Two for each core: a scenario waits for logins and containers more than it reckons.
    fn default() -> Self {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self(cores.saturating_mul(NonZeroUsize::MIN.saturating_add(1)))
    }
}

impl Matrix<'_> {
    /// Tries everything; an error only if a signal asked to stop.
    pub(crate) fn run(&self, peers: &[Peer], scenarios: &[Scenario]) -> Result<Run> {
        let started = Instant::now();
        let mut outcomes = Vec::new();
        for batch in batches(peers, scenarios, Load::Heavy) {
            outcomes.extend(self.run_batch(&batch)?);
        }
        outcomes.extend(self.run_at_once(batches(peers, scenarios, Load::Light))?);
        let place_in_table = |outcome: &Outcome| {
            let peer = peers.iter().position(|peer| peer.name() == outcome.peer);
            let scenario = scenarios.iter().position(|one| one.name == outcome.scenario);
            (peer, scenario)
        };
        outcomes.sort_by_key(place_in_table);
        Ok(Run {
            engine: self.engine.reason.clone(),
            program: self.program.to_string(),
            bytes: self.size,
            milliseconds: milliseconds(started),
            outcomes,
        })
    }

    fn run_at_once(&self, batches: VecDeque<Batch>) -> Result<Vec<Outcome>> {
        let workers = self.workers.0.get().min(batches.len());
        let left = Mutex::new(batches);
        let work = || {
            let mut outcomes = Vec::new();
            loop {
                let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                match next {
                    Some(batch) => outcomes.extend(self.run_batch(&batch)?),
                    None => return Ok(outcomes),
                }
            }
        };
        let results: Vec<Result<Vec<Outcome>>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let failed = |_| Err(Error::new("a worker failed"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed)).collect()
        });
        let outcomes: Result<Vec<_>> = results.into_iter().collect();
        Ok(outcomes?.into_iter().flatten().collect())
    }

    fn run_batch(&self, batch: &Batch) -> Result<Vec<Outcome>> {
        let Batch { peer, scenarios } = batch;
        if let Some(reason) = self.engine.lacks(*peer) {
            return Ok(batch.all(&Verdict::NotApplicable(reason.to_owned())));
        }
        let folder = self.temporary.join(format!("{}-{}", peer.name(), leftover::serial()));
        let mut stage = Stage::new(self.engine, *peer, self.keys, folder);
        let version = match version(&mut stage) {
            Ok(version) => version,
            Err(error) => {
                process::check_interrupt()?;
                eprintln!("{}: {error}", peer.name());
                return Ok(batch.all(&Verdict::Fail(error.to_string())));
            }
        };
        let run = |scenario: &Scenario| {
            let logs = self.logs.join(peer.name()).join(scenario.name);
            let trial = Trial::new(&mut stage, self.program, self.size, logs)?;
            run_scenario(trial, scenario, &version)
        };
        let tell = |outcome: &Result<Outcome>| {
            if let Ok(outcome) = outcome {
                eprintln!("{:20} {}", outcome.peer, line(outcome));
            }
        };
        scenarios.iter().map(run).inspect(tell).collect()
    }
}

impl Batch {
    /// One verdict for all, where nothing was tried.
    fn all(&self, verdict: &Verdict) -> Vec<Outcome> {
        let of = |scenario| outcome(self.peer, "", scenario, verdict.clone(), 0, Vec::new());
        self.scenarios.iter().map(of).collect()
    }
}

/// The scenarios of this load, for each peer those of one role together.
fn batches(peers: &[Peer], scenarios: &[Scenario], load: Load) -> VecDeque<Batch> {
    let of_role = |peer: Peer, role: Role| {
        let is_wanted = |scenario: &&Scenario| scenario.load == load && scenario.role == role;
        Batch { peer, scenarios: scenarios.iter().filter(is_wanted).copied().collect() }
    };
    let all = peers.iter().flat_map(|peer| {
        [Role::Server, Role::Client].into_iter().map(move |role| of_role(*peer, role))
    });
    all.filter(|batch| !batch.scenarios.is_empty()).collect()
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

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::scenario;

    #[test]
    fn every_scenario_is_tried_once_with_each_peer() {
        let peers = Peer::select(&[], true);
        let mut tried: Vec<(String, &str)> = [Load::Heavy, Load::Light]
            .into_iter()
            .flat_map(|load| batches(&peers, &scenario::ALL, load))
            .flat_map(|batch| {
                batch.scenarios.into_iter().map(move |one| (batch.peer.name(), one.name))
            })
            .collect();
        let count = tried.len();
        tried.sort_unstable();
        tried.dedup();
        assert_eq!((count, tried.len()), (peers.len() * scenario::ALL.len(), count));
    }

    #[test]
    fn a_batch_is_of_one_role() {
        let peers = Peer::select(&["openssh-trixie".to_owned()], true);
        for batch in batches(&peers, &scenario::ALL, Load::Light) {
            let first = batch.scenarios[0].role;
            assert!(batch.scenarios.iter().all(|scenario| scenario.role == first));
        }
    }
}
