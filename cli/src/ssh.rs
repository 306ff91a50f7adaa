//! `adit ssh`: what `ssh(1)` does, called as it is.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;

use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::{Request, Session, Setting};
use clap::ValueEnum as _;

use crate::args::{Log, LogFormat};
use crate::background::{Begun, Front};
use crate::control::order::Order;
use crate::failure::{self, Exit, Failure};
use crate::settings::sources::Sources;
use crate::settings::{algorithms, sources};
use crate::ssh::options::{Instead, Options};
use crate::ssh::plan::{Plan, Purpose};
use crate::{background, harden, log, runtime, talk};

mod connection;
mod help;
mod local_command;
mod options;
mod plan;
mod print;
mod program;
mod query;
mod shared;
mod signals;
mod words;

/// Does what `ssh` would do with these words, and yields its exit code.
pub(crate) fn main(words: Vec<OsString>, log: Log) -> ExitCode {
    let done = Options::parse(words.clone()).and_then(|options| run(options, words, log));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report();
            ExitCode::from(failure::OF_SSH)
        }
    }
}

fn run(options: Options, words: Vec<OsString>, log: Log) -> Result<u8, Failure> {
    match &options.instead {
        Some(Instead::Version) => {
            eprintln!("adit_{}, ring", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
        Some(Instead::Help) => tell(help::TEXT),
        Some(Instead::Query(kind)) => tell(&query::list(kind)?),
        Some(Instead::Print) => {
            let (like, command) = (options.like.clone(), options.command.clone());
            print::run(request(options)?, &command, like.as_deref()).map(|()| 0)
        }
        None => connect(options, words, log),
    }
}

/// Connects, here or in the background.
fn connect(options: Options, words: Vec<OsString>, log: Log) -> Result<u8, Failure> {
    let order: Option<Order> = options.control.as_deref().map(str::parse).transpose()?;
    let error = options.log_file.as_deref().map(divert).transpose()?;
    let Options { is_behind, is_master, .. } = options;
    let (command, stdio) = (options.command.clone(), options.stdio.clone());
    let log = Log {
        filter: options.log.clone().or(log.filter).or_else(|| std::env::var("ADIT_LOG").ok()),
        format: match options.log_format.as_deref() {
            Some(format) => LogFormat::from_str(format, true)
                .map_err(|why| Failure::new(Exit::Usage, format!("--log-format: {why}")))?,
            None => log.format,
        },
        ..log
    };
    let Request { destination, settings, files, session, .. } = request(options)?;
    refuse(&settings)?;
    let mut sources = Sources::new(settings, files, session)?;
    if is_behind {
        sources.hush();
    }
    let mut plan = Plan::new(&mut sources, destination, command, stdio)?;
    if plan.errand.background && !is_behind && order.is_none() {
        return go_behind(words, error);
    }
    start_log(log, plan.errand.level)?;
    harden::process();
    plan.errand.error = error;
    if is_behind {
        let front = Front::take()
            .map_err(|error| Failure::new(Exit::Other, format!("nobody waits: {error}")))?;
        plan.errand.front = Some(front);
    }
    if is_master {
        plan.errand.purpose = Purpose::Others;
    }
    runtime::run(async {
        if let Some(order) = order {
            let path = plan.sharing.as_ref().map(|it| it.path.as_path());
            return order.give(path, plan.tunnels.asked()).await.map(|()| 0);
        }
        match shared::run(&mut plan, &words).await? {
            Some(code) => Ok(code),
            None => connection::run(plan).await,
        }
    })
}

/// Refuses what cannot be done, and was asked for by an option of its own.
fn refuse(settings: &[Setting]) -> Result<(), Failure> {
    let asked = |keyword| {
        settings.iter().any(|it| matches!(it, Setting::Word(known, _) if *known == keyword))
    };
    if asked(Keyword::TunnelDevice) {
        return Err(Failure::new(Exit::Usage, "-w: no network devices are joined")
            .hint("-D opens a proxy for programs that know one"));
    }
    if asked(Keyword::Pkcs11Provider) {
        return Err(Failure::new(
            Exit::Usage,
            "-I: keys of PKCS#11 are used by way of an agent only",
        )
        .hint("ssh-add -s adds them to one"));
    }
    Ok(())
}

/// Has all that this program says go to a file, and yields what standard error was.
fn divert(path: &Path) -> Result<OwnedFd, Failure> {
    let diverted = || -> io::Result<OwnedFd> {
        let file = File::options().append(true).create(true).open(path)?;
        let error = rustix::stdio::stderr().try_clone_to_owned()?;
        rustix::stdio::dup2_stderr(file)?;
        Ok(error)
    };
    diverted().map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot open the log file {}: {error}", path.display()))
    })
}

/// Has another process do it, and waits until that is in the background.
fn go_behind(words: Vec<OsString>, error: Option<OwnedFd>) -> Result<u8, Failure> {
    let begun = || {
        let error = match error {
            Some(error) => error,
            None => rustix::stdio::stderr().try_clone_to_owned()?,
        };
        let own = ["ssh", "--background"].map(OsString::from);
        background::start(&own.into_iter().chain(words).collect::<Vec<_>>(), error)
    };
    match begun() {
        Ok(Begun::Ready) => Ok(0),
        Ok(Begun::Ended(status)) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.unwrap_or(failure::OF_SSH))
        }
        Err(error) => {
            Err(Failure::new(Exit::Other, format!("cannot go to the background: {error}")))
        }
    }
}

/// Begins to log, at a level of `ssh_config(5)` unless something else says how much.
fn start_log(mut log: Log, level: &str) -> Result<(), Failure> {
    let (filter, limit) = log::of_level(level);
    talk::limit(limit);
    if log.filter.is_none() && log.verbose == 0 {
        log.filter = Some(filter.to_owned());
    }
    log::start(&log)
}

/// Writes to standard output.
fn tell(text: &str) -> Result<u8, Failure> {
    let told = io::stdout().lock().write_all(text.as_bytes());
    told.map(|()| 0).map_err(|error| Failure::new(Exit::Other, format!("standard output: {error}")))
}

/// What is asked of the files.
fn request(options: Options) -> Result<Request, Failure> {
    let nowhere = || Failure::new(Exit::Usage, "no destination is named");
    let mut request = Request::new(options.destination.ok_or_else(nowhere)?);
    let command = String::from_utf8_lossy(&options.command).into_owned();
    let kind = options.words.session_type();
    request.session = match kind.as_deref() {
        _ if options.stdio.is_some() => Session::Stdio,
        Some("none") => Session::None,
        _ if command.is_empty() => Session::Shell,
        Some("subsystem") => Session::Subsystem(command),
        _ => Session::Command(command),
    };
    request.settings = options.words.settings();
    request.settings.retain(is_there);
    request.files = sources::files(options.file.as_deref());
    request.algorithms = algorithms::known();
    Ok(request)
}

/// Whether a key of the command line can be used; of one that is missing ssh tells, and goes on.
fn is_there(setting: &Setting) -> bool {
    let Setting::Word(Keyword::IdentityFile, path) = setting else { return true };
    let found = fs::metadata(path);
    if let Err(error) = &found {
        Failure::new(Exit::Usage, format!("the key {path} is not used: {error}")).warn();
    }
    found.is_ok()
}
