//! The sessions of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use adit_channels::channel_open::{Kind, Reason as Refused};
use adit_channels::session::{Handle, Opening};
use adit_forward::stop::Signal;
use adit_gateway::verdict::Reason;
use adit_programs::job::Connection;
use adit_programs::session;
use tokio::sync::mpsc;

use crate::harden;
use crate::serve::gate::Gate;
use crate::serve::sessions::desk::Desk;
use crate::serve::world::World;

mod authority;
mod desk;
mod entry;
mod stand_in;

pub(crate) use crate::serve::sessions::desk::Eow;

/// Takes the sessions that a client opens, and has each served by a task of its own.
#[derive(Debug)]
pub(crate) struct Hall<W> {
    desk: Arc<Desk<W>>,
    stop: Signal,
    /// Each session has one.
    inside: mpsc::Sender<()>,
}

/// Tells when all sessions have ended.
#[derive(Debug)]
pub(crate) struct Empty(mpsc::Receiver<()>);

impl<W: World> Hall<W> {
    /// A hall for the user of this gate, whose connection came in at `own`. When the signal is given,
    /// nobody is let in any more, and who is inside goes when the time of grace is over.
    pub(crate) fn new(
        gate: Arc<Gate<W>>,
        session: Handle,
        own: SocketAddr,
        eow: Eow,
        stop: Signal,
    ) -> (Self, Empty) {
        let connection = Connection { client: gate.peer(), server: own };
        let (inside, empty) = mpsc::channel(1);
        (
            Self { desk: Arc::new(Desk::new(gate, session, connection, eow)), stop, inside },
            Empty(empty),
        )
    }

    /// Answers what a client asks for that is no tunnel.
    pub(crate) fn receive(&self, opening: Opening) {
        if !matches!(opening.kind(), Kind::Session) {
            let reason = match opening.kind() {
                Kind::Other { .. } => Refused::UNKNOWN_CHANNEL_TYPE,
                _ => Refused::ADMINISTRATIVELY_PROHIBITED,
            };
            return opening.refuse(reason, "channels of this type are not served");
        }
        let (desk, stop) = (Arc::clone(&self.desk), self.stop.clone());
        let inside = self.inside.clone();
        tokio::spawn(async move {
            serve(opening, desk, stop).await;
            drop(inside);
        });
    }
}

impl Empty {
    /// Returns when nobody is inside, and nobody will be.
    pub(crate) async fn wait(mut self) {
        while self.0.recv().await.is_some() {}
    }
}

/// Serves one session to its end.
async fn serve<W: World>(opening: Opening, desk: Arc<Desk<W>>, stop: Signal) {
    let place = match desk.place().await {
        Ok(place) => place,
        Err(reason) => {
            let words = reason.refusal().to_string();
            let code = match reason {
                Reason::Limit(_) => Refused::RESOURCE_SHORTAGE,
                _ => Refused::ADMINISTRATIVELY_PROHIBITED,
            };
            return opening.refuse(code, &words);
        }
    };
    session::serve(opening.accept(), &desk.at(place), harden::before(), stop).await;
}
