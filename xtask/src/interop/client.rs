//! The client under test on this machine: `adit open`, or the machine's own `ssh -N` to see whether
//! a scenario is right.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::call::Call;
use crate::interop::forward::Begin;
use crate::interop::place::Place;
use crate::interop::ready::{self, Ready};
use crate::interop::watched::Watched;
use crate::process;
use crate::traffic::endpoint::Endpoint;

/// To log in at a loaded peer on a slow machine.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// To end after a signal.
const END_LIMIT: Duration = Duration::from_secs(15);

/// Which client it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Adit(PathBuf),
    Ssh,
}

/// Why a client ended, as adit's exit codes tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Negotiation,
    HostKey,
    Login,
    Forward,
    ConnectionLost,
}

/// A client whose tunnels are open; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) process: Watched,
    /// Where the tunnels begin, in the order of the call.
    pub(crate) listening: Vec<Endpoint>,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Adit(_) => "adit",
            Self::Ssh => "stock ssh in adit's place",
        })
    }
}

impl Program {
    /// Opens the tunnels of `call`.
    pub(crate) fn open(&self, call: &Call, log: &Path) -> Result<Client> {
        self.open_by(|program| Command::new(program), call, log)
    }

    /// The same in the network of a place.
    pub(crate) fn open_in(&self, place: &dyn Place, call: &Call, log: &Path) -> Result<Client> {
        self.open_by(|program| place.guest(program), call, log)
    }

    fn open_by(&self, start: impl Fn(&Path) -> Command, call: &Call, log: &Path) -> Result<Client> {
        let (command, expected) = self.command(start, call)?;
        let process = Watched::start(self.name(), command, log)?;
        let listening = match self {
            Self::Adit(_) => {
                let count = call.forwards.len();
                let told = process.wait_for_all("tunnel", count, READY_LIMIT, Ready::parse)?;
                ready::begins(&call.forwards, told)?
            }
            Self::Ssh => {
                let ready = "Entering interactive session";
                let is_ready = |line: &str| line.contains(ready).then_some(());
                process.wait_for("login", READY_LIMIT, is_ready)?;
                expected
            }
        };
        Ok(Client { process, listening })
    }

    /// Opens the tunnels of a call that must fail, and checks that it says why.
    pub(crate) fn fail(&self, call: &Call, cause: Cause, log: &Path) -> Result<()> {
        let (command, _) = self.command(|program| Command::new(program), call)?;
        self.must_fail(command, cause, log).map(drop)
    }

    /// The same in the network of a place; what it said.
    pub(crate) fn fail_in(
        &self,
        place: &dyn Place,
        call: &Call,
        cause: Cause,
        log: &Path,
    ) -> Result<Watched> {
        let (command, _) = self.command(|program| place.guest(program), call)?;
        self.must_fail(command, cause, log)
    }

    /// Waits for the end of a command that must fail for this cause.
    pub(crate) fn must_fail(&self, command: Command, cause: Cause, log: &Path) -> Result<Watched> {
        let mut process = Watched::start(self.name(), command, log)?;
        let status = process.wait(READY_LIMIT)?;
        self.check_end(status, cause, &process)?;
        Ok(process)
    }

    /// The command that joins its standard input and output to `target`, in the network of a place.
    pub(crate) fn stdio_in(&self, place: &dyn Place, call: &Call, target: &str) -> Result<Command> {
        let (program, words) = self.program()?;
        let mut command = place.guest(&program);
        // Ready or not is said on standard output, which is the target's here.
        command.args(words.iter().filter(|word| !["--json", "-N"].contains(word)));
        command.args(["-W", target]);
        call.add_to(&mut command);
        Ok(command)
    }

