//! `adit ssh -G`: what the files of `ssh_config(5)` say of a host.

#![allow(rustdoc::broken_intra_doc_links, reason = "the comments are the words of --help")]

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use adit_ssh_config::algorithms::Algorithms;
use adit_ssh_config::config::Config;
use adit_ssh_config::destination::Destination;
use adit_ssh_config::error::Reason;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::release::Release;
use adit_ssh_config::request::{Request, Session, Setting};
use clap::ValueEnum;

use crate::failure::{Exit, Failure};
use crate::settings::{algorithms, fault, sources};
use crate::ssh::words::Words;

mod words;

/// `adit ssh`. The short options are those of `ssh(1)`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints the settings; adit opens no shells
    #[arg(short = 'G', required = true)]
    print: bool,
    /// Reads this file only, or none
    #[arg(short = 'F', value_name = "FILE|none")]
    file: Option<PathBuf>,
    /// Joins standard input and output to a target
    #[arg(short = 'W', value_name = "HOST:PORT")]
    stdio: Option<String>,
    /// Asks for no session
    #[arg(short = 'N')]
    no_session: bool,
    /// Names a subsystem in place of the command
    #[arg(short = 's')]
    subsystem: bool,
    #[command(flatten)]
    words: Words,
    /// The release of OpenSSH whose keywords, defaults and algorithms count; without it, the
    /// latest with the algorithms of adit
    #[arg(long, value_name = "RELEASE")]
    like: Option<Like>,
    /// The server: [user@]host, or ssh://[user@]host[:port]
    #[arg(value_name = "[USER@]HOST")]
    destination: String,
    /// A command, which Match may ask for
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// A release of OpenSSH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Like {
    /// Of Debian 12
    #[value(name = "9.2")]
    V9_2,
    /// Of Debian 13
    #[value(name = "10.0")]
    V10_0,
    /// Of Debian 14
    #[value(name = "10.6")]
    V10_6,
}

/// Prints the settings for a host.
///
/// # Errors
/// Where a file or the command line is wrong.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let request = request(args)?;
    let system = sources::system()?;
    let config = Config::read(&request, &system).map_err(|error| fault::explain(&error))?;
    for notice in config.notices() {
        match notice.why {
            Reason::Unsupported => Failure::new(Exit::Usage, notice).warn(),
            Reason::Past | Reason::Ignored => tracing::debug!("{notice}"),
        }
    }
    let told = io::stdout().lock().write_all(config.to_string().as_bytes());
    told.map_err(|error| Failure::new(Exit::Other, format!("standard output: {error}")))
}

fn request(args: Args) -> Result<Request, Failure> {
    let destination = Destination::parse(&args.destination).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("\"{}\" is no destination", args.destination))
            .hint("write [user@]host, or ssh://[user@]host[:port]")
    })?;
    let mut request = Request::new(destination);
    request.session = match args.command.join(" ") {
        _ if args.stdio.is_some() => Session::Stdio,
        _ if args.no_session => Session::None,
        command if command.is_empty() => Session::Shell,
        command if args.subsystem => Session::Subsystem(command),
        command => Session::Command(command),
    };
    request.settings = args.words.settings(&request.session);
    request.settings.retain(is_there);
    request.files = sources::files(args.file.as_deref());
    match args.like {
        Some(like) => {
            request.release = like.release();
            request.algorithms = Algorithms::of(request.release);
        }
        None => request.algorithms = algorithms::known(),
    }
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

impl Like {
    fn release(self) -> Release {
        match self {
            Self::V9_2 => Release::V9_2,
            Self::V10_0 => Release::V10_0,
            Self::V10_6 => Release::V10_6,
        }
    }
}
