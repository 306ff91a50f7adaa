//! Tunnels, tried once.

use std::time::Duration;

use adit_channels::session::Handle;
use adit_forward::channel::{Dialer, Routes};
use adit_forward::dial::Dial;
use adit_forward::origin::Origin;
use adit_forward::refusal::Refusal;
use adit_forward::remote;
use adit_forward::socket;
use adit_forward::spec::{Destination, Remote};
use adit_forward::target::Target;
use adit_forward::unix::Existing;
use tokio::time::timeout;

use crate::failure::{Exit, Failure};
use crate::open::server::Server;
use crate::open::tunnel::{Here, Tunnel};
use crate::open::{opening, stdio};
use crate::settings::Settings;

/// How long a target may take to be reached, as with every tunnel.
const OPENING: Duration = Duration::from_secs(60);

/// What tunnels are tried with. Each is opened, used once and closed: its target sees a connection
/// that ends without a word.
pub(super) struct Trial<'a> {
    pub(super) session: &'a Handle,
    pub(super) routes: &'a Routes,
    pub(super) server: Server,
    pub(super) settings: &'a Settings,
}

impl Trial<'_> {
    /// Has the server connect to a target.
    ///
    /// # Errors
    /// Where it does not.
    pub(super) async fn reach(&self, target: &Target) -> Result<String, Failure> {
        let dialer = Dialer::new(self.session.clone());
        let dialled = timeout(OPENING, dialer.dial(target, &Origin::Unix)).await;
        match dialled.unwrap_or(Err(Refusal::TimedOut)) {
            Ok(_) => Ok(format!("the server reaches {target}")),
            Err(why) => Err(stdio::refused(target, &why)),
        }
    }

    /// Opens a tunnel, and has its target be connected to.
    ///
    /// # Errors
    /// Where one of the two fails.
    pub(super) async fn open(&self, tunnel: &Tunnel) -> Result<String, Failure> {
        match tunnel {
            Tunnel::Here(here) => self.open_here(here).await,
            Tunnel::There(there) => self.open_there(there).await,
        }
    }

    async fn open_here(&self, here: &Here) -> Result<String, Failure> {
        let mode = self.settings.bind_mode;
        let existing =
            if self.settings.bind_unlink { Existing::ReplaceDead } else { Existing::Keep };
        let listener = socket::Listener::bind_with(here.entry(), mode, existing).await;
        let listener = listener.map_err(opening::unavailable)?;
        match here {
            Here::Local(local) => {
                let reached = self.reach(&local.target).await?;
                Ok(format!("{listener} can be listened on, and {reached}"))
            }
            Here::Dynamic(_) => {
                Ok(format!("{listener} can be listened on; targets are for each to say"))
            }
        }
    }

    async fn open_there(&self, there: &Remote) -> Result<String, Failure> {
        let entry = self.server.asked(&there.entry);
        let listener = remote::Listener::bind(self.session, self.routes, &entry).await;
        let listener = listener.map_err(opening::refused)?;
        let listens = if self.server.may_fall_short(&there.entry) {
            format!("the server listens on {}, maybe on loopback only", listener.entry())
        } else {
            format!("the server listens on {}", listener.entry())
        };
        match &there.destination {
            Destination::Target(target) => {
                let dialled = socket::Dialer::default().dial(target, &Origin::Unix).await;
                dialled.map_err(|why| {
                    Failure::new(Exit::Tunnel, format!("cannot reach {target} from here: {why}"))
                        .hint("connections of a remote tunnel go on from this machine: check that something listens there")
                })?;
                Ok(format!("{listens}, and {target} is reached from here"))
            }
            Destination::Asked => Ok(format!("{listens}; targets are for each to say")),
        }
    }
}
