//! `adit ssh`: what `ssh(1)` does, called as it is.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use adit_ssh_config::destination::Destination;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::{Request, Session, Setting};

use crate::args::Log;
use crate::failure::{self, Exit, Failure};
use crate::settings::sources::Sources;
use crate::settings::{algorithms, sources};
use crate::ssh::options::{Instead, Options};
use crate::ssh::plan::Plan;
use crate::{harden, log, runtime};

mod connection;
mod help;
mod lent;
mod options;
mod plan;
mod print;
mod program;
mod query;
mod signals;
mod words;

/// Does what `ssh` would do with these words, and yields its exit code.
pub(crate) fn main(words: Vec<OsString>, log: Log) -> ExitCode {
    let done = Options::parse(words).and_then(|options| run(options, log));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report();
            ExitCode::from(failure::OF_SSH)
        }
    }
}

fn run(options: Options, log: Log) -> Result<u8, Failure> {
    match &options.instead {
        Some(Instead::Version) => {
            eprintln!("adit_{}", env!("CARGO_PKG_VERSION"));
            return Ok(0);
        }
        Some(Instead::Help) => return tell(help::TEXT),
        Some(Instead::Query(kind)) => return tell(&query::list(kind)?),
        Some(Instead::Print) => {
            let like = options.like.clone();
            return print::run(request(options)?, like.as_deref()).map(|()| 0);
        }
        None => {}
    }
    log::start(&log)?;
    harden::process();
    let command = options.command.clone();
    let stdio = options.stdio.clone();
    let Request { destination, settings, files, session, .. } = request(options)?;
    let mut sources = Sources::new(settings, files, session)?;
    let plan = Plan::new(&mut sources, destination, command, stdio)?;
    runtime::run(connection::run(plan))
}

/// Writes to standard output.
fn tell(text: &str) -> Result<u8, Failure> {
    let told = io::stdout().lock().write_all(text.as_bytes());
    told.map(|()| 0).map_err(|error| Failure::new(Exit::Other, format!("standard output: {error}")))
}

/// What is asked of the files.
fn request(options: Options) -> Result<Request, Failure> {
    let text = options.destination.unwrap_or_default();
    let destination = Destination::parse(&text).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("\"{text}\" is no destination"))
            .hint("write [user@]host, or ssh://[user@]host[:port]")
    })?;
    let mut request = Request::new(destination);
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
