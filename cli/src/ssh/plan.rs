//! What a call of `ssh(1)` comes to, checked.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use adit_forward::target::Target;
use adit_ssh_config::config::Config;
use adit_ssh_config::destination::Destination;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::value::{Escape, Value};
use bytes::Bytes;

use crate::background::Front;
use crate::client::{Route, proxy};
use crate::control::sharing::Sharing;
use crate::failure::{Exit, Failure};
use crate::lent::Wanted;
use crate::open::beside::Beside;
use crate::session::ends::Reading;
use crate::session::request::Program;
use crate::settings::fault;
use crate::settings::sources::{self, Sources};
use crate::{agent_forwarding, x11};

/// What a call of `ssh(1)` comes to, checked.
pub(super) struct Plan {
    /// The way to the server, and the tunnels beside the session.
    pub(super) tunnels: Beside,
    /// Whether the connection is shared.
    pub(super) sharing: Option<Sharing>,
    /// What is done at its end.
    pub(super) errand: Errand,
}

/// What is done at the server, and how.
pub(super) struct Errand {
    /// The server's name or address.
    pub(super) host: String,
    /// `LogLevel`.
    pub(super) level: &'static str,
    /// What is done.
    pub(super) purpose: Purpose,
    /// Whether a terminal is asked for.
    pub(super) wish: Wish,
    /// Whether standard input is read.
    pub(super) reading: Reading,
    /// The variables that the program gets.
    pub(super) environment: Vec<(Bytes, Bytes)>,
    /// The character that makes escapes, where there is a terminal.
    pub(super) escape: Option<u8>,
    /// The command that runs here after the login.
    pub(super) local_command: Option<String>,
    /// Whether this goes to the background.
    pub(super) background: bool,
    /// Who waits for that.
    pub(super) front: Option<Front>,
    /// What standard error was before it became the log.
    pub(super) error: Option<OwnedFd>,
    /// What the program is to have of this side.
    pub(super) wanted: Wanted,
    /// The socket of the agent that there is to lend.
    pub(super) agent: Option<PathBuf>,
    /// The display that there is.
    pub(super) display: Option<x11::wish::Wish>,
}

/// What is done at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A program runs.
    Program(Program),
    /// Tunnels only.
    Tunnels,
    /// It is for others, who share the connection.
    Others,
    /// Standard input and output are joined to a target.
    Stdio(Target),
}

/// `RequestTTY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// A terminal for a shell.
    Auto,
    /// One, where standard input is one.
    Yes,
    /// None.
    No,
    /// One in any case.
    Force,
}

impl Plan {
    /// Plans the way, and what is done at its end.
    ///
    /// # Errors
    /// Where a setting or a word cannot be kept.
    pub(super) fn new(
        sources: &mut Sources,
        destination: Destination,
        command: Vec<u8>,
        stdio: Option<Target>,
    ) -> Result<Self, Failure> {
        let proxy = proxy::choose(None, None)?;
        let (route, config) = Route::plan(sources, destination, proxy)?;
        check_command(&config, &command)?;
        let purpose = match stdio {
            Some(target) => Purpose::Stdio(target),
            None => purpose(&config, command)?,
        };
        let background = config.is_yes(Keyword::ForkAfterAuthentication);
        let null = background || config.is_yes(Keyword::StdinNull);
        // A master lends to others too.
        let sharing = Sharing::of(&config)?;
        let lends =
            matches!(purpose, Purpose::Program(_)) || sharing.as_ref().is_some_and(Sharing::begins);
        let agent = lends.then(|| agent_forwarding::socket(&config, route.settings())).flatten();
        let display = lends.then(|| x11::wish::Wish::of(&config)).flatten();
        let errand = Errand {
            host: config.host().to_owned(),
            level: config.choice(Keyword::LogLevel).unwrap_or("INFO"),
            purpose,
            wish: wish(&config),
            reading: if null { Reading::Null } else { Reading::Read },
            environment: environment(&config),
            escape: match config.value(Keyword::EscapeChar) {
                Some(Value::Escape(Escape::Octet(octet))) => Some(*octet),
                _ => None,
            },
            local_command: local_command(&config)?,
            background,
            front: None,
            error: None,
            wanted: Wanted { agent: agent.is_some(), display: display.is_some() },
            agent,
            display,
        };
        Ok(Self { tunnels: Beside::new(route, &config), sharing, errand })
    }
}

/// Refuses a command where `RemoteCommand` names another, even if neither of them runs.
///
/// # Errors
/// Where that is so.
pub(super) fn check_command(config: &Config, command: &[u8]) -> Result<(), Failure> {
    if command.is_empty() || config.text(Keyword::RemoteCommand).is_none() {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, "there is a command, and RemoteCommand names another")
        .hint("-o RemoteCommand=none has the first one run"))
}

fn purpose(config: &Config, command: Vec<u8>) -> Result<Purpose, Failure> {
    let told = config.text(Keyword::RemoteCommand);
    let command = match told.filter(|it| !it.eq_ignore_ascii_case("none")) {
        Some(told) if command.is_empty() => told.as_bytes().to_vec(),
        _ => command,
    };
    Ok(match config.choice(Keyword::SessionType) {
        Some("none") => Purpose::Tunnels,
        Some("subsystem") if command.is_empty() => {
            return Err(Failure::new(Exit::Usage, "SessionType is subsystem, and none is named")
                .hint("write its name behind the destination, for instance sftp"));
        }
        Some("subsystem") => {
            Purpose::Program(Program::Subsystem(String::from_utf8_lossy(&command).into_owned()))
        }
        _ if command.is_empty() => Purpose::Program(Program::Shell),
        _ => Purpose::Program(Program::Command(command.into())),
    })
}

/// `LocalCommand`, where `PermitLocalCommand` permits it.
fn local_command(config: &Config) -> Result<Option<String>, Failure> {
    if !config.is_yes(Keyword::PermitLocalCommand) {
        return Ok(None);
    }
    let Some(command) = config.text(Keyword::LocalCommand) else { return Ok(None) };
    let system = sources::system()?;
    let expanded = config.expanded(Keyword::LocalCommand, command, &system);
    expanded.map(Some).map_err(|error| fault::explain(&error))
}

fn wish(config: &Config) -> Wish {
    match config.choice(Keyword::RequestTty) {
        Some("true") => Wish::Yes,
        Some("false") => Wish::No,
        Some("force") => Wish::Force,
        _ => Wish::Auto,
    }
}

/// The variables of `SendEnv` that there are, and those of `SetEnv`, which win.
fn environment(config: &Config) -> Vec<(Bytes, Bytes)> {
    let bytes = |text: std::ffi::OsString| Bytes::from(text.into_vec());
    let sent = std::env::vars_os().filter(|(name, _)| config.sends(&name.to_string_lossy()));
    let set = config.list(Keyword::SetEnv).iter().filter_map(|it| it.split_once('='));
    let set: Vec<(Bytes, Bytes)> = set
        .map(|(name, value)| {
            (Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes()))
        })
        .collect();
    let sent = sent.map(|(name, value)| (bytes(name), bytes(value)));
    let sent: Vec<_> = sent.filter(|(name, _)| set.iter().all(|(it, _)| it != name)).collect();
    sent.into_iter().chain(set).collect()
}
