//! A gateway: serves connections, without a socket of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use adit_channels::global_request::Kind;
use adit_channels::session::{self, Handle, Session};
use adit_forward::channel::{self, Forwarded};
use adit_forward::relay::{self, Relay};
use adit_forward::remote::{self, Owner};
use adit_forward::stop::Signal;
use adit_forward::stream::Stream;
use adit_gateway::login::Login;
use adit_transport::accept::accept;
use adit_transport::host_keys::prove;
use adit_transport::link::Link;

use crate::serve::charter::Charter;
use crate::serve::doorman::Doorman;
use crate::serve::gate::Gate;
use crate::serve::host_keys::takes_announcements;
use crate::serve::house::House;
use crate::serve::landlord::Landlord;
use crate::serve::ledger::Ledger;
use crate::serve::lobby::Visit;
#[cfg(feature = "sessions")]
use crate::serve::sessions::{Eow, Hall};
use crate::serve::world::World;

/// Both ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    /// Where it comes from.
    pub(crate) peer: SocketAddr,
    /// Where it came in.
    pub(crate) own: SocketAddr,
}

/// A gateway. All its clones are the same.
#[derive(Debug)]
pub(crate) struct Gateway<W> {
    house: Arc<House<W>>,
}

impl<W> Clone for Gateway<W> {
    fn clone(&self) -> Self {
        Self { house: Arc::clone(&self.house) }
    }
}

impl<W: World> Gateway<W> {
    /// A gateway that goes by this charter, in this world.
    pub(crate) fn new(charter: Charter, world: W, ledger: Ledger) -> Self {
        Self { house: Arc::new(House::new(charter, world, ledger)) }
    }

    /// From now on this holds: for new connections, and for all that those which there are ask for.
    pub(crate) fn set_charter(&self, charter: Charter) {
        self.house.set_charter(charter);
    }

    /// What holds at the moment.
    pub(crate) fn charter(&self) -> Arc<Charter> {
        self.house.charter()
    }

    /// Lets a connection from `peer` in, where it may be.
    pub(crate) fn receive(&self, peer: SocketAddr) -> Option<Visit> {
        match self.house.lobby.arrive(peer.ip()) {
            Ok(visit) => Some(visit),
            Err(turned) => {
                tracing::info!(%peer, %turned, "closed");
                None
            }
        }
    }

    /// How many connections there are, and how many of them have not logged in.
    #[cfg(test)]
    pub(crate) fn count(&self) -> (usize, usize) {
        self.house.lobby.count()
    }

    /// Serves one connection to its end, or until the signal is given and what runs in it has ended
    /// or its time of grace is over.
    pub(crate) async fn attend<S>(self, stream: S, ends: Ends, mut visit: Visit, mut signal: Signal)
    where
        S: Stream,
    {
        let peer = ends.peer;
        let charter = self.house.charter();
        let let_in = self.let_in(stream, peer, &charter, &mut visit, &mut signal).await;
        let Some((link, login)) = let_in else { return };
        #[cfg(feature = "sessions")]
        let eow =
            if link.peer_is_openssh() || link.peer_is_adit() { Eow::Known } else { Eow::Unknown };
        let host_keys = Arc::clone(&charter.config.host_keys);
        let session_id = link.session_id().unwrap_or_default().to_vec();
        let limits = &charter.config.limits;
        let mut config = session::Config::default();
        // How many there may be is said by the policy, which can change meanwhile.
        config.limits.channels = config.limits.channels.max(limits.channels);
        config.limits.fund = Some(self.house.fund.clone());
        let each =
            relay::Limits { connections: config.limits.channels, ..relay::Limits::default() };
        let listeners = limits.listeners;
        let announces = takes_announcements(link.peer_identification().as_deref());
        let Session { handle, driver, openings, global_requests } = Session::new(link, config);
        if announces {
            let keys = charter.config.host_keys.iter();
            let keys = keys.map(|key| key.public_key().wire().clone()).collect();
            handle.notify(Kind::HostKeys { keys });
        }
        let tenant = self.house.registry.tenant(owner(&login), handle.clone());
        let gate = Arc::new(Gate::new(Arc::clone(&self.house), charter, login, peer));
        let landlord = Landlord::new(Arc::clone(&gate));
        let bell = landlord.bell(Forwarded::new(handle.clone()));
        let listening = remote::Server::new(global_requests, tenant, landlord)
            .dial(bell)
            .others(move |request| {
                let proofs = match request.kind() {
                    Kind::HostKeysProve { keys } => prove(&host_keys, &session_id, keys),
                    _ => None,
                };
                if let Some(proofs) = proofs {
                    request.grant(proofs);
                }
            })
            .limits(remote::Limits { listeners, relay: each })
            .until(signal.clone());
        let due = signal.clone();
        let direct = channel::Direct::new(openings);
        #[cfg(feature = "sessions")]
        let (direct, empty) = {
            let (hall, empty) =
                Hall::new(Arc::clone(&gate), handle.clone(), ends.own, eow, signal.clone());
            (direct.others(move |opening| hall.receive(opening)), empty)
        };
        let relay = Relay::new(direct, gate).limits(each).until(signal);
        let working = async {
            let _ = tokio::join!(relay.run(), listening.run());
            #[cfg(feature = "sessions")]
            empty.wait().await;
        };
        let mut driver = std::pin::pin!(driver);
        let cause = tokio::select! {
            cause = &mut driver => cause,
            () = working => {
                // What was carried last may still be on its way.
                tokio::select! {
                    cause = &mut driver => cause,
                    () = settled(&handle, due) => {
                        handle.disconnect();
                        driver.await
                    }
                }
            }
        };
        tracing::info!(%peer, %cause, "left");
    }

    /// Exchanges keys and has a user log in.
    async fn let_in<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        charter: &Charter,
        visit: &mut Visit,
        signal: &mut Signal,
    ) -> Option<(Link<S>, Login)>
    where
        S: Stream,
    {
        let keys = Arc::clone(&charter.config.host_keys);
        let mut pushed_out = visit.pushed_out();
        let mut doorman = Doorman::new(&self.house, visit, peer);
        let accepted = tokio::select! {
            accepted = accept(stream, &charter.server, keys, &mut doorman) => accepted,
            () = pushed_out.wait() => {
                tracing::info!(%peer, "closed: a newcomer has taken its place");
                return None;
            }
            () = signal.asked() => return None,
        };
        match accepted {
            Ok(mut link) => {
                if link.peer_is_adit() {
                    link.stream().is_sent_at_once();
                }
                let login = doorman.login();
                if login.is_none() {
                    tracing::error!(%peer, "somebody came in without a login");
                }
                login.map(|login| (link, login))
            }
            Err(error) => {
                let offence = doorman.offence(&error);
                tracing::info!(%peer, %error, ?offence, "nobody came in");
                visit.offended(offence);
                None
            }
        }
    }
}

/// Returns when all that was carried has arrived, or the time of grace is over.
async fn settled(session: &Handle, mut signal: Signal) {
    tokio::select! {
        () = session.idle() => {}
        () = signal.due() => {}
    }
}

/// Whose connections may take listeners over from each other: those of one user by one key.
fn owner(login: &Login) -> Owner {
    let key = login.fingerprint().unwrap_or_default();
    Owner::new(&format!("{key} {}", login.user.name))
}
