//! The connections that programs at the peer make to an agent here.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use adit_channels::session::Opening;
use tokio::sync::mpsc;

use crate::channel::routes::{Registration, Taker, Wanted};
use crate::channel::{Inbound, Routes};
use crate::listen;
use crate::origin::Origin;
use crate::target::Target;

/// The connections that programs at the peer make to an agent here, by channels of the type
/// `auth-agent@openssh.com`
/// ([PROTOCOL.agent](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.agent)):
/// the near end, at the client, of agent forwarding.
#[derive(Debug)]
pub struct Listener {
    coming: mpsc::Receiver<Opening>,
    target: Target,
}

/// Lets the peer reach the agent. All its clones are the same.
#[derive(Debug, Clone)]
pub struct Door {
    routes: Routes,
    taker: Taker,
}

/// That the peer may reach the agent, until it is dropped. Connections that are open go on.
#[derive(Debug)]
pub struct Admission {
    _registration: Registration,
}

impl Listener {
    /// What listens for a session that has these routes, for the agent with this socket; and what
    /// lets the peer in, which is refused until then.
    pub fn new(routes: &Routes, agent: PathBuf) -> (Self, Door) {
        let (taker, coming) = Taker::new();
        (Self { coming, target: Target::Unix(agent) }, Door { routes: routes.clone(), taker })
    }
}

impl Door {
    /// Lets the peer reach the agent from now on. It is to be told so only after this, for
    /// channels may come before its answer.
    pub fn open(&self) -> Admission {
        Admission { _registration: self.routes.register_for(Wanted::Agent, &self.taker) }
    }
}

impl listen::Listen for Listener {
    type Inbound = Inbound;

    async fn next(&mut self) -> io::Result<Inbound> {
        match self.coming.recv().await {
            Some(opening) => Ok(Inbound::new(opening, self.target.clone(), Origin::Unix)),
            None => Err(io::Error::new(ErrorKind::ConnectionAborted, "the session has ended")),
        }
    }
}
