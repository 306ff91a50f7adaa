//! What a program at the server has of this side: the agent, and a display.

use std::path::PathBuf;

use adit_channels::channel_request::X11;
use adit_forward::agent::Admission;
use adit_forward::channel::Routes;
use bytes::Bytes;

use crate::agent_forwarding::Agent;
use crate::session::request;
use crate::x11::wish::Wish;
use crate::x11::{Exhibit, Gallery};

/// What is lent to a program at the server, until this is dropped.
#[derive(Debug, Default)]
pub(super) struct Lent {
    agent: Option<(Agent, Admission)>,
    display: Option<(Gallery, Exhibit)>,
}

impl Lent {
    /// Lends the agent with this socket and a display, as far as there is any, over the connection
    /// that has these routes and is made known to agents by `binding`. Where the display cannot be
    /// lent this is told, and the program goes without, as with ssh.
    pub(super) async fn lend(
        routes: &Routes,
        binding: &Bytes,
        agent: Option<&PathBuf>,
        display: Option<&Wish>,
    ) -> Self {
        let mut lent = Self::default();
        if let Some(socket) = agent {
            let agent = Agent::new(routes, socket.clone(), binding.clone());
            let admission = agent.admit();
            lent.agent = Some((agent, admission));
        }
        if let Some(wish) = display {
            let gallery = Gallery::open(routes);
            match gallery.show(wish).await {
                Ok(exhibit) => lent.display = Some((gallery, exhibit)),
                Err(failure) => failure.warn(),
            }
        }
        lent
    }

    /// Whether the server is asked for the agent's way.
    pub(super) fn agent(&self) -> request::Agent {
        if self.agent.is_some() { request::Agent::Forwarded } else { request::Agent::Kept }
    }

    /// What the server is asked of the display.
    pub(super) fn display(&self) -> Option<X11> {
        self.display.as_ref().map(|(_, exhibit)| exhibit.request.clone())
    }
}
