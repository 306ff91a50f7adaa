//! Development tasks of adit: `cargo xtask help` lists them.

mod ci;
mod error;
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

use crate::error::Result;
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
    /// Run every check: fmt, clippy, doc, tidy, test, demo, interop
    Ci {
        /// Run this step alone; may be given several times
        #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(ci::names()))]
        only: Vec<String>,
    },
    /// Be the target behind a tunnel
    #[command(hide = true)]
    Target { endpoints: Vec<Endpoint> },
    /// Be the program before a tunnel; the plan comes as JSON on standard input
    #[command(hide = true)]
    Drive,
}

fn main() -> ExitCode {
    match run(Words::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
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

fn run(task: Task) -> Result<()> {
    match task {
        Task::Target { endpoints } => return target::run(&endpoints),
        Task::Drive => return drive::run(),
        _ => interrupt::install()?,
    }
    match task {
        Task::Tidy => tidy::run(),
        Task::Test { arguments } => test::run(&arguments),
        Task::Ci { only } => ci::run(&only),
        Task::Target { .. } | Task::Drive => Ok(()),
    }
}
