//! adit, a Secure Shell tunneller: words and files to a plan of tunnels, run and supervised.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command, Log};

mod agent_forwarding;
mod args;
mod background;
mod client;
mod control;
mod demo;
mod explain;
mod failure;
mod harden;
mod lent;
mod log;
#[cfg(test)]
mod memory;
mod open;
mod prompt;
mod runtime;
mod serve;
mod session;
mod settings;
mod ssh;
mod stdio;
mod stop;
mod talk;
mod trust;
mod why;
mod workers;
mod x11;

fn main() -> ExitCode {
    // Before anything else: this process is to become another program.
    #[cfg(feature = "sessions")]
    if adit_programs::launcher::is_asked() {
        return adit_programs::launcher::run();
    }
    if let Some(words) = words_of_ssh() {
        return ssh::main(words, Log::default());
    }
    let Args { log, command } = Args::parse();
    if let Command::Ssh(args) = command {
        return ssh::main(args.words, log);
    }
    if let Err(failure) = log::start(&log) {
        return failure.report();
    }
    harden::process();
    let done = match command {
        Command::Open(args) => open::run(args).map(|()| ExitCode::SUCCESS),
        Command::Why(args) => why::run(&args),
        Command::Serve(args) => serve::run(args).map(|()| ExitCode::SUCCESS),
        Command::Explain(args) => explain::run(&args),
        Command::Demo(args) => demo::run(args).map(|()| ExitCode::SUCCESS),
        Command::Trust(args) => trust::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Ssh(args) => return ssh::main(args.words, log),
    };
    done.unwrap_or_else(|failure| failure.report())
}

/// The words of a call as `ssh`, or as `adit ssh`: they are read as ssh reads them.
fn words_of_ssh() -> Option<Vec<OsString>> {
    let mut words = std::env::args_os();
    let called = words.next()?;
    let is_ssh = Path::new(&called).file_name().is_some_and(|name| name == "ssh");
    if is_ssh || words.next()? == "ssh" { Some(words.collect()) } else { None }
}
