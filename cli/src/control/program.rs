//! Programs at the server, in the words of messages.

use adit_channels::channel_request::{Pty, Size};

use crate::control::malformed::Malformed;
use crate::control::message::{self, Answer, Ask, Terminal};
use crate::failure::Failure;
use crate::lent::Wanted;
use crate::session::control::Control;
use crate::session::event::Event;
use crate::session::fault::Fault;
use crate::session::outcome::{Ended, Outcome};
use crate::session::request::{Agent, Program, Request};

/// Asks for a program that is to have this of the master's side. Escapes stay with the client.
pub(super) fn ask(request: Request, wanted: Wanted, reads: bool) -> Ask {
    let (kind, words) = match request.program {
        Program::Shell => (0, bytes::Bytes::new()),
        Program::Command(command) => (1, command),
        Program::Subsystem(name) => (2, name.into()),
    };
    let terminal = request.terminal.map(|Pty { term, size, modes }| Terminal {
        term,
        size: size_of(size),
        modes,
    });
    Ask::Session {
        kind,
        words,
        terminal,
        environment: request.environment,
        agent: wanted.agent,
        display: wanted.display,
        reads,
    }
}

/// The program that is asked for, and what it is to have of this side.
///
/// # Errors
/// Where there is none like that.
pub(super) fn read(ask: Ask) -> Result<(Request, Wanted), Malformed> {
    let Ask::Session { kind, words, terminal, environment, agent, display, .. } = ask else {
        return Err(Malformed::Value);
    };
    let program = match kind {
        0 => Program::Shell,
        1 => Program::Command(words),
        2 => {
            let name = String::from_utf8(words.into());
            Program::Subsystem(name.map_err(|_| Malformed::Value)?)
        }
        _ => return Err(Malformed::Value),
    };
    let terminal =
        terminal.map(|Terminal { term, size, modes }| Pty { term, size: size_from(size), modes });
    let request =
        Request { program, terminal, environment, agent: Agent::Kept, x11: None, escape: None };
    Ok((request, Wanted { agent, display }))
}

/// What a client orders for a program that runs.
///
/// # Errors
/// Where that is no order.
pub(super) fn order(ask: Ask) -> Result<Control, Malformed> {
    Ok(match ask {
        Ask::Resize { size } => Control::Resize(size_from(size)),
        Ask::Signal { name } => Control::Signal(name),
        Ask::Break { length } => Control::Break { length },
        _ => return Err(Malformed::Value),
    })
}

/// What is asked for by an order that is for the master.
pub(super) fn ask_order(control: Control) -> Option<Ask> {
    match control {
        Control::Resize(size) => Some(Ask::Resize { size: size_of(size) }),
        Control::Signal(name) => Some(Ask::Signal { name }),
        Control::Break { length } => Some(Ask::Break { length }),
        _ => None,
    }
}

/// What a client is told of an event, where it is told.
pub(super) fn event(event: Event) -> Option<Answer> {
    match event {
        Event::Started => Some(Answer::Started {}),
        Event::NoTerminal => Some(Answer::NoTerminal {}),
        Event::NoX11 => Some(Answer::NoX11 {}),
        _ => None,
    }
}

/// What a client is told of the end of its program.
///
/// # Errors
/// Where it did not run to its end.
pub(super) fn outcome(outcome: Result<Outcome, Fault>) -> Result<Answer, Failure> {
    match outcome {
        Ok(Outcome::Ended(Ended::Status(status))) => Ok(Answer::Ended { status }),
        Ok(Outcome::Ended(Ended::Signal { name, message })) => {
            Ok(Answer::Killed { signal: name, message })
        }
        Ok(Outcome::Unknown | Outcome::BrokenOff) => Ok(Answer::Over {}),
        Err(fault) => Err(fault.into()),
    }
}

/// The program in words.
pub(super) fn told(request: &Request) -> String {
    let program = match &request.program {
        Program::Shell => "shell".to_owned(),
        Program::Command(words) => format!("command {}", shown(words)),
        Program::Subsystem(name) => format!("subsystem {}", shown(name.as_bytes())),
    };
    if request.terminal.is_some() { format!("{program}, with a terminal") } else { program }
}

/// The most characters of a command that are shown.
const SHOWN: usize = 80;

/// Words without what a terminal would take for orders.
fn shown(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_default).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

fn size_of(size: Size) -> message::Size {
    message::Size([size.columns, size.rows, size.width, size.height])
}

fn size_from(message::Size([columns, rows, width, height]): message::Size) -> Size {
    Size { columns, rows, width, height }
}
