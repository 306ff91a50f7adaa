//! Users that are logged in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use adit_transport::authorized_keys::option::Grant;

use crate::credential::Credential;
use crate::demand::Demand;
use crate::terms::Terms;
use crate::user::User;

/// A user that is logged in: who asks, for all questions of one connection.
///
/// It holds what was true when it was [admitted](crate::register::Register::admit). After the
/// configuration was read again, admit the same user with the same credential again, and judge by
/// the outcome what is asked from then on.
#[derive(Debug, Clone)]
pub struct Login {
    /// Who it is.
    pub user: Arc<User>,
    /// What it has shown; `None` where a question is only supposed.
    pub credential: Option<Arc<Credential>>,
    /// The configured authority that has signed its certificate.
    pub authority: Option<Arc<str>>,
    /// Where it comes from.
    pub source: IpAddr,
    /// What the options of its key ask for.
    pub terms: Arc<Terms>,
    /// Whether its certificate permits that anything is forwarded.
    pub certified: Grant,
    /// What the signature that proves its key must say.
    pub demand: Demand,
    /// When its key or its certificate ceases to be good.
    pub until: Option<SystemTime>,
}

impl Login {
    /// A login that nobody has made, by a key without options: to explain what would be.
    pub fn supposed(user: Arc<User>, source: IpAddr) -> Self {
        Self {
            user,
            credential: None,
            authority: None,
            source,
            terms: Arc::default(),
            certified: Grant::Allowed,
            demand: Demand::default(),
            until: None,
        }
    }

    /// The fingerprint of its key.
    pub fn fingerprint(&self) -> Option<String> {
        self.credential.as_ref().map(|it| it.fingerprint().to_string())
    }
}
