//! Who may come in to a gateway.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use adit_transport::accept::Decide;
use adit_transport::authorized_keys::permissions::Permissions;
use adit_transport::authorized_keys::{self, AuthorizedKeys};
use adit_transport::event::{Decision, LoginMethod, LoginRequest, Proof};
use adit_transport::name::NameList;
use adit_transport::public_key::PublicKey;

use crate::failure::{Exit, Failure};

/// Decides on the logins of one connection.
#[derive(Debug)]
pub(crate) struct Doorman {
    authorized: Arc<Authorized>,
    peer: SocketAddr,
    methods: NameList,
    guest: Option<Guest>,
}

/// The keys that may come in.
#[derive(Debug)]
pub(crate) enum Authorized {
    /// Those in a file, which is read anew for each login, so that a change counts at once.
    File(PathBuf),
    /// These, in the form of such a file.
    Text(String),
}

impl Authorized {
    /// Makes sure that the file can be read, and tells which of its lines cannot.
    ///
    /// # Errors
    /// Where it cannot.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let keys = self.keys().map_err(|error| {
            let failure = Failure::new(Exit::Usage, &error);
            match error.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        for warning in keys.warnings() {
            eprintln!("adit: warning: {warning}");
        }
        Ok(())
    }

    fn keys(&self) -> Result<AuthorizedKeys, authorized_keys::Error> {
        match self {
            Self::File(path) => AuthorizedKeys::load(path),
            Self::Text(text) => Ok(AuthorizedKeys::parse(text, "authorized keys")),
        }
    }
}

/// Who came in.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    /// The name by which the user logged in.
    pub(crate) user: String,
    /// What the user's key permits.
    pub(crate) permissions: Permissions,
}

impl Doorman {
    /// A doorman for the connection from `peer`.
    pub(crate) fn new(authorized: Arc<Authorized>, peer: SocketAddr) -> Self {
        let methods = NameList::parse("publickey").unwrap_or_default();
        Self { authorized, peer, methods, guest: None }
    }

    /// Who came in, once somebody has.
    pub(crate) fn guest(self) -> Option<Guest> {
        self.guest
    }

    fn admit(&mut self, user: &str, key: PublicKey, proof: Proof) -> bool {
        let peer = self.peer;
        let keys = match self.authorized.keys() {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(%error, "nobody can log in");
                return false;
            }
        };
        for warning in keys.warnings() {
            tracing::warn!("{warning}");
        }
        for entry in keys.find(&key) {
            match entry.permissions() {
                Ok(permissions) => {
                    if proof == Proof::Verified {
                        let fingerprint = key.fingerprint();
                        tracing::info!(%peer, user, %fingerprint, entry.comment, "logged in");
                        self.guest = Some(Guest { user: user.to_owned(), permissions });
                    }
                    return true;
                }
                Err(refused) => {
                    tracing::warn!(%peer, user, line = entry.line, %refused, "key refused");
                }
            }
        }
        tracing::info!(%peer, user, fingerprint = %key.fingerprint(), "key not authorized");
        false
    }
}

impl Decide for Doorman {
    async fn decide(&mut self, request: LoginRequest) -> Decision {
        let admitted = match request.method {
            LoginMethod::PublicKey { key, proof, .. } => {
                PublicKey::from_wire(key).is_ok_and(|key| self.admit(&request.user, key, proof))
            }
            _ => false,
        };
        if admitted { Decision::Accept } else { Decision::Refuse { methods: self.methods.clone() } }
    }
}
