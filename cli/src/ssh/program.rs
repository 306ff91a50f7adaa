//! A program at the server, as the user at a terminal has it.

use std::io;
use std::pin::pin;

use adit_channels::session::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::control::client::Client;
use crate::failure::{Exit, Failure, OF_SSH};
use crate::lent::{Lent, Wanted};
use crate::session::control::Control;
use crate::session::ends::{Ends, Reading};
use crate::session::escape::Escape;
use crate::session::event::Event;
use crate::session::fault::Fault;
use crate::session::outcome::{Ended, Outcome};
use crate::session::request::{Agent, Program, Request};
use crate::session::terminal::Terminal;
use crate::ssh::plan::{Errand, Wish};
use crate::talk::{self, Weight};
use crate::{log, session};

/// How many orders may wait for a session to take them.
const ORDERS: usize = 16;

/// The levels of the log, from silence to all.
const LEVELS: [&str; 8] =
    ["SILENT", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG2", "DEBUG3"];

/// What escapes there are.
const HELP: &str = "\
Supported escape sequences:\r
 ~.   - end this session and the connection\r
 ~B   - send a BREAK to the server\r
 ~R   - exchange keys anew\r
 ~V/v - log less or more\r
 ~^Z  - stop adit\r
 ~#   - tell of the connection\r
 ~?   - this\r
 ~~   - the escape character itself, by typing it twice\r
(They are known only at the begin of a line.)\r
";

/// What a program is run by.
pub(super) enum By<'a> {
    /// A connection of this process, and what is lent to the program.
    Connection(&'a Handle, &'a Lent),
    /// A master, and what it is to lend.
    Master(&'a mut Client, Wanted),
}

/// Runs a program, and yields the exit code. `started` is called when the server runs it.
///
/// # Errors
/// Where the server refuses it, or the connection is lost.
pub(super) async fn run(
    by: By<'_>,
    program: Program,
    errand: &mut Errand,
    started: impl FnMut(),
) -> Result<u8, Failure> {
    let broken = |error| Failure::new(Exit::Other, Fault::Ends(error));
    let mut terminal = wanted(&program, errand).map_err(broken)?;
    let (session, what) = match &by {
        By::Connection(session, _) => (Some(*session), "Connection"),
        By::Master(..) => (None, "Shared connection"),
    };
    let (agent, x11) = match &by {
        By::Connection(_, lent) => (lent.agent(), lent.display()),
        // It is lent there.
        By::Master(..) => (Agent::Kept, None),
    };
    let request = Request {
        program,
        terminal: terminal.as_ref().map(Terminal::describe),
        environment: errand.environment.clone(),
        agent,
        x11,
        escape: errand.escape.filter(|_| terminal.is_some()),
    };
    let ends = Ends::take(errand.reading, errand.error.take()).map_err(broken)?;
    if let Some(terminal) = &mut terminal {
        terminal.set_raw();
    }
    let (orders, control) = mpsc::channel(ORDERS);
    let level = LEVELS.iter().position(|level| *level == errand.level).unwrap_or_default();
    let had_terminal = terminal.is_some();
    let attendant = Attendant { session, terminal, orders, escape: errand.escape, level, started };
    let outcome = attendant.attend(by, request, ends, control).await.map_err(broken)?;
    if had_terminal && outcome.is_ok() {
        talk::line(Weight::Note, format_args!("{what} to {} closed.", errand.host));
    }
    match outcome {
        // Codes of programs are octets; of another one ssh keeps what the system keeps.
        Ok(Outcome::Ended(Ended::Status(status))) => {
            Ok(u8::try_from(status & 0xff).unwrap_or(OF_SSH))
        }
        Ok(Outcome::Ended(Ended::Signal { name, message })) => {
            tracing::info!(name, message, "the program was ended by a signal");
            // It is how programs end whose output nobody reads any more.
            if name != "PIPE" {
                let words = format_args!("the program was ended by SIG{}", name.escape_debug());
                talk::say(Weight::Note, words);
            }
            Ok(OF_SSH)
        }
        Ok(Outcome::Unknown | Outcome::BrokenOff) => Ok(OF_SSH),
        Err(failure) => Err(failure),
    }
}

/// The terminal that is asked for, if any.
fn wanted(program: &Program, errand: &Errand) -> io::Result<Option<Terminal>> {
    let wanted = match errand.wish {
        Wish::Auto => *program == Program::Shell,
        Wish::Yes => true,
        Wish::No => false,
        Wish::Force => return Terminal::of(rustix::stdio::stdin()).map(Some),
    };
    if !wanted {
        return Ok(None);
    }
    let input = rustix::stdio::stdin();
    if errand.reading == Reading::Null || !rustix::termios::isatty(input) {
        let words = "Pseudo-terminal will not be allocated because stdin is not a terminal.";
        talk::line(Weight::Note, words);
        return Ok(None);
    }
    Terminal::of(input).map(Some)
}

/// Attends to a program while it runs.
struct Attendant<'a, S> {
    /// The connection, where it is one of this process.
    session: Option<&'a Handle>,
    terminal: Option<Terminal>,
    orders: mpsc::Sender<Control>,
    escape: Option<u8>,
    /// The place of the level of the log among [`LEVELS`].
    level: usize,
    started: S,
}

