//! adit, a Secure Shell tunneller: words and files to a plan of tunnels, run and supervised.

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

mod args;
mod client;
mod demo;
mod explain;
mod failure;
mod harden;
mod log;
#[cfg(test)]
mod memory;
mod open;
mod prompt;
mod runtime;
mod serve;
mod settings;
mod ssh;
mod stdio;
mod stop;
mod trust;
mod why;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(failure) = log::start(&args.log) {
        return failure.report();
    }
    harden::process();
    let done = match args.command {
        Command::Open(args) => open::run(args).map(|()| ExitCode::SUCCESS),
        Command::Why(args) => why::run(&args),
        Command::Serve(args) => serve::run(args).map(|()| ExitCode::SUCCESS),
        Command::Explain(args) => explain::run(&args),
        Command::Demo(args) => demo::run(args).map(|()| ExitCode::SUCCESS),
        Command::Trust(args) => trust::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Ssh(args) => ssh::run(args).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|failure| failure.report())
}
