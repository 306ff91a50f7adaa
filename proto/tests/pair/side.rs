//! A connection with its input and its answers.

use std::time::Instant;

use adit_proto::event::LoginRequest;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::{Connection, Error, Event};
use bytes::BytesMut;

use crate::pair::answers::Answers;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Server,
}

impl Who {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The one opposite.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// One side, and all that happened to it.
pub(crate) struct Side {
    pub(crate) connection: Connection,
    pub(crate) answers: Answers,
    /// What came and was not yet taken.
    pub(crate) input: BytesMut,
    /// What happened, in order.
    pub(crate) events: Vec<Event>,
}

impl Side {
    pub(crate) fn new(connection: Connection, answers: Answers) -> Self {
        Self { connection, answers, input: BytesMut::new(), events: Vec::new() }
    }

    /// Takes what is there and answers all that is asked. Its end is in [`Self::error`].
    pub(crate) fn turn(&mut self, now: Instant) {
        let _ = self.try_turn(now);
    }

    fn try_turn(&mut self, now: Instant) -> Result<(), Error> {
        loop {
            let handled = self.connection.handle_input(now, &mut self.input);
            let Some(event) = self.connection.poll_event() else { return handled };
            let answered = self.answers.answer(&event, &mut self.connection, now);
            self.events.push(event);
            handled.and(answered)?;
        }
    }

    /// Lets all deadlines come that there are at this time.
    pub(crate) fn expire(&mut self, now: Instant) {
        for _ in 0..100 {
            if self.connection.poll_timeout().is_none_or(|at| at > now) {
                return;
            }
            let _ = self.connection.handle_timeout(now);
        }
        panic!("a deadline that does not pass");
    }

    /// Why it ended.
    pub(crate) fn error(&self) -> Option<&Error> {
        self.connection.error()
    }

    /// Whether the user is logged in.
    pub(crate) fn is_connected(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Authenticated))
    }

    /// The messages of the connection protocol that came.
    pub(crate) fn messages(&self) -> Vec<ConnectionMessage> {
        let message = |event: &Event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        };
        self.events.iter().filter_map(message).collect()
    }

    /// The login requests that had to be decided.
    pub(crate) fn logins(&self) -> Vec<LoginRequest> {
        let request = |event: &Event| match event {
            Event::Login(request) => Some(request.clone()),
            _ => None,
        };
        self.events.iter().filter_map(request).collect()
    }

    /// The names of the events that came.
    pub(crate) fn story(&self) -> Vec<String> {
        let name = |event: &Event| {
            let shown = format!("{event:?}");
            shown.split(|it: char| !it.is_alphanumeric()).next().unwrap_or_default().to_owned()
        };
        self.events.iter().map(name).collect()
    }
}
