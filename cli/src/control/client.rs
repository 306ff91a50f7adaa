//! A client of a master.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use adit_forward::target::Target;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::control::hello::{Hello, VERSION};
use crate::control::message::{Answer, Ask};
use crate::control::spec;
use crate::control::wire::{self, Fault, Reader, Writer};
use crate::failure::{Exit, Failure};
use crate::open::tunnel::Tunnel;

/// How long a master may take to be connected to.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client of a master.
#[derive(Debug)]
pub(crate) struct Client {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

/// What is at a path.
#[derive(Debug)]
pub(crate) enum Found {
    /// A master.
    Master(Client),
    /// Nothing, or a socket on which nobody listens.
    Nobody(Why),
    /// Something else, which is told.
    Other(Failure),
}

/// Why there is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nothing is there.
    Missing,
    /// Whoever listened there has gone.
    Dead,
}

impl Client {
    /// Looks for a master.
    pub(crate) async fn find(path: &Path) -> Found {
        let told = |message: &str| {
            Failure::new(Exit::Other, format!("ControlPath {}: {message}", path.display()))
        };
        let stream = match timeout(PATIENCE, UnixStream::connect(path)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
                return Found::Nobody(Why::Missing);
            }
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                let is_socket = fs::metadata(path).is_ok_and(|it| it.file_type().is_socket());
                return if is_socket {
                    Found::Nobody(Why::Dead)
                } else {
                    Found::Other(told("is no socket"))
                };
            }
            Ok(Err(error)) => return Found::Other(told(&error.to_string())),
            Err(_) => return Found::Other(told("the master does not answer")),
        };
        // What it is asked and given is for nobody else.
        if !wire::is_of_user(&stream).unwrap_or(false) {
            return Found::Other(told("the master is another user's"));
        }
        let (mut reader, writer) = wire::split(stream);
        match reader.greeted().await {
            Hello::Adit(VERSION) => {}
            Hello::Adit(version) => {
                let message = format!(
                    "the master speaks version {version} of the protocol, and this adit {VERSION}"
                );
                return Found::Other(
                    told(&message).hint("end the master by the adit that began it: -O exit"),
                );
            }
            Hello::OpenSsh(_) => {
                return Found::Other(
                    told("it is the socket of a master of OpenSSH, which adit leaves alone")
                        .hint("give adit a ControlPath of its own"),
                );
            }
            Hello::Stranger => {
                return Found::Other(
                    told("it is the socket of another program")
                        .hint("give adit a ControlPath of its own"),
                );
            }
        }
        // Where it is not taken, the first question is not either, and why is told then.
        let _ = writer.send(&Hello::own()).await;
        Found::Master(Self { reader, writer })
    }

    /// The process of the master.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn check(&mut self) -> Result<u32, Failure> {
        match self.ask(&Ask::Check {}).await? {
            Answer::Running { pid } => Ok(pid),
            answer => Err(unexpected(&answer)),
        }
    }

    /// Has a tunnel opened, and yields the port where it is entered by one.
    ///
    /// # Errors
    /// Where it is not opened.
    pub(crate) async fn forward(&mut self, tunnel: &Tunnel) -> Result<Option<u32>, Failure> {
        let (flag, words) = spec::words(tunnel);
        match self.ask(&Ask::Forward { flag, words }).await? {
            Answer::Forwarded { port } => Ok(port),
            answer => Err(unexpected(&answer)),
        }
    }

    /// Has a tunnel closed.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn cancel(&mut self, tunnel: &Tunnel) -> Result<(), Failure> {
        let (flag, words) = spec::words(tunnel);
        self.order(&Ask::Cancel { flag, words }).await
    }

    /// Has the master end.
    ///
    /// # Errors
    /// Where it does not.
    pub(crate) async fn exit(&mut self) -> Result<(), Failure> {
        self.order(&Ask::Exit {}).await
    }

    /// Has the master take no more clients.
    ///
    /// # Errors
    /// Where it does not.
    pub(crate) async fn stop(&mut self) -> Result<(), Failure> {
        self.order(&Ask::Stop {}).await
    }

    /// What goes through the connection.
    ///
    /// # Errors
    /// Where it is not told.
    pub(crate) async fn channels(&mut self) -> Result<String, Failure> {
        self.told(&Ask::Channels {}).await
    }

    /// What the connection is.
    ///
    /// # Errors
    /// Where it is not told.
    pub(crate) async fn conninfo(&mut self) -> Result<String, Failure> {
        self.told(&Ask::Conninfo {}).await
    }

    /// Stays until the master ends.
    ///
    /// # Errors
    /// That it has ended.
    pub(crate) async fn stay(&mut self) -> Result<(), Failure> {
        self.order(&Ask::Stay {}).await?;
        Err(self.next().await.map_or_else(|failure| failure, |answer| unexpected(&answer)))
    }

    /// Joins descriptors to a target, until that has ended.
    ///
    /// # Errors
    /// Where it is not reached, or breaks.
    pub(crate) async fn join(
        &mut self,
        target: &Target,
        input: impl AsFd,
        output: impl AsFd,
    ) -> Result<(), Failure> {
        let ask = Ask::Stdio { words: target.to_string() };
        self.send(&ask, &[input.as_fd(), output.as_fd()]).await?;
        match self.next().await? {
            Answer::Over {} => Ok(()),
            answer => Err(unexpected(&answer)),
        }
    }

    async fn order(&mut self, ask: &Ask) -> Result<(), Failure> {
        match self.ask(ask).await? {
            Answer::Done {} => Ok(()),
            answer => Err(unexpected(&answer)),
        }
    }

    async fn told(&mut self, ask: &Ask) -> Result<String, Failure> {
        match self.ask(ask).await? {
            Answer::Told { words } => Ok(words),
            answer => Err(unexpected(&answer)),
        }
    }

    async fn ask(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        self.send(ask, &[]).await?;
        self.next().await
    }

    /// Sends what is asked, and descriptors with it.
    pub(super) async fn send(
        &mut self,
        ask: &Ask,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Failure> {
        match self.writer.send_with(&ask.encode(), descriptors).await {
            Ok(()) => Ok(()),
            // It may have said before why it takes nothing more.
            Err(Fault::Socket(_)) => self.next().await.map(|_| ()),
            Err(fault) => Err(lost(Some(&fault))),
        }
    }

    /// The next answer. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Answer, Failure> {
        let frame = self.reader.next().await.map_err(|fault| lost(Some(&fault)))?;
        let frame = frame.ok_or_else(|| lost(None))?;
        match Answer::decode(&frame) {
            Ok(Answer::Failed { exit, cause, hint }) => {
                let failure = Failure::new(Exit::of(exit), cause);
                Err(match hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                })
            }
            Ok(answer) => Ok(answer),
            Err(error) => Err(Failure::new(Exit::Other, format!("the master sends {error}"))),
        }
    }
}

/// That the master has ended in the middle.
fn lost(fault: Option<&Fault>) -> Failure {
    let failure = match fault {
        Some(Fault::Malformed(error)) => {
            Failure::new(Exit::Usage, format!("this cannot go to the master: {error}"))
        }
        Some(Fault::Socket(error)) if !is_end(error) => {
            Failure::new(Exit::Lost, format!("the master of the connection: {error}"))
        }
        _ => Failure::new(Exit::Lost, "the master of the connection has ended"),
    };
    failure.hint("the next call makes a connection of its own")
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

fn unexpected(answer: &Answer) -> Failure {
    Failure::new(Exit::Other, format!("the master answers {answer:?}"))
}
