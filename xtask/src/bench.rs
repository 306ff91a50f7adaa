//! `cargo xtask bench`: what adit costs, beside others in the same run.

mod chart;
mod cipher;
mod clause;
mod client;
mod contestant;
mod delay;
mod entry;
mod exchange;
mod figure;
mod goal;
mod instructions;
mod load;
mod machine;
mod metric;
mod outcome;
mod port;
mod report;
mod round;
mod scenario;
mod server;
mod setup;
mod site;
mod target;
mod tunnel;
mod tunnel_kind;
mod usage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::bench::contestant::Contestant;
use crate::bench::instructions::Purpose;
use crate::bench::machine::Machine;
use crate::bench::outcome::{Outcome, Run};
use crate::bench::scenario::Scenario;
use crate::bench::site::{Site, Tools};
use crate::error::{Context, Error, Result};
use crate::table::Table;
use crate::{process, tools};

pub(crate) use crate::bench::round::hold;

/// Words of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Measure this scenario or group alone; may be given several times
    #[arg(long, value_name = "SCENARIO", value_parser = PossibleValuesParser::new(scenario::names()))]
    scenario: Vec<String>,
    /// Measure with this contestant alone; may be given several times
    #[arg(long, value_name = "CONTESTANT", value_parser = PossibleValuesParser::new(contestant_names()))]
    contestant: Vec<String>,
    /// How often each contestant has its turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How long one measurement takes
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = parse_seconds)]
    seconds: f64,
    /// The adit to measure; without it the workspace's is built with --release
    #[arg(long, value_name = "PATH")]
    adit: Option<PathBuf>,
    /// Write the results as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write bars of the results as SVG to this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print what was found of an earlier run, from its JSON, and measure nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "contestant", "adit", "json"])]
    from: Option<PathBuf>,
    /// Hold the results against the goals, a line each: figure, bound, and whether it holds
    #[arg(long)]
    check: bool,
    /// Count the instructions of the path of data instead, with valgrind; fails where there are
    /// more than bench/instructions.json allows
    #[arg(long, conflicts_with_all = ["scenario", "contestant", "adit", "json", "from", "svg", "check", "list"])]
    instructions: bool,
    /// Make what is counted the limits
    #[arg(long, requires = "instructions")]
    set_limits: bool,
    /// List the scenarios and the contestants, and measure nothing
    #[arg(long)]
    list: bool,
}

fn contestant_names() -> Vec<&'static str> {
    contestant::ALL.iter().map(|contestant| contestant.name).collect()
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=60.0).contains(&seconds) => Ok(seconds),
        _ => Err("seconds from 0.1 to 60".to_owned()),
    }
}

/// Measures, and prints tables.
pub(crate) fn run(words: &Words) -> Result<()> {
    if words.list {
        print!("{}", list());
        return Ok(());
    }
    if words.instructions {
        let purpose = if words.set_limits { Purpose::SetLimits } else { Purpose::Check };
        return instructions::run(purpose);
    }
    let run = match &words.from {
        Some(path) => read(path)?,
        None => measure_all(words)?,
    };
    print!("{}", report::text(&run));
    if words.check {
        print!("\n{}", goal::text(&run));
    }
    if let Some(path) = &words.json {
        write(path, &serde_json::to_string_pretty(&run).context("write JSON")?)?;
    }
    if let Some(path) = &words.svg {
        write(path, &chart::svg(&run))?;
    }
    if run.outcomes.iter().all(|outcome| outcome.samples.iter().all(Option::is_none)) {
        return Err(Error::new("nothing was measured"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Run> {
    let text = std::fs::read_to_string(path).context(format!("read {}", path.display()))?;
    serde_json::from_str(&text).context(format!("read {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).context(format!("write {}", path.display()))
}

fn measure_all(words: &Words) -> Result<Run> {
    tools::ensure(&tools::FOR_BENCH)?;
    tools::ensure_sshd_folder()?;
    let scenarios = scenario::select(&words.scenario);
    let mut taking_part = scenarios.iter().flat_map(|it| contestants(words, it));
    let tools =
        if taking_part.any(Contestant::is_built) { Tools::Needed } else { Tools::NotNeeded };
    let site = Site::new(words.adit.as_deref(), tools)?;
    let mut run = Run {
        machine: Machine::this(&site),
        rounds: words.rounds.into(),
        seconds: words.seconds,
        outcomes: Vec::new(),
    };
    for scenario in &scenarios {
        run.outcomes.extend(measure(words, &site, scenario)?);
        eprintln!("{}", report::table(&run, scenario.name));
    }
    Ok(run)
}

/// Gives each contestant its turn, round by round.
fn measure(words: &Words, site: &Site, scenario: &Scenario) -> Result<Vec<Outcome>> {
    eprintln!("{}: {}", scenario.name, scenario.about);
    let mut outcomes: Vec<(Contestant, Outcome)> = contestants(words, scenario)
        .map(|contestant| (contestant, empty(scenario, contestant)))
        .collect();
    for _ in 0..words.rounds {
        for (contestant, outcome) in &mut outcomes {
            if outcome.problem.is_some() {
                outcome.samples.push(None);
                continue;
            }
            let time = Duration::from_secs_f64(words.seconds);
            let result = round::run(site, scenario, *contestant, time);
            process::check_interrupt()?;
            outcome.samples.push(match result {
                Ok(sample) => Some(sample),
                Err(error) => {
                    eprintln!("  {}: {error}", contestant.name);
                    outcome.problem = Some(error.to_string());
                    None
                }
            });
        }
    }
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn contestants(words: &Words, scenario: &Scenario) -> impl Iterator<Item = Contestant> {
    let usual = scenario.contestants;
    let named = |it: &Contestant| match words.contestant.as_slice() {
        [] => usual.contains(it),
        names => names.iter().any(|name| name == it.name),
    };
    contestant::ALL.into_iter().filter(named)
}

fn empty(scenario: &Scenario, contestant: Contestant) -> Outcome {
    Outcome {
        scenario: scenario.name.to_owned(),
        contestant: contestant.name.to_owned(),
        samples: Vec::new(),
        problem: contestant.lacks(scenario.kind, scenario.cipher).map(str::to_owned),
    }
}

fn list() -> String {
    let mut scenarios = Table::new(["scenario", "group", "what is measured", "with"]);
    for it in scenario::ALL {
        let with: Vec<&str> = it.contestants.iter().map(|contestant| contestant.name).collect();
        scenarios.row([it.name, it.group, it.about, &with.join(" ")].map(str::to_owned));
    }
    format!("{scenarios}\ncontestants: {}\n", contestant_names().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_scenario_and_contestant() {
        let list = list();
        let scenarios = scenario::ALL.iter().map(|scenario| scenario.name);
        for name in scenarios.chain(contestant_names()) {
            assert!(list.contains(name), "{name}");
        }
    }
}
