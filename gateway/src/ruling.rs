//! What rules say about one address or path.
//!
//! The first rule that matches decides, with one exception. A rule that allows a name does not
//! decide about the address: whoever runs the name server has chosen that. So the walk goes on, and
//! where a later rule means the address itself, a denial counts.
//!
//! ```text
//!            no match                         no match, or by name, or a rule without targets
//!           .--------.                       .--------.
//!           v        |                       v        |
//!  start -> searching --- allow by name ---> named ---'--- end of rules, or allow by address --> allowed
//!           | | |                            |
//!           | | '-- allow ----------> allowed '-- deny by address --> denied
//!           | '---- deny -----------> denied
//!           '------ end of rules ---> denied
//! ```

use std::sync::Arc;
use std::time::SystemTime;

use crate::answers::Answers;
use crate::effect::Effect;
use crate::login::Login;
use crate::pattern::{Hit, Pattern};
use crate::question::Question;
use crate::rule::{Mismatch, Rule};
use crate::service::Service;
use crate::subject::Subject;
use crate::verdict::Reason;

/// The rule that allows the subject, or why none does.
pub(crate) type Ruling = Result<Arc<str>, Reason>;

/// What one rule has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It does not match.
    Mismatch(Mismatch),
    /// It matches, by this pattern or by having no targets, and decides.
    Decides(Option<Pattern>),
    /// It allows the name by this pattern, and leaves the address to the rules after it.
    AllowsName(Option<Pattern>),
    /// An earlier rule has allowed the name, and this one does not mean the address itself.
    AfterName,
    /// It denies, and no rule could allow it anyway.
    Needless,
}

/// Walks the rules in their order. `told` hears what each has to say, up to the last that was
/// asked.
pub(crate) fn rule(
    rules: &[Rule],
    question: &Question<'_>,
    subject: &Subject,
    answers: &Answers,
    mut told: impl FnMut(&Rule, Outcome),
) -> Ruling {
    let mut named: Option<&Rule> = None;
    for rule in rules {
        let matched = rule
            .applies(question.login, subject.direction, question.now)
            .and_then(|()| rule.hit(subject, answers));
        let (hit, pattern) = match matched {
            Ok((hit, pattern)) => (hit, pattern.cloned()),
            Err(mismatch) => {
                let undecided = undecided(rule, &mismatch).filter(|_| named.is_none());
                told(rule, Outcome::Mismatch(mismatch));
                match undecided {
                    Some(reason) => return Err(reason),
                    None => continue,
                }
            }
        };
        match (named, rule.effect, hit) {
            (None, Effect::Allow, Hit::Name) => {
                told(rule, Outcome::AllowsName(pattern));
                named = Some(rule);
            }
            (None, Effect::Allow, _) => {
                told(rule, Outcome::Decides(pattern));
                return Ok(rule.name.clone());
            }
            (None, Effect::Deny, _) => {
                told(rule, Outcome::Decides(pattern));
                return Err(Reason::Rule(rule.name.clone()));
            }
            (Some(by_name), effect, Hit::Address) => {
                told(rule, Outcome::Decides(pattern));
                return address(by_name, effect, rule);
            }
            (Some(_), _, _) => told(rule, Outcome::AfterName),
        }
    }
    named.map(|rule| rule.name.clone()).ok_or(Reason::NoRule)
}

/// Walks the rules in their order for a session that is to have this.
pub(crate) fn in_session(
    rules: &[Rule],
    login: &Login,
    service: &Service,
    now: SystemTime,
    mut told: impl FnMut(&Rule, Outcome),
) -> Ruling {
    for rule in rules {
        if let Err(mismatch) = rule.applies_in_session(login, service, now) {
            told(rule, Outcome::Mismatch(mismatch));
            continue;
        }
        told(rule, Outcome::Decides(None));
        return match rule.effect {
            Effect::Allow => Ok(rule.name.clone()),
            Effect::Deny => Err(Reason::Rule(rule.name.clone())),
        };
    }
    Err(Reason::NoRule)
}

/// A rule that denies a name whose addresses are not known could be about any address.
fn undecided(rule: &Rule, mismatch: &Mismatch) -> Option<Reason> {
    match (rule.effect, mismatch) {
        (Effect::Deny, Mismatch::Unknown(name)) => {
            Some(Reason::Undecided { rule: rule.name.clone(), name: name.clone() })
        }
        _ => None,
    }
}

/// One rule has allowed the name, and another one means the address.
fn address(by_name: &Rule, effect: Effect, rule: &Rule) -> Ruling {
    match effect {
        Effect::Allow => Ok(by_name.name.clone()),
        Effect::Deny => {
            Err(Reason::Address { allowed: by_name.name.clone(), denied: rule.name.clone() })
        }
    }
}
