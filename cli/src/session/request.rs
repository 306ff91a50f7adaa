//! What a server is asked to run, and how.

use std::future::pending;
use std::io;
use std::pin::Pin;

use adit_channels::channel_request::{Kind, Pty, X11};
use adit_channels::mux::Verdict;
use adit_channels::session::Channel;
use bytes::Bytes;

use crate::session::event::Event;
use crate::session::fault::Fault;

/// What a server is asked to run, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// What.
    pub(crate) program: Program,
    /// By a terminal of this kind.
    pub(crate) terminal: Option<Pty>,
    /// With these variables, each a name and a value.
    pub(crate) environment: Vec<(Bytes, Bytes)>,
    /// Whether it reaches the agent here.
    pub(crate) agent: Agent,
    /// With a display here.
    pub(crate) x11: Option<X11>,
    /// The character that makes escapes of what is typed, where there are any.
    pub(crate) escape: Option<u8>,
}

/// What a server is asked to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// The user's shell.
    Shell,
    /// A command line, which the user's shell reads.
    Command(Bytes),
    /// A subsystem.
    Subsystem(String),
}

/// Whether a program at the server reaches the agent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    /// It does.
    Forwarded,
    /// It does not.
    Kept,
}

/// An answer that is to come.
type Answer = Pin<Box<dyn Future<Output = io::Result<Verdict>> + Send>>;

/// The answers that are to come.
pub(super) struct Answers {
    what: &'static str,
    program: Answer,
    terminal: Option<Answer>,
    x11: Option<Answer>,
}

impl Request {
    /// Asks all of it at once. What a server may pass over is asked without an answer.
    ///
    /// # Errors
    /// Where the channel is closed.
    pub(super) fn send(self, channel: &Channel) -> io::Result<Answers> {
        let ask = |kind| -> Answer { Box::pin(channel.request(kind)) };
        let x11 = self.x11.map(|x11| ask(Kind::X11Req(x11)));
        if self.agent == Agent::Forwarded {
            channel.notify(Kind::AuthAgentReq)?;
        }
        let terminal = self.terminal.map(|pty| ask(Kind::PtyReq(pty)));
        for (name, value) in self.environment {
            channel.notify(Kind::Env { name, value })?;
        }
        let (what, kind) = match self.program {
            Program::Shell => ("a shell", Kind::Shell),
            Program::Command(command) => ("to run a command", Kind::Exec { command }),
            Program::Subsystem(name) => ("the subsystem", Kind::Subsystem { name }),
        };
        Ok(Answers { what, program: ask(kind), terminal, x11 })
    }
}

impl Answers {
    /// Waits until the program is refused, which it need not be.
    pub(super) async fn refused(self, tell: &impl Fn(Event)) -> Fault {
        // Answers come in the order of what was asked.
        for (answer, event) in [(self.x11, Event::NoX11), (self.terminal, Event::NoTerminal)] {
            if let Some(answer) = answer
                && matches!(answer.await, Ok(Verdict::Refused))
            {
                tell(event);
            }
        }
        match self.program.await {
            Ok(Verdict::Refused) => Fault::Refused(self.what),
            Ok(Verdict::Granted) => {
                tell(Event::Started);
                pending().await
            }
            // The channel says by itself how it ended.
            Err(_) => pending().await,
        }
    }
}