    /// The program, and its words for every call.
    fn program(&self) -> Result<(PathBuf, &'static [&'static str])> {
        match self {
            Self::Adit(path) => Ok((path.clone(), &["open", "-Fnone", "--json"])),
            Self::Ssh => {
                let ssh = process::find("ssh").ok_or_else(|| Error::new("there is no ssh"))?;
                Ok((ssh, &["-F", "none", "-N", "-v"]))
            }
        }
    }

    /// Checks the exit code of a client that ended.
    pub(crate) fn check_end(
        &self,
        status: ExitStatus,
        cause: Cause,
        process: &Watched,
    ) -> Result<()> {
        let expected = match self {
            Self::Adit(_) => cause.exit_code(),
            Self::Ssh => 255,
        };
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(Error::new(format!(
            "{} ended with {status}, expected was {expected} ({cause:?}): {}",
            self.name(),
            process.last_words()
        )))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Adit(_) => "adit open",
            Self::Ssh => "ssh -N",
        }
    }

    /// Whether what the program says of errors is judged by adit's own promises.
    pub(crate) fn is_adit(&self) -> bool {
        matches!(self, Self::Adit(_))
    }

    /// The command, and where its tunnels begin as far as that is known beforehand.
    fn command(
        &self,
        start: impl Fn(&Path) -> Command,
        call: &Call,
    ) -> Result<(Command, Vec<Endpoint>)> {
        let (program, words) = self.program()?;
        let mut command = start(&program);
        command.args(words);
        let mut expected = Vec::new();
        for forward in &call.forwards {
            let from = self.begin(&forward.from)?;
            command.args(forward.words(&from));
            expected.push(from);
        }
        call.add_to(&mut command);
        Ok((command, expected))
    }

    /// Where a tunnel is to begin: adit says itself which port it was given.
    fn begin(&self, begin: &Begin) -> Result<Endpoint> {
        let address = match begin {
            Begin::Unix(path) => return Ok(Endpoint::Unix(path.clone())),
            Begin::Fixed(endpoint) => return Ok(endpoint.clone()),
            Begin::Tcp => Ipv4Addr::LOCALHOST.into(),
            Begin::At(address) => *address,
        };
        let port = match self {
            Self::Adit(_) => 0,
            Self::Ssh => free_address()?.port(),
        };
        Ok(Endpoint::Tcp(SocketAddr::new(address, port)))
    }
}

impl Cause {
    fn exit_code(self) -> i32 {
        match self {
            Self::Negotiation => 11,
            Self::HostKey => 12,
            Self::Login => 13,
            Self::Forward => 14,
            Self::ConnectionLost => 15,
        }
    }
}

impl Client {
    /// Where the only tunnel begins.
    pub(crate) fn begin(&self) -> Result<Endpoint> {
        self.listening.first().cloned().ok_or_else(|| Error::new("no tunnel"))
    }

    /// The most memory that the client has held so far, in KiB.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(&path).context(format!("read {path}"))?;
        peak(&status).ok_or_else(|| Error::new(format!("{path} says nothing of memory")))
    }

    /// Ends the client as a user would, which is no failure of it.
    pub(crate) fn end(mut self, program: &Program) -> Result<()> {
        if !self.process.is_running()? {
            return Err(Error::new(format!(
                "{} ended by itself: {}",
                program.name(),
                self.process.last_words()
            )));
        }
        self.process.ask_to_end();
        if !program.is_adit() {
            // ssh can miss a signal that comes just before it waits; dropped, it is killed.
            return Ok(());
        }
        let status = self.process.wait(END_LIMIT)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::new(format!("adit open ended with {status} after SIGTERM")))
    }
}

/// `listening on 127.0.0.1:4000 -> target:80`, wherever in the line it stands.
pub(crate) fn listening(line: &str) -> Option<Endpoint> {
    let (_, rest) = line.split_once("listening on ")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// An address that nobody else is likely to take before the program does that is told of it.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}

/// What the machine's own ssh can do: the lines of `ssh -Q`.
pub(crate) fn query(what: &str) -> Result<Vec<String>> {
    let mut command = Command::new("ssh");
    command.args(["-Q", what]);
    let listed = process::succeed(command, Duration::from_secs(20))?;
    Ok(listed.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_tunnel_begins_is_read_from_its_line() {
        for (line, begin) in [
            ("listening on 127.0.0.1:4000 -> db:5432", "127.0.0.1:4000"),
            ("2026 INFO listening on /run/x.sock -> /run/y.sock", "/run/x.sock"),
            ("listening on [::1]:7", "[::1]:7"),
        ] {
            assert_eq!(listening(line).map(|begin| begin.to_string()).as_deref(), Some(begin));
        }
        assert_eq!(listening("connected to db"), None);
    }

    #[test]
    fn the_peak_of_memory_is_read_in_kibibytes() {
        assert_eq!(peak("Name:\tadit\nVmHWM:\t    5432 kB\nVmRSS:\t 1 kB\n"), Some(5432));
        assert_eq!(peak("Name:\tadit\n"), None);
    }
}
