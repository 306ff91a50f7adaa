//! What programs at a server have of this side: the agent, and a display.

use std::path::PathBuf;

use adit_channels::channel_request::X11;
use adit_forward::agent::Admission;
use adit_forward::channel::Routes;
use bytes::Bytes;

use crate::agent_forwarding::Agent;
use crate::session::request;
use crate::x11::wish::Wish;
use crate::x11::{Exhibit, Gallery};

/// What may be lent to the programs that are run over a connection.
#[derive(Debug, Default)]
pub(crate) struct Lender {
    agent: Option<Agent>,
    display: Option<(Gallery, Wish)>,
}

/// What a program is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The agent.
    pub(crate) agent: bool,
    /// The display.
    pub(crate) display: bool,
}

/// What is lent to a program, until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Lent {
    agent: Option<Admission>,
    display: Option<Exhibit>,
}

impl Lender {
    /// Has the agent with this socket to lend, and a display, as far as there is any, over the
    /// connection that has these routes and is made known to agents by `binding`.
    pub(crate) fn new(
        routes: &Routes,
        binding: &Bytes,
        agent: Option<PathBuf>,
        display: Option<Wish>,
    ) -> Self {
        let agent = agent.map(|socket| Agent::new(routes, socket, binding.clone()));
        Self { agent, display: display.map(|wish| (Gallery::open(routes), wish)) }
    }

    /// Lends what is wanted, as far as there is any. Where the display cannot be lent this is told,
    /// and the program goes without, as with ssh.
    pub(crate) async fn lend(&self, wanted: Wanted) -> Lent {
        let agent = self.agent.as_ref().filter(|_| wanted.agent).map(Agent::admit);
        let display = match self.display.as_ref().filter(|_| wanted.display) {
            Some((gallery, wish)) => {
                gallery.show(wish).await.inspect_err(crate::failure::Failure::warn).ok()
            }
            None => None,
        };
        Lent { agent, display }
    }
}

impl Lent {
    /// Whether the server is asked for the agent's way.
    pub(crate) fn agent(&self) -> request::Agent {
        if self.agent.is_some() { request::Agent::Forwarded } else { request::Agent::Kept }
    }

    /// What the server is asked of the display.
    pub(crate) fn display(&self) -> Option<X11> {
        self.display.as_ref().map(|exhibit| exhibit.request.clone())
    }
}
