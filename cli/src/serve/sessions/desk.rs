//! Who decides what a session may do: the policy, and the machine's accounts.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_channels::channel_request::X11;
use adit_channels::session::Handle;
use adit_forward::x11::{self, Connections};
use adit_forward::{agent, channel};
use adit_gateway::service::Service;
use adit_gateway::verdict::Reason;
use adit_programs::account::{Account, Unfit};
use adit_programs::environment::Environment;
use adit_programs::host::{Addition, Denied, Host};
use adit_programs::job::{Connection, Job, Signals, Task, Wish};
use rustix::process::geteuid;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use crate::serve::account;
use crate::serve::gate::{Gate, Standing};
use crate::serve::place::Place;
use crate::serve::sessions::authority::Authority;
use crate::serve::sessions::entry::Entry;
use crate::serve::sessions::stand_in::StandIn;
use crate::serve::world::World;

/// How long the system may take to look up an account.
const LOOK_UP: std::time::Duration = std::time::Duration::from_secs(30);

/// The number of the first display, as with OpenSSH: those before are of the machine's own.
const DISPLAY_OFFSET: u16 = 10;

/// Decides what the sessions of one connection may do.
#[derive(Debug)]
pub(crate) struct Desk<W> {
    gate: Arc<Gate<W>>,
    /// The client's.
    session: Handle,
    connection: Connection,
    eow: Eow,
}

/// Whether the client knows `eow@openssh.com`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eow {
    Known,
    Unknown,
}

/// The desk as one session sees it, which has its place.
#[derive(Debug)]
pub(crate) struct Seat<W> {
    desk: Arc<Desk<W>>,
    place: Arc<Place>,
}

impl<W: World> Desk<W> {
    pub(crate) fn new(
        gate: Arc<Gate<W>>,
        session: Handle,
        connection: Connection,
        eow: Eow,
    ) -> Self {
        Self { gate, session, connection, eow }
    }

    /// A place for a session, where the user could have anything run at all.
    pub(crate) async fn place(&self) -> Result<Place, Reason> {
        self.gate.room().await;
        let standing = self.gate.standing();
        self.gate.any_session(&standing).inspect_err(|reason| {
            let ruling = Err(reason.clone());
            let record = self.gate.session_record(&standing, "session", &ruling);
            drop(account::Account::open(self.gate.ledger(), record, Instant::now()));
        })?;
        Ok(self.gate.session_place()?)
    }

    /// The desk for a session at this place.
    pub(crate) fn at(self: Arc<Self>, place: Place) -> Seat<W> {
        Seat { desk: self, place: Arc::new(place) }
    }
}

impl<W: World> Seat<W> {
    /// Judges what a session asks for, and takes it down. What is denied has its line at once.
    async fn judge(&self, service: &Service, what: &str) -> Result<(Standing, Entry), Denied> {
        let gate = &self.desk.gate;
        let began = Instant::now();
        gate.room().await;
        let standing = gate.standing();
        let ruling = gate.judge_session(&standing, service);
        let record = gate.session_record(&standing, what, &ruling);
        let account = account::Account::open(gate.ledger(), record, began);
        match ruling {
            Ok(_) => Ok((standing, Entry::new(account, Arc::clone(&self.place)))),
            Err(reason) => Err(Denied::Refused(reason.refusal().to_string())),
        }
    }

    /// Who is to have what is made for a session's program, where that is somebody else than this
    /// process: its user and group.
    async fn owner(&self) -> Result<Option<(u32, u32)>, Denied> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let standing = self.desk.gate.standing();
        let account = account(standing.login().account()).await.map_err(Denied::Refused)?;
        Ok(Some((account.uid, account.gid)))
    }

    /// Whether a session may have this beside what it runs. Only a denial has a line.
    async fn permit(&self, service: &Service) -> Result<(), Denied> {
        let gate = &self.desk.gate;
        gate.room().await;
        let standing = gate.standing();
        let ruling = gate.judge_session(&standing, service);
        match &ruling {
            Ok(_) => Ok(()),
            Err(reason) => {
                let denied = Denied::Refused(reason.refusal().to_string());
                let record = gate.session_record(&standing, &service.to_string(), &ruling);
                drop(account::Account::open(gate.ledger(), record, Instant::now()));
                Err(denied)
            }
        }
    }
}

impl<W: World> Host for Seat<W> {
    type Record = Entry;

    async fn terminal(&self) -> Result<(), Denied> {
        self.permit(&Service::Pty).await
    }

    fn accepts(&self, name: &[u8]) -> bool {
        self.desk.gate.standing().charter.config.sessions.accepts(name)
    }

    fn hears_eow(&self) -> bool {
        self.desk.eow == Eow::Known
    }

