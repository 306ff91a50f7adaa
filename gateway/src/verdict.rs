//! What the policy says.

use std::fmt;
use std::sync::Arc;

use adit_forward::refusal::Refusal;
use serde::{Serialize, Serializer};

use crate::ask;
use crate::host::Name;
use crate::limits::allowance::Exceeded;
use crate::service::Service;
use crate::subject::Pinned;

/// What the policy says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be.
    Allow(Allowed),
    /// It may not be.
    Deny(Reason),
}

/// What may be dialled, or bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The addresses or the path; at least one. Nothing else may be dialled in their place: a name
    /// must not be resolved again.
    pub ways: Vec<Way>,
    /// Other addresses of the same host, and why they must not be dialled.
    pub barred: Vec<(Pinned, Reason)>,
    /// Whether this is all that was asked for.
    pub extent: Extent,
}

/// An address or a path that may be dialled or bound, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The address or the path.
    pub to: Pinned,
    /// The name of the rule that allows it.
    pub rule: Arc<str>,
}

/// Whether all that was asked for is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// It is, but for what is barred.
    AsAsked,
    /// The client left open where it is to be listened; it may be on loopback addresses only.
    /// It should be told so.
    Loopback,
}

impl Verdict {
    /// The name of the rule that has decided: of the first way, or the one that denies.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Allow(allowed) => allowed.ways.first().map(|way| &*way.rule),
            Self::Deny(reason) => reason.rule(),
        }
    }

    /// Whether it may be.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(_) => write!(f, "allowed by rule `{}`", self.rule().unwrap_or_default()),
            Self::Deny(reason) => write!(f, "denied: {reason}"),
        }
    }
}

/// Why something may not be. It is for the log; what a client is told of it, others decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It is not clear what is asked for.
    #[error(transparent)]
    Unclear(#[from] ask::Unclear),
    /// The login was good until some time, and that has passed.
    #[error("the key or the certificate has expired since the login")]
    Expired,
    /// The configuration has changed since the login, and would not let the user in any more.
    #[error("the user would not be let in any more")]
    Login,
    /// The connection has as much as it may have.
    #[error(transparent)]
    Limit(#[from] Exceeded),
    /// `restrict` or `no-port-forwarding`.
    #[error("the key's options permit no forwarding")]
    KeyForwarding,
    /// `permitopen` or `permitlisten`, whichever the text is.
    #[error("the key's option {0} does not name it")]
    KeyTarget(&'static str),
    /// A certificate without `permit-port-forwarding`.
    #[error("the certificate permits no port forwarding")]
    Certificate,
    /// `restrict`, or an option that begins with `no-`.
    #[error("the key's options permit no {0}")]
    KeySession(Service),
    /// A certificate without the extension for it.
    #[error("the certificate permits no {0}")]
    CertificateSession(Service),
    /// There is no such subsystem.
    #[error("there is no subsystem {0:?}")]
    NoSubsystem(String),
    /// A port below 1024, to listen on.
    #[error("ports below 1024 are for users with `privileged-ports`")]
    PrivilegedPort,
    /// The name has no address.
    #[error("{0} has no address")]
    NoAddress(Name),
    /// The name could not be resolved.
    #[error("{0} could not be resolved")]
    Unresolved(Name),
    /// Where the path leads was not found out.
    #[error("it is not known where the path leads")]
    UnknownPath,
    /// No rule matches.
    #[error("no rule allows it")]
    NoRule,
    /// A rule denies it.
    #[error("rule `{0}` denies it")]
    Rule(Arc<str>),
    /// A rule allows the name, and another denies the address.
    #[error("rule `{allowed}` allows the name, but rule `{denied}` denies its address")]
    Address {
        /// The one that allows.
        allowed: Arc<str>,
        /// The one that denies.
        denied: Arc<str>,
    },
    /// A rule that denies may or may not mean this.
    #[error("rule `{rule}` denies {name}, which could not be resolved and may be this")]
    Undecided {
        /// The rule.
        rule: Arc<str>,
        /// The name in it.
        name: Name,
    },
}

impl Reason {
    /// The name of the rule that denies.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Rule(rule)
            | Self::Address { denied: rule, .. }
            | Self::Undecided { rule, .. } => Some(rule),
            _ => None,
        }
    }

    /// One word for it, which does not change from release to release.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unclear(_) => "unclear",
            Self::Expired => "expired",
            Self::Login => "login",
            Self::Limit(_) => "limit",
            Self::KeyForwarding => "key-forwarding",
            Self::KeyTarget(option) => option,
            Self::Certificate => "certificate",
            Self::KeySession(_) => "key-session",
            Self::CertificateSession(_) => "certificate-session",
            Self::NoSubsystem(_) => "no-subsystem",
            Self::PrivilegedPort => "privileged-port",
            Self::NoAddress(_) => "no-address",
            Self::Unresolved(_) => "unresolved",
            Self::UnknownPath => "unknown-path",
            Self::NoRule => "no-rule",
            Self::Rule(_) => "rule",
            Self::Address { .. } => "address",
            Self::Undecided { .. } => "undecided",
        }
    }

    /// What the client is told: why, as far as that is about itself, and of the rules not even
    /// their names.
    pub fn refusal(&self) -> Refusal {
        let words = match self {
            // These are no matter of policy: there is nothing to be reached.
            Self::NoAddress(_) | Self::Unresolved(_) => return Refusal::NameNotFound,
            Self::UnknownPath => return Refusal::NameNotFound,
            Self::Limit(_) => return Refusal::ResourceShortage,
            Self::PrivilegedPort => "ports below 1024 are for privileged users".to_owned(),
            Self::NoRule | Self::Rule(_) | Self::Address { .. } | Self::Undecided { .. } => {
                "the policy of the gateway does not permit it".to_owned()
            }
            Self::Unclear(_)
            | Self::Expired
            | Self::Login
            | Self::KeyForwarding
            | Self::KeyTarget(_)
            | Self::KeySession(_)
            | Self::CertificateSession(_)
            | Self::NoSubsystem(_)
            | Self::Certificate => self.to_string(),
        };
        Refusal::Prohibited(words)
    }

    /// What whoever runs the gateway can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Address { denied, .. } => Some(format!(
                "to allow the host nevertheless, allow its address in a rule before `{denied}`"
            )),
            Self::NoRule => Some("what no rule allows is denied".to_owned()),
            Self::Undecided { name, .. } => Some(format!("deny {name} by its address")),
            _ => None,
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_learns_nothing_of_the_rules() {
        let rule: Arc<str> = "secret".into();
        let refused = Reason::NoRule.refusal();
        for reason in
            [Reason::Rule(rule.clone()), Reason::Address { allowed: rule.clone(), denied: rule }]
        {
            assert_eq!(reason.refusal(), refused);
        }
        let told = Reason::KeyTarget("permitopen").refusal();
        let words = "the key's option permitopen does not name it".to_owned();
        assert_eq!(told, Refusal::Prohibited(words));
    }
}
