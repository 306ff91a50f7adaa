//! A program run by a master, as by a connection of one's own.
//!
//! What is typed at a terminal goes by way of this process, which takes the escapes out; all other
//! descriptors go to the master as they are.

use std::future::pending;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::control::client::Client;
use crate::control::message::Answer;
use crate::control::program;
use crate::failure::Failure;
use crate::lent::Wanted;
use crate::session::control::Control;
use crate::session::ends::Ends;
use crate::session::escape::{Escapes, Piece};
use crate::session::event::Event;
use crate::session::fault::Fault;
use crate::session::outcome::{Ended, Outcome};
use crate::session::request::Request;
use crate::stdio::{Ending, Input, Output};

impl Client {
    /// Runs a program at the server by the master, which lends it what it has of what is wanted, to
    /// its end, or until `control` says that it is
    /// to be broken off. What happens on the way is told to `tell`.
    ///
    /// Dropping the future and the client breaks it off.
    ///
    /// # Errors
    /// Where it is refused, or the master or the connection ends.
    pub(crate) async fn run(
        &mut self,
        mut request: Request,
        wanted: Wanted,
        ends: Ends,
        mut control: mpsc::Receiver<Control>,
        tell: impl Fn(Event),
    ) -> Result<Outcome, Failure> {
        let unusable = |error| Failure::from(Fault::Ends(error));
        let escapes = Escapes::new(request.escape.take());
        let Ends { input, output, error, .. } = ends;
        let words = error.try_clone().and_then(|it| Output::of(it, Ending::Close));
        let mut words = words.map_err(unusable)?;
        let (given, typed) = match input {
            Some(input) if input.as_fd().is_terminal() => {
                let (there, here) = io::pipe().map_err(unusable)?;
                let typed = (Input::of(input), Output::of(here.into(), Ending::Close));
                let (input, output) = (typed.0.map_err(unusable)?, typed.1.map_err(unusable)?);
                (Some(OwnedFd::from(there)), Some((input, output)))
            }
            input => (input, None),
        };
        let descriptors: Vec<_> =
            given.iter().map(AsFd::as_fd).chain([output.as_fd(), error.as_fd()]).collect();
        self.send(&program::ask(request, wanted, given.is_some()), &descriptors).await?;
        drop(descriptors);
        drop((given, output, error));
        let mut typing = pin!(async {
            if let Some((input, output)) = typed {
                pass(input, output, escapes, &tell).await;
            }
            pending::<()>().await;
        });
        let mut obeying = true;
        loop {
            tokio::select! {
                biased;
                answer = self.next() => match answer? {
                    Answer::Started {} => tell(Event::Started),
                    Answer::NoTerminal {} => tell(Event::NoTerminal),
                    Answer::NoX11 {} => tell(Event::NoX11),
                    Answer::Ended { status } => return Ok(Outcome::Ended(Ended::Status(status))),
                    Answer::Killed { signal: name, message } => {
                        return Ok(Outcome::Ended(Ended::Signal { name, message }));
                    }
                    _ => return Ok(Outcome::Unknown),
                },
                order = control.recv(), if obeying => match order {
                    None => obeying = false,
                    Some(Control::Quit) => return Ok(Outcome::BrokenOff),
                    Some(Control::Say(text)) => say(&mut words, text).await,
                    Some(order) => if let Some(ask) = program::ask_order(order) {
                        self.send(&ask, &[]).await?;
                    },
                },
                () = &mut typing => {}
            }
        }
    }
}

/// Passes on what is typed, but for the escapes.
async fn pass(mut input: Input, mut output: Output, mut escapes: Escapes, tell: &impl Fn(Event)) {
    while let Ok(Some(chunk)) = input.next().await {
        for piece in escapes.take(chunk) {
            match piece {
                Piece::Data(data) => {
                    if output.write(data).await.is_err() {
                        return;
                    }
                }
                Piece::Escape(escape) => tell(Event::Escape(escape)),
            }
        }
    }
    // Whoever does not read it does not need its end.
    let _ = output.finish().await;
}

/// Says something to the user.
async fn say(words: &mut Output, text: Bytes) {
    // Nobody hears it where standard error is closed.
    let _ = words.write(text).await;
}