    async fn agent(&self) -> Result<Addition, Denied> {
        self.permit(&Service::Agent).await?;
        let owner = self.owner().await?;
        let owner = owner.map(|(user, group)| agent::Owner { user, group });
        let socket = agent::Socket::bind(&private_folder(), "agent", owner)
            .map_err(|error| Denied::Refused(error.to_string()))?;
        let mut environment = Environment::default();
        environment.set("SSH_AUTH_SOCK", socket.path());
        let dial = channel::Agent::new(self.desk.session.clone());
        let gate = Arc::clone(&self.desk.gate);
        let keep = Box::new(StandIn::new(socket, dial, gate, Service::Agent));
        Ok(Addition { environment, keep })
    }

    async fn display(&self, asked: &X11) -> Result<Addition, Denied> {
        self.permit(&Service::X11).await?;
        let owner = self.owner().await?;
        let refused = |error: &dyn std::fmt::Display| Denied::Refused(error.to_string());
        let authority = Authority::make(private_folder(), asked, owner);
        let authority = authority.map_err(|error| refused(&error))?;
        let connections = match asked.single_connection {
            true => Connections::One,
            false => Connections::Any,
        };
        let served = x11::Served::bind(DISPLAY_OFFSET, connections).await;
        let served = served.map_err(|error| refused(&error))?;
        let mut environment = Environment::default();
        environment.set("DISPLAY", served.name(asked.screen));
        environment.set("XAUTHORITY", authority.path());
        let dial = channel::X11::new(self.desk.session.clone());
        let gate = Arc::clone(&self.desk.gate);
        let stand_in = StandIn::new(served, dial, gate, Service::X11);
        Ok(Addition { environment, keep: Box::new((stand_in, authority)) })
    }

    async fn job(&self, wish: &Wish) -> Result<(Job, Entry), Denied> {
        let standing = self.desk.gate.standing();
        let forced = standing.login().forced_command().map(OsString::from);
        let service = match (&forced, wish) {
            (Some(_), _) | (None, Wish::Command(_)) => Service::Exec,
            (None, Wish::Shell) => Service::Shell,
            (None, Wish::Subsystem(name)) => Service::Subsystem(name.clone()),
        };
        let (standing, mut entry) = self.judge(&service, &shown(wish)).await?;
        let subsystems = &standing.charter.config.sessions.subsystems;
        let (task, signals) = match (forced, wish) {
            (Some(command), _) => (Task::Command(command), Signals::Refused),
            (None, Wish::Shell) => (Task::Shell, Signals::Passed),
            (None, Wish::Command(line)) => (Task::Command(line.clone()), Signals::Passed),
            (None, Wish::Subsystem(name)) => match subsystems.get(name) {
                Some(line) => (Task::Command(line.into()), Signals::Refused),
                None => {
                    let reason = Reason::NoSubsystem(name.clone()).to_string();
                    entry.fail(&reason);
                    return Err(Denied::Refused(reason));
                }
            },
        };
        let original = (signals == Signals::Refused).then(|| wish.original()).flatten();
        let account = match account(standing.login().account()).await {
            Ok(account) => account,
            Err(unfit) => {
                entry.fail(&unfit);
                return Err(Denied::Failed(unfit));
            }
        };
        entry.runs_as(&account.name);
        let mut environment = Environment::default();
        for (name, value) in &standing.login().terms.environment {
            environment.set(name, value);
        }
        let connection = self.desk.connection;
        Ok((Job { account, task, original, environment, connection, signals }, entry))
    }
}

/// A folder that is not there yet, for what only one user is to see.
fn private_folder() -> PathBuf {
    // Whoever it is for has to get there, whatever this process has for temporary files.
    Path::new("/tmp").join(format!("adit-{:016x}", fastrand::u64(..)))
}

/// What the flow log has of what is asked for.
fn shown(wish: &Wish) -> String {
    match wish {
        Wish::Shell => Service::Shell.to_string(),
        Wish::Command(line) => format!("exec {}", line.to_string_lossy()),
        Wish::Subsystem(name) => Service::Subsystem(name.clone()).to_string(),
    }
}

/// Looks up an account, or says why nothing runs as it.
async fn account(name: &str) -> Result<Account, String> {
    let (name, now) = (name.to_owned(), std::time::SystemTime::now());
    let looking = spawn_blocking(move || Account::look_up(&name, now));
    match timeout(LOOK_UP, looking).await {
        Ok(Ok(found)) => found.map_err(|unfit: Unfit| unfit.to_string()),
        Ok(Err(died)) => Err(died.to_string()),
        Err(_) => Err("the account could not be looked up in time".to_owned()),
    }
}
