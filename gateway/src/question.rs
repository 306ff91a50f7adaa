//! What is put to the policy.

use std::time::SystemTime;

use crate::ask::Ask;
use crate::login::Login;

/// What is put to the policy: may this user have this, now?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who asks.
    pub login: &'a Login,
    /// For what.
    pub ask: &'a Ask,
    /// When.
    pub now: SystemTime,
}
