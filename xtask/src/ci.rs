//! `cargo xtask ci`: every check of the project, one after another, each with a deadline.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};
use crate::table::Table;
use crate::{process, workspace};

/// All steps together end within this, whatever each of them may take. On two cores they take some
/// 40 minutes with nothing built before.
const TOTAL: Duration = Duration::from_secs(58 * 60);

/// A step, how long it may take at most, and its command.
struct Step {
    name: &'static str,
    minutes: u64,
    program: Program,
    words: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Program {
    Cargo,
    Xtask,
}

/// In this order: what is quick and most often wrong comes first.
const STEPS: [Step; 9] = [
    Step { name: "fmt", minutes: 3, program: Program::Cargo, words: &["fmt", "--all", "--check"] },
    Step {
        name: "clippy",
        minutes: 20,
        program: Program::Cargo,
        words: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    },
    Step {
        name: "no-sessions",
        minutes: 20,
        program: Program::Cargo,
        words: &["clippy", "--package", "adit", "--no-default-features", "--", "-D", "warnings"],
    },
    Step {
        name: "doc",
        minutes: 15,
        program: Program::Cargo,
        words: &[
            "--config",
            "build.rustdocflags=['-D', 'warnings']",
            "doc",
            "--workspace",
            "--no-deps",
        ],
    },
    Step { name: "tidy", minutes: 5, program: Program::Xtask, words: &["tidy"] },
    Step { name: "test", minutes: 30, program: Program::Xtask, words: &["test"] },
    Step {
        name: "demo",
        minutes: 20,
        program: Program::Cargo,
        words: &["run", "--release", "--", "demo"],
    },
    Step {
        name: "instructions",
        minutes: 10,
        program: Program::Xtask,
        words: &["bench", "--instructions"],
    },
    Step {
        name: "interop",
        minutes: 45,
        program: Program::Xtask,
        words: &["interop", "--size", "268435456"],
    },
];

/// The names of the steps, in their order.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|step| step.name)
}

/// Runs the steps that `only` names, or all; goes on after a failure, so that one run shows all.
pub(crate) fn run(only: &[String]) -> Result<()> {
    let started = Instant::now();
    let mut table = Table::new(["step", "result", "seconds"]);
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|n| n == step.name)) {
        eprintln!("== {}", step.name);
        let begun = Instant::now();
        let result = run_step(step, TOTAL.saturating_sub(started.elapsed()));
        process::check_interrupt()?;
        let word = match result {
            Ok(()) => "pass",
            Err(error) => {
                eprintln!("{}: {error}", step.name);
                failed.push(step.name);
                "fail"
            }
        };
        table.row([step.name.to_owned(), word.to_owned(), begun.elapsed().as_secs().to_string()]);
    }
    eprint!("{table}");
    eprintln!("ci: {} s", started.elapsed().as_secs());
    match failed.as_slice() {
        [] => Ok(()),
        names => Err(Error::new(format!("failed: {}", names.join(", ")))),
    }
}

fn run_step(step: &Step, left: Duration) -> Result<()> {
    let mut command = match step.program {
        Program::Cargo => workspace::cargo(),
        Program::Xtask => Command::new(std::env::current_exe().context("find this program")?),
    };
    command.args(step.words);
    let status = process::stream(command, left.min(Duration::from_secs(step.minutes * 60)))?;
    if status.success() { Ok(()) } else { Err(Error::new(status.to_string())) }
}
