//! Why the policy says what it says.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::ask::Ask;
use crate::effect::Effect;
use crate::host::Name;
use crate::pattern::Pattern;
use crate::ruling::Outcome;
use crate::subject::Pinned;
use crate::verdict::{Extent, Reason, Verdict};

/// Why the policy says what it says to one question: the way that each address took through the
/// rules.
///
/// `Display` shows it as text of several lines, the last without an end; serde as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The user's name.
    pub user: Arc<str>,
    /// Where it comes from.
    pub source: IpAddr,
    /// What it asks for.
    pub ask: Ask,
    /// The addresses or the path that this comes down to; none where no rule had to be asked.
    pub paths: Vec<Path>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The way of one address or path through the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The name that it was found by.
    pub name: Option<Name>,
    /// The address or path; `None` for a name that was not looked up, since no rule could allow
    /// it.
    pub place: Option<Pinned>,
    /// The rules that were asked, in their order.
    pub steps: Vec<Step>,
    /// The name of the rule that allows it, or why none does.
    pub ruling: Result<Arc<str>, Reason>,
}

/// What one rule had to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule's name.
    pub rule: Arc<str>,
    /// What it does.
    pub effect: Effect,
    /// What it had to say.
    pub outcome: Outcome,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, source, ask, verdict, .. } = self;
        write!(f, "user {user} from {source}, {} {}: {verdict}", ask.direction, ask.place)?;
        if matches!(verdict, Verdict::Allow(allowed) if allowed.extent == Extent::Loopback) {
            f.write_str(", on loopback addresses only")?;
        }
        for path in &self.paths {
            let place = match (&path.place, &path.name) {
                (Some(place), _) => place.to_string(),
                (None, Some(name)) => format!("{name}, not looked up"),
                (None, None) => "anything".to_owned(),
            };
            match &path.ruling {
                Ok(rule) => write!(f, "\n  {place}: allowed by rule `{rule}`")?,
                Err(reason) => write!(f, "\n  {place}: denied: {reason}")?,
            }
            for step in &path.steps {
                write!(f, "\n    {step}")?;
            }
        }
        match verdict {
            Verdict::Deny(reason) => match reason.hint() {
                Some(hint) => write!(f, "\nhint: {hint}"),
                None => Ok(()),
            },
            Verdict::Allow(_) => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, effect, outcome } = self;
        let does = match effect {
            Effect::Allow => "allows",
            Effect::Deny => "denies",
        };
        match outcome {
            Outcome::Mismatch(mismatch) => write!(f, "rule `{rule}` does not match: {mismatch}"),
            Outcome::Decides(None) => write!(f, "rule `{rule}` {does} it"),
            Outcome::Decides(Some(pattern)) => write!(f, "rule `{rule}` {does} it by {pattern}"),
            Outcome::AllowsName(Some(pattern)) => write!(
                f,
                "rule `{rule}` allows the name by {pattern}; later rules may deny the address"
            ),
            Outcome::AllowsName(None) => write!(f, "rule `{rule}` allows the name"),
            Outcome::AfterName => write!(
                f,
                "rule `{rule}` comes after one that allows the name, and does not mean the address"
            ),
            Outcome::Needless => {
                write!(f, "rule `{rule}` need not be asked: it denies, and nothing allows it")
            }
        }
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Explanation", 9)?;
        out.serialize_field("user", &*self.user)?;
        out.serialize_field("source", &self.source)?;
        out.serialize_field("direction", &self.ask.direction)?;
        out.serialize_field("target", &self.ask.place.to_string())?;
        let (effect, reason) = match &self.verdict {
            Verdict::Allow(_) => (Effect::Allow, None),
            Verdict::Deny(reason) => (Effect::Deny, Some(reason)),
        };
        out.serialize_field("verdict", &effect)?;
        out.serialize_field("rule", &self.verdict.rule())?;
        out.serialize_field("reason", &reason)?;
        out.serialize_field("text", &self.verdict.to_string())?;
        out.serialize_field("paths", &self.paths)?;
        out.end()
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Path", 5)?;
        out.serialize_field("name", &self.name.as_ref().map(Name::as_str))?;
        out.serialize_field("place", &self.place)?;
        let effect = if self.ruling.is_ok() { Effect::Allow } else { Effect::Deny };
        out.serialize_field("verdict", &effect)?;
        out.serialize_field("reason", &self.ruling.as_ref().err())?;
        out.serialize_field("steps", &self.steps)?;
        out.end()
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (outcome, pattern): (_, Option<&Pattern>) = match &self.outcome {
            Outcome::Mismatch(_) => ("mismatch", None),
            Outcome::Decides(pattern) => ("decides", pattern.as_ref()),
            Outcome::AllowsName(pattern) => ("allows-name", pattern.as_ref()),
            Outcome::AfterName => ("after-name", None),
            Outcome::Needless => ("needless", None),
        };
        let mut out = serializer.serialize_struct("Step", 5)?;
        out.serialize_field("rule", &*self.rule)?;
        out.serialize_field("effect", &self.effect)?;
        out.serialize_field("outcome", outcome)?;
        out.serialize_field("pattern", &pattern.map(ToString::to_string))?;
        out.serialize_field("text", &self.to_string())?;
        out.end()
    }
}
