//! One session channel, from its first request to its end.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use adit_channels::channel_request::Kind;
use adit_channels::session::{Channel, ChannelRequest, Stderr};
use adit_forward::stop::Signal;
use rustix::process::geteuid;

use crate::carry::{Books, Carry, End};
use crate::host::{Addition, Denied, Host, Record};
use crate::job::{Job, Wish};
use crate::launcher::Limits;
use crate::line::{Line, say};
use crate::program::{GRACE, Program};
use crate::setup::Setup;
use crate::streams::Streams;
use crate::terminal::Terminal;

/// The exit status of a program that could not be started, as of sshd.
const NOT_STARTED: u32 = 254;

/// Serves one session channel to its end, or until the signal is given: without a program it ends
/// at once then, with one when the time of grace is over.
///
/// `limits` are those that the gateway has changed for itself, as they were.
///
/// # Cancel safety
/// Dropping the future kills the program and its process group.
pub async fn serve<H: Host>(channel: Channel, host: &H, limits: Limits, mut stop: Signal) {
    let (line, errors) = Line::new(channel);
    let mut session = Session { line: &line, errors, host, limits, setup: Setup::default() };
    let started = tokio::select! {
        started = session.prepare() => started,
        () = line.closed() => return,
        () = stop.asked() => return,
    };
    let Some((started, record)) = started else { return };
    session.attend(started, record, stop).await;
}

struct Session<'a, H> {
    line: &'a Line,
    errors: Stderr,
    host: &'a H,
    limits: Limits,
    setup: Setup,
}

/// A program that was started.
struct Started {
    program: Program,
    streams: Streams,
    job: Job,
}

impl<H: Host> Session<'_, H> {
    /// Takes requests until a program runs. Without one, the channel is to be closed.
    async fn prepare(&mut self) -> Option<(Started, H::Record)> {
        while let Some(request) = self.line.next_request().await {
            let wish = match request.kind() {
                Kind::Shell => Wish::Shell,
                Kind::Exec { command } => Wish::Command(OsStr::from_bytes(command).to_owned()),
                Kind::Subsystem { name } => Wish::Subsystem(name.clone()),
                _ => {
                    self.handle(request).await;
                    continue;
                }
            };
            let denied = match self.host.job(&wish).await {
                Ok((job, record)) => return self.start(request, job, record).await,
                Err(denied) => denied,
            };
            tracing::debug!(name = request.kind().name(), %denied, "no program");
            match denied {
                Denied::Refused(why) => {
                    say(&mut self.errors, &format!("adit: {why}")).await;
                    request.refuse();
                }
                Denied::Failed(why) => {
                    request.grant();
                    self.fail(&why).await;
                    return None;
                }
            }
        }
        None
    }

    /// Answers a request that comes before the program. What is not granted is refused by being
    /// dropped.
    async fn handle(&mut self, request: ChannelRequest) {
        let granted = match request.kind() {
            Kind::PtyReq(_) if self.setup.terminal.is_some() => Err("there is one".to_owned()),
            Kind::PtyReq(pty) => match self.host.terminal().await {
                Ok(()) => Terminal::new(pty)
                    .map(|terminal| self.setup.terminal = Some(terminal))
                    .map_err(|error| error.to_string()),
                Err(denied) => Err(denied.to_string()),
            },
            Kind::Env { name, value } => {
                let taken = self.host.accepts(name) && self.setup.set(name, value);
                if taken { Ok(()) } else { Err("the variable is not accepted".to_owned()) }
            }
            Kind::AuthAgentReq => {
                let addition = self.host.agent().await;
                keep(&mut self.setup.agent, addition)
            }
            Kind::X11Req(x11) => {
                let addition = self.host.display(x11).await;
                keep(&mut self.setup.display, addition)
            }
            _ => Err("there is no program yet".to_owned()),
        };
        match granted {
            Ok(()) => request.grant(),
            Err(why) => tracing::debug!(name = request.kind().name(), why, "refused"),
        }
    }

    async fn start(
        &mut self,
        request: ChannelRequest,
        job: Job,
        mut record: H::Record,
    ) -> Option<(Started, H::Record)> {
        let started = self.launch(&job).await;
        // Nobody but the program has the terminal from here on.
        request.grant();
        match started {
            Ok((program, streams)) => Some((Started { program, streams, job }, record)),
            Err(error) => {
                tracing::warn!(%error, account = job.account.name, "no program was started");
                record.failed(&error.to_string());
                self.fail(&error.to_string()).await;
                None
            }
        }
    }

    async fn launch(&self, job: &Job) -> std::io::Result<(Program, Streams)> {
        let (streams, far) = match &self.setup.terminal {
            Some(terminal) => Streams::terminal(terminal)?,
            None => Streams::pipes()?,
        };
        // Root becomes the user also where that is root: its groups are then those of a login.
        let orders = self.setup.orders(job, self.limits, geteuid().is_root());
        Ok((Program::start(&orders, far).await?, streams))
    }

    /// Tells the user why there is no program, as one that has failed.
    async fn fail(&mut self, why: &str) {
        say(&mut self.errors, &format!("adit: {why}")).await;
        self.line.tell(Kind::ExitStatus { status: NOT_STARTED });
        self.line.finish().await;
    }

    async fn attend(&mut self, started: Started, record: H::Record, mut stop: Signal) {
        let Started { program, streams, job } = started;
        let terminal = self.setup.terminal.take().map(|it| Arc::clone(it.master()));
        let carry = Carry {
            line: self.line,
            program: &program,
            record: Books::new(record),
            terminal,
            signals: job.signals,
            hears_eow: self.host.hears_eow(),
        };
        let end = carry.run(streams, &mut self.errors, &mut stop).await;
        match end {
            End::Finished => {}
            End::Left => carry.record.open().failed("the client has closed the channel"),
            End::Stopped => carry.record.open().failed("the gateway has stopped"),
        }
        drop(carry);
        match end {
            End::Finished => drop(tokio::spawn(program.let_go())),
            End::Left => drop(tokio::spawn(program.end(GRACE))),
            End::Stopped => program.end_soon(GRACE / 2).await,
        }
    }
}

/// Keeps what was added, where nothing was before.
fn keep(place: &mut Option<Addition>, addition: Result<Addition, Denied>) -> Result<(), String> {
    let addition = addition.map_err(|denied| denied.to_string())?;
    if place.is_some() {
        return Err("there is one".to_owned());
    }
    *place = Some(addition);
    Ok(())
}
