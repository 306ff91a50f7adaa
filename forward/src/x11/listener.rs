//! The connections that programs at the peer make to a display here.

use std::io::{self, ErrorKind};

use adit_channels::channel_open::{Kind, Reason};
use adit_channels::session::{Channel, Opening};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::channel::Routes;
use crate::channel::routes::Taker;
use crate::conversation::{Conversation, Unheard};
use crate::early::Early;
use crate::listen;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::target::Target;
use crate::x11::displays::{Displays, Shown, Table};
use crate::x11::setup::{Failed, Fault, Setup};

/// The connections that programs at the peer make to displays here, by channels of the type `x11`
/// ([RFC 4254 section 6.3.2](https://www.rfc-editor.org/rfc/rfc4254#section-6.3.2)): the near
/// end, at the client, of X11 forwarding.
///
/// Each has to begin with a set-up that shows a cookie which was announced; the display gets its
/// own in that place. Who shows none is told so, in the words of X11, and the channel is ended.
/// What is said before is bounded in bytes, and in time by the
/// [limits](crate::relay::Limits::opening) of the relay.
#[derive(Debug)]
pub struct Listener {
    coming: mpsc::Receiver<Opening>,
    table: Table,
}

impl Listener {
    /// What listens for a session that has these routes, and what says for which displays. As long
    /// as there is none all is refused.
    pub fn new(routes: &Routes) -> (Self, Displays) {
        let (taker, coming) = Taker::new();
        let table = Table::default();
        let displays = Displays::new(routes.clone(), taker, table.clone());
        (Self { coming, table }, displays)
    }
}

impl listen::Listen for Listener {
    type Inbound = Inbound;

    async fn next(&mut self) -> io::Result<Inbound> {
        loop {
            let Some(opening) = self.coming.recv().await else {
                return Err(io::Error::new(ErrorKind::ConnectionAborted, "the session has ended"));
            };
            match self.table.is_open(Instant::now()) {
                Ok(()) => {
                    let origin = origin(opening.kind());
                    let state = State::Asked(opening);
                    return Ok(Inbound { state, origin, table: self.table.clone() });
                }
                Err(denied) => {
                    tracing::warn!("refused an X11 connection: {denied}");
                    let reason = Reason::ADMINISTRATIVELY_PROHIBITED;
                    opening.refuse(reason, &denied.to_string());
                }
            }
        }
    }
}

/// A connection of a program at the peer to a display here.
///
/// What it shows is seen only once the channel is there; so a refusal is told in the words of X11.
#[derive(Debug)]
pub struct Inbound {
    state: State,
    origin: Origin,
    table: Table,
}

#[derive(Debug)]
enum State {
    Asked(Opening),
    /// It has shown a cookie that was announced.
    Admitted(Conversation<Channel>, Setup, Box<Shown>),
    /// It is no good any more.
    Denied,
}

impl listen::Inbound for Inbound {
    type Stream = Early<Early<Channel>>;

    async fn target(&mut self) -> io::Result<(Target, Origin)> {
        let State::Asked(opening) = std::mem::replace(&mut self.state, State::Denied) else {
            return Err(ErrorKind::InvalidInput.into());
        };
        let mut conversation = Conversation::new(opening.accept());
        let setup: Setup = match conversation.hear(Setup::parse).await {
            Ok(setup) => setup,
            Err(Unheard::Lost(error)) => return Err(error),
            Err(Unheard::Wrong(fault)) => return Err(malformed(fault)),
        };
        match self.table.admit(&setup, Instant::now()) {
            Ok(shown) => {
                let target = shown.target.clone();
                self.state = State::Admitted(conversation, setup, Box::new(shown));
                Ok((target, self.origin.clone()))
            }
            Err(denied) => {
                tracing::warn!(origin = %self.origin, "refused an X11 connection: {denied}");
                let reason = format!("adit: {denied}");
                conversation.end(&Failed { order: setup.order(), reason: &reason }.encode()).await;
                Err(io::Error::new(ErrorKind::PermissionDenied, denied))
            }
        }
    }

    async fn accept(self) -> io::Result<Self::Stream> {
        let State::Admitted(conversation, setup, shown) = self.state else {
            return Err(ErrorKind::InvalidInput.into());
        };
        let real = Bytes::from_owner(setup.encode_with(&shown.real));
        Ok(Early::new(real, conversation.into_stream()))
    }

    async fn refuse(self, why: Refusal) {
        if let State::Admitted(mut conversation, setup, shown) = self.state {
            tracing::warn!(display = %shown.target, "cannot reach the display: {why}");
            let reason = format!("adit: cannot reach the display: {why}");
            conversation.end(&Failed { order: setup.order(), reason: &reason }.encode()).await;
        }
    }
}

fn malformed(fault: Fault) -> io::Error {
    tracing::warn!("refused an X11 connection: {fault}");
    io::Error::new(ErrorKind::InvalidData, fault)
}

fn origin(kind: &Kind) -> Origin {
    match kind {
        Kind::X11 { originator, originator_port } => Origin::Reported {
            host: originator.clone(),
            port: u16::try_from(*originator_port).unwrap_or(0),
        },
        _ => Origin::Unix,
    }
}