impl<S: FnMut()> Attendant<'_, S> {
    /// Runs it to its end, with what happens on the way.
    async fn attend(
        mut self,
        by: By<'_>,
        request: Request,
        ends: Ends,
        control: mpsc::Receiver<Control>,
    ) -> io::Result<Result<Outcome, Failure>> {
        let (tell, mut events) = mpsc::unbounded_channel();
        let mut resized = signal(SignalKind::window_change())?;
        let tell = |event| {
            // Whoever takes it is this function.
            let _ = tell.send(event);
        };
        let mut running = pin!(async move {
            match by {
                By::Connection(session, _) => {
                    session::run(session, request, ends, control, tell).await.map_err(Failure::from)
                }
                By::Master(client, wanted) => {
                    client.run(request, wanted, ends, control, tell).await
                }
            }
        });
        loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => self.handle(event),
                _ = resized.recv(), if self.terminal.is_some() => self.tell_size(),
                outcome = &mut running => return Ok(outcome),
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Started => (self.started)(),
            Event::NoTerminal => {
                // What is typed is to be seen again.
                self.terminal = None;
                talk::say(Weight::Warning, "the server gives no terminal");
            }
            Event::NoX11 => talk::say(Weight::Warning, "the server forwards no X11"),
            Event::Escape(escape) => self.escape(escape),
        }
    }

    fn escape(&mut self, escape: Escape) {
        match escape {
            Escape::Quit => {
                self.echo(".", "");
                self.order(Control::Quit);
            }
            Escape::Break => {
                self.echo("B", "");
                self.order(Control::Break { length: 1000 });
            }
            Escape::CommandLine => self.echo("C", " [there is no command line here]"),
            Escape::Background => self.echo("&", " [use -f to go to the background]"),
            Escape::Rekey => match self.session {
                Some(session) => session.rekey(),
                None => self.echo("R", " [the connection is shared]"),
            },
            Escape::Quieter => self.log("V", self.level.saturating_sub(1)),
            Escape::Louder => self.log("v", self.level.saturating_add(1)),
            Escape::Suspend => {
                self.echo("^Z", " [suspend adit]");
                if let Some(terminal) = &mut self.terminal {
                    terminal.suspend();
                }
                self.tell_size();
            }
            Escape::Connections => {
                let words = match self.session.map(Handle::load) {
                    Some(load) => format!(
                        "\r\nThe connection has {} open channels; {} bytes wait to be sent.",
                        load.channels, load.outbox
                    ),
                    None => " [the connection is shared: -O channels tells of it]".to_owned(),
                };
                self.echo("#", &words);
            }
            Escape::Help => {
                self.echo("?", "");
                let character = char::from(self.escape.unwrap_or(b'~'));
                self.say(HELP.replace('~', &character.to_string()));
            }
        }
    }

    /// Logs at another level from now on.
    fn log(&mut self, letter: &str, level: usize) {
        self.level = level.min(LEVELS.len().saturating_sub(1));
        if let Some(level) = LEVELS.get(self.level) {
            let (filter, limit) = log::of_level(level);
            log::change(filter);
            talk::limit(limit);
            self.echo(letter, &format!(" [LogLevel {level}]"));
        }
    }

    /// Shows an escape that was typed, and what becomes of it.
    fn echo(&self, letter: &str, words: &str) {
        let character = self.escape.map_or('~', char::from);
        self.say(format!("{character}{letter}{words}\r\n"));
    }

    fn say(&self, words: String) {
        self.order(Control::Say(words.into()));
    }

    fn tell_size(&self) {
        if let Some(terminal) = &self.terminal {
            self.order(Control::Resize(terminal.size()));
        }
    }

    /// One that finds no room is dropped, as nobody could type that fast.
    fn order(&self, order: Control) {
        if let Err(error) = self.orders.try_send(order) {
            tracing::debug!(%error, "the session takes no orders at the moment");
        }
    }
}
