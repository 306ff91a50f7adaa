//! What goes between a client and its program while that runs.

use std::future::pending;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_channels::channel_request::{ExitSignal, Kind};
use adit_channels::session::{ChannelRequest, Stderr};
use adit_forward::stop;
use rustix::termios::tcsendbreak;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::time::sleep;

use crate::exit::Exit;
use crate::host::Record;
use crate::job::Signals;
use crate::line::Line;
use crate::program::Program;
use crate::signal;
use crate::streams::{Streams, read};
use crate::terminal::Terminal;

/// So many bytes are read from a program at once.
const PIECE: usize = 32 * 1024;

/// A program that runs for a client.
pub(crate) struct Carry<'a, R> {
    pub(crate) line: &'a Line,
    pub(crate) program: &'a Program,
    pub(crate) record: Books<R>,
    pub(crate) terminal: Option<Arc<OwnedFd>>,
    pub(crate) signals: Signals,
    pub(crate) hears_eow: bool,
}

/// The record of a program, in which all sides write.
#[derive(Debug)]
pub(crate) struct Books<R>(Mutex<R>);

/// How it came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The program has ended, and nobody writes to the client any more.
    Finished,
    /// The client has closed the channel, or the connection has ended.
    Left,
    /// The gateway stops.
    Stopped,
}

impl<R: Record> Books<R> {
    pub(crate) fn new(record: R) -> Self {
        Self(Mutex::new(record))
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, R> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Record> Carry<'_, R> {
    /// Carries until one side has ended.
    ///
    /// The channel is closed when the program has ended and its output has, which others may hold
    /// open that it has left behind. So does sshd.
    pub(crate) async fn run(
        &self,
        streams: Streams,
        errors: &mut Stderr,
        stop: &mut stop::Signal,
    ) -> End {
        let Streams { input, output, errors: program_errors } = streams;
        let outgoing = async {
            let main = self.output(output);
            let other = self.errors(program_errors, errors);
            tokio::join!(main, other);
        };
        let exit = async {
            let exit = self.program.ended().await;
            self.record.open().exited(&exit);
            self.line.tell(told(exit));
        };
        // A client that has sent its own end closes the channel when it gets this one, and then takes
        // no status any more: that has to come before.
        let finished = async {
            tokio::join!(outgoing, exit);
            self.line.finish().await;
        };
        tokio::select! {
            () = finished => End::Finished,
            () = self.line.closed() => End::Left,
            () = stop.due() => End::Stopped,
            () = self.input(input) => pending().await,
            () = self.requests() => pending().await,
        }
    }

    /// Gives the program what the client sends.
    async fn input(&self, mut input: pipe::Sender) {
        while let Ok(Some(chunk)) = self.line.chunk().await {
            let pause = self.record.open().received(chunk.len());
            if !pause.is_zero() {
                sleep(pause).await;
            }
            if input.write_all(&chunk).await.is_err() {
                drop(input);
                return self.ignore_input().await;
            }
        }
        // The end of the file is the end of a pipe. A terminal has no such end, as with sshd.
        drop(input);
        pending::<()>().await;
    }

    /// The program reads no more: the client may stop sending, and what it sends is lost.
    async fn ignore_input(&self) {
        if self.hears_eow {
            self.line.tell(Kind::Eow);
        }
        while let Ok(Some(chunk)) = self.line.chunk().await {
            let pause = self.record.open().received(chunk.len());
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
        pending::<()>().await;
    }

    /// Gives the client what the program writes. Where the client does not read it any more, neither
    /// does this, of which the program is told by its pipe.
    async fn output(&self, mut output: pipe::Receiver) {
        let mut piece = vec![0; PIECE];
        while let Ok(len @ 1..) = read(&mut output, &mut piece).await {
            let data = piece.get(..len).unwrap_or_default();
            if self.line.write_all(data).await.is_err() {
                return;
            }
            self.sent(len).await;
        }
    }

    /// The same for what the program writes of errors.
    async fn errors(&self, output: Option<pipe::Receiver>, errors: &mut Stderr) {
        let Some(mut output) = output else { return };
        let mut piece = vec![0; PIECE];
        while let Ok(len @ 1..) = read(&mut output, &mut piece).await {
            let data = piece.get(..len).unwrap_or_default();
            if errors.write_all(data).await.is_err() {
                return;
            }
            self.sent(len).await;
        }
    }

    async fn sent(&self, bytes: usize) {
        let pause = self.record.open().sent(bytes);
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }

    /// Answers what the client asks meanwhile.
    async fn requests(&self) {
        while let Some(request) = self.line.next_request().await {
            self.handle(request);
        }
        pending::<()>().await;
    }

    /// What is not granted is refused by being dropped.
    fn handle(&self, request: ChannelRequest) {
        let granted = match request.kind() {
            Kind::WindowChange(size) => self
                .terminal
                .as_ref()
                .is_some_and(|terminal| Terminal::resize(terminal, *size).is_ok()),
            Kind::Break { length } => self.terminal.as_ref().is_some_and(|terminal| {
                tracing::debug!(length, "a break");
                tcsendbreak(terminal).is_ok()
            }),
            Kind::Signal { name } => {
                let signal = signal::by_name(name).filter(|_| self.signals == Signals::Passed);
                signal.is_some_and(|signal| self.program.signal(signal).is_ok())
            }
            other => {
                tracing::debug!(name = other.name(), "refused: the program runs already");
                false
            }
        };
        if granted {
            request.grant();
        }
    }
}

/// How the end of a program is told.
fn told(exit: Exit) -> Kind {
    match exit {
        Exit::Status(status) => Kind::ExitStatus { status },
        Exit::Signal { name, core_dumped } => Kind::ExitSignal(ExitSignal {
            name,
            core_dumped,
            message: Default::default(),
            language: Default::default(),
        }),
    }
}
