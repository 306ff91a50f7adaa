//! Who may come in to a gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use adit_gateway::credential::Credential;
use adit_gateway::limits::penalties::Offence;
use adit_gateway::login::Login;
use adit_transport::accept::Decide;
use adit_transport::error::{Blame, Error as ProtocolError, Violation};
use adit_transport::event::{Decision, LoginMethod, LoginRequest, Proof};
use adit_transport::link;
use bytes::Bytes;

use crate::serve::charter::methods;
use crate::serve::house::House;
use crate::serve::lobby::Visit;
use crate::serve::world::World;

/// Decides on the logins of one connection.
#[derive(Debug)]
pub(crate) struct Doorman<'a, W> {
    house: &'a House<W>,
    visit: &'a Visit,
    peer: SocketAddr,
    tried: Tried,
    login: Option<Login>,
}

/// Whether anybody has tried to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// Nobody has.
    No,
    /// Somebody has, and was refused.
    Refused,
    /// Somebody would have been let in but for the number of connections, which is no offence.
    Crowded,
}

impl<'a, W: World> Doorman<'a, W> {
    /// A doorman for the connection from `peer`.
    pub(crate) fn new(house: &'a House<W>, visit: &'a Visit, peer: SocketAddr) -> Self {
        Self { house, visit, peer, tried: Tried::No, login: None }
    }

    /// Who came in, once somebody has.
    pub(crate) fn login(self) -> Option<Login> {
        self.login
    }

    /// What it is to have ended before anybody came in, by this error.
    pub(crate) fn offence(&self, error: &link::Error) -> Option<Offence> {
        let by_tries = match self.tried {
            Tried::No => Some(Offence::NoAuth),
            Tried::Refused => Some(Offence::AuthFailed),
            Tried::Crowded => None,
        };
        let link::Error::Protocol(error) = error else { return by_tries };
        match error {
            ProtocolError::Violation(Violation::TooManyLoginAttempts) => match self.tried {
                Tried::Crowded => None,
                _ => Some(Offence::AuthFailed),
            },
            ProtocolError::TimedOut(_) => Some(Offence::GraceExceeded),
            // Whatever connects to look what there is.
            ProtocolError::Identification(_) => Some(Offence::NoAuth),
            error if error.blame() == Blame::Peer => Some(Offence::Crash),
            _ => by_tries,
        }
    }

    fn admit(&mut self, user: &str, key: Bytes, proof: Proof) -> bool {
        let peer = self.peer;
        let credential = match Credential::from_wire(key) {
            Ok(credential) => Arc::new(credential),
            Err(error) => {
                tracing::info!(%peer, user, %error, "refused");
                return false;
            }
        };
        let (now, charter) = (self.house.world.now(), self.house.charter());
        let login = match charter.config.register.admit(user, &credential, peer.ip(), now) {
            Ok(login) => login,
            Err(denied) => {
                tracing::info!(%peer, user, %credential, %denied, "refused");
                return false;
            }
        };
        let Proof::Verified(presence) = proof else { return true };
        if let Err(unmet) = login.demand.check(presence) {
            tracing::info!(%peer, user, %credential, %unmet, "refused");
            return false;
        }
        if let Err(turned) = self.visit.enter(&login.user.name) {
            tracing::warn!(%peer, user, %credential, %turned, "refused");
            self.tried = Tried::Crowded;
            return false;
        }
        tracing::info!(%peer, user, %credential, "logged in");
        self.login = Some(login);
        true
    }
}

impl<W: World> Decide for Doorman<'_, W> {
    async fn decide(&mut self, request: LoginRequest) -> Decision {
        let is_try = !matches!(request.method, LoginMethod::None);
        let admitted = match request.method {
            LoginMethod::PublicKey { key, proof, .. } => self.admit(&request.user, key, proof),
            _ => false,
        };
        if admitted {
            return Decision::Accept;
        }
        if is_try && self.tried == Tried::No {
            self.tried = Tried::Refused;
        }
        Decision::Refuse { methods: methods() }
    }
}
