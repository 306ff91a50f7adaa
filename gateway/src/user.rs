//! Users and whom they believe.

use std::sync::Arc;

use adit_transport::public_key::PublicKey;

use crate::key_line::KeyLine;

/// A user of the gateway. It need not be one of the machine's.
#[derive(Debug, Clone)]
pub struct User {
    /// The name, by which it logs in.
    pub name: Arc<str>,
    /// The groups that it is in.
    pub groups: Vec<Arc<str>>,
    /// The keys that let it in, and those that sign certificates which do.
    pub keys: Vec<KeyLine>,
    /// The authorities whose certificates let it in.
    pub authorities: Vec<Arc<Authority>>,
    /// The principals one of which a certificate of these must have. Usually its name.
    pub principals: Vec<String>,
    /// Whether it may listen on ports below 1024.
    pub privilege: Privilege,
    /// The machine's account that its sessions run as; `None` for the one of its name.
    pub account: Option<Arc<str>>,
}

/// Whether a user may listen on ports below 1024.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Privilege {
    /// It may not.
    #[default]
    Ordinary,
    /// It may, where a rule allows it.
    PrivilegedPorts,
}

/// Whoever signs certificates.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The name, by which rules call it.
    pub name: Arc<str>,
    /// The keys that it signs with: several while one takes over from another.
    pub keys: Vec<PublicKey>,
}
