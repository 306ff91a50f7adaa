//! adit, a Secure Shell tunneller: words and files to a plan of tunnels, run and supervised.

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

mod args;
mod client;
mod demo;
mod failure;
mod harden;
mod log;
mod open;
mod prompt;
mod runtime;
mod serve;
mod settings;
mod stop;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(failure) = log::start(&args.log) {
        return failure.report();
    }
    harden::process();
    let done = match args.command {
        Command::Open(args) => open::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
