//! Development tasks of adit: `cargo xtask help` lists them.

mod audit;
mod bench;
mod ci;
mod error;
mod interop;
mod interrupt;
mod process;
mod table;
mod test;
mod tidy;
mod tools;
mod traffic;
mod workspace;

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};

use crate::error::Result;
use crate::interop::Ending;
use crate::traffic::endpoint::Endpoint;
use crate::traffic::{drive, target};

/// Development tasks of adit
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Words {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check the invariants of ARCHITECTURE.md: layers, purity, module cycles, citations, links
    Tidy,
    /// Run every test that needs no container; install what they need (root on Debian) or name it
    Test {
        /// Words for cargo test, as a filter
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run adit against OpenSSH and Dropbear of several versions, as servers and as clients
    ///
    /// The peers run in containers of docker or podman; else in namespaces of this machine, which
    /// needs root; else the machine's own sshd is the only one. Their root file systems are pulled
    /// from a registry where one answers, else made from the package mirror that apt uses, and kept.
    /// The exit code is 0 if all that was tried passed, 1 if something failed, 2 if nothing could be
    /// tried.
    Interop(interop::Words),
    /// Have ssh-audit look at what adit offers in both roles, strict and default
    ///
    /// ssh-audit is installed from PyPI where it is missing. The exit code is 2 where it cannot be.
    Audit,
    /// Measure adit beside OpenSSH, russh, Dropbear and a bare relay
    Bench(bench::Words),
    /// Run every check: fmt, clippy, doc, tidy, test, demo, instructions, interop
    Ci {
        /// Run this step alone; may be given several times
        #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(ci::names()))]
        only: Vec<String>,
    },
    /// Be the target behind a tunnel
    #[command(hide = true)]
    Target { endpoints: Vec<Endpoint> },
    /// Be the target of many idle channels
    #[command(hide = true)]
    Hold,
    /// Be the program before a tunnel; the plan comes as JSON on standard input
    #[command(hide = true)]
    Drive,
}

fn main() -> ExitCode {
    match run(Words::parse().task) {
        Ok(Ending::Passed) => ExitCode::SUCCESS,
        Ok(Ending::NothingRun) => ExitCode::from(2),
        Err(_) if interrupt::requested() => {
            eprintln!("interrupted");
            ExitCode::from(interrupt::EXIT_CODE)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<Ending> {
    raise_file_limit();
    if matches!(task, Task::Target { .. } | Task::Drive | Task::Hold) {
        // Whoever started this may be killed, and then nobody else would end it.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    } else {
        interrupt::install()?;
    }
    match task {
        Task::Tidy => tidy::run(),
        Task::Test { arguments } => test::run(&arguments),
        Task::Interop(words) => return interop::run(&words),
        Task::Audit => return audit::run(),
        Task::Bench(words) => bench::run(&words),
        Task::Ci { only } => ci::run(&only),
        Task::Target { endpoints } => target::run(&endpoints),
        Task::Hold => bench::hold(),
        Task::Drive => drive::run(),
    }
    .map(|()| Ending::Passed)
}

/// A thousand connections need more files than many shells allow; the children inherit this.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where that is not allowed, what needs it says so.
    let _ = setrlimit(Resource::Nofile, raised);
}
