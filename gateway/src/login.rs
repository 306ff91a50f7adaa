//! Users that are logged in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::certified::Certified;
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
    /// What its certificate permits.
    pub certified: Certified,
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
            certified: Certified::default(),
            demand: Demand::default(),
            until: None,
        }
    }

    /// The command that is run in place of what the client asks for.
    pub fn forced_command(&self) -> Option<&str> {
        self.terms.command.as_deref().or(self.certified.command.as_deref())
    }

    /// The machine's account that its sessions run as.
    pub fn account(&self) -> &str {
        self.user.account.as_deref().unwrap_or(&self.user.name)
    }

    /// The fingerprint of its key.
    pub fn fingerprint(&self) -> Option<String> {
        self.credential.as_ref().map(|it| it.fingerprint().to_string())
    }
}
