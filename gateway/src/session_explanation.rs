//! Why the policy says what it says of sessions.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::effect::Effect;
use crate::explanation::Step;
use crate::service::Service;
use crate::verdict::Reason;

/// Why a session may have something, or not.
///
/// `Display` shows it as text of several lines, the last without an end; serde as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The user's name.
    pub user: Arc<str>,
    /// Where it comes from.
    pub source: IpAddr,
    /// What its session is to have.
    pub service: Service,
    /// The rules that were asked, in their order; none where none had to be.
    pub steps: Vec<Step>,
    /// The name of the rule that allows it, or why none does.
    pub ruling: Result<Arc<str>, Reason>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, source, service, .. } = self;
        write!(f, "user {user} from {source}, session {service}: {}", self.verdict())?;
        for step in &self.steps {
            write!(f, "\n  {step}")?;
        }
        match self.ruling.as_ref().err().and_then(Reason::hint) {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl Explanation {
    fn verdict(&self) -> String {
        match &self.ruling {
            Ok(rule) => format!("allowed by rule `{rule}`"),
            Err(reason) => format!("denied: {reason}"),
        }
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (effect, rule, reason) = match &self.ruling {
            Ok(rule) => (Effect::Allow, Some(&**rule), None),
            Err(reason) => (Effect::Deny, reason.rule(), Some(reason)),
        };
        let mut out = serializer.serialize_struct("Explanation", 8)?;
        out.serialize_field("user", &*self.user)?;
        out.serialize_field("source", &self.source)?;
        out.serialize_field("session", &self.service)?;
        out.serialize_field("verdict", &effect)?;
        out.serialize_field("rule", &rule)?;
        out.serialize_field("reason", &reason)?;
        out.serialize_field("text", &self.verdict())?;
        out.serialize_field("steps", &self.steps)?;
        out.end()
    }
}
