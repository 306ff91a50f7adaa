//! The policy: all rules, in their order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::SystemTime;

use adit_transport::authorized_keys::option::Grant;

use crate::answers::{Answer, Answers, Wants};
use crate::ask::{Ask, Direction, Place, Said};
use crate::effect::Effect;
use crate::explanation::{Explanation, Path, Step};
use crate::host::{Host, Name};
use crate::login::Login;
use crate::pattern::Pattern;
use crate::question::Question;
use crate::rule::{Mismatch, Rule};
use crate::ruling::{self, Outcome, Ruling};
use crate::service::Service;
use crate::session_explanation;
use crate::subject::{Pinned, Subject};
use crate::terms;
use crate::user::Privilege;
use crate::verdict::{Allowed, Extent, Reason, Verdict, Way};

/// The ports that are for some users only.
const PRIVILEGED: std::ops::Range<u16> = 1..1024;

const ALL: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// All rules, in their order. Without any, nothing is allowed.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: Vec<Rule>,
}

impl Policy {
    /// A policy of these rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What has to be found out before the question can be [judged](Self::judge): often nothing.
    pub fn wants(&self, question: &Question<'_>) -> Wants {
        let mut wants = Wants::default();
        if self.check_name(question).is_err() {
            return wants;
        }
        let direction = question.ask.direction;
        let terms = question.login.terms.permitted(direction).unwrap_or_default();
        let applies = |rule: &&Rule| rule.applies(question.login, direction, question.now).is_ok();
        let rules = self.rules.iter().filter(applies).flat_map(|rule| &rule.targets);
        let patterns = terms.iter().chain(rules);
        match &question.ask.place {
            Place::Tcp { host, port } => {
                if let Host::Name(name) = host {
                    wants.names.insert(name.clone());
                }
                wants.names.extend(patterns.filter_map(|it| it.wants_name(*port)).cloned());
            }
            Place::Everywhere { port, .. } => {
                wants.names.extend(patterns.filter_map(|it| it.wants_name(*port)).cloned());
            }
            Place::Socket(path) => {
                wants.paths.insert(path.clone());
                wants.paths.extend(patterns.filter_map(Pattern::wants_path).cloned());
            }
        }
        wants.names.retain(|name| !name.is_localhost());
        wants
    }

    /// Judges a question, with all that it [wants](Self::wants) answered.
    ///
    /// Where a client lets the system choose the port to listen on, ask again with the port that
    /// was chosen, and let go of it where that is denied.
    pub fn judge(&self, question: &Question<'_>, answers: &Answers) -> Verdict {
        if let Err(reason) = self.check_name(question) {
            return Verdict::Deny(reason);
        }
        examine(question, answers, &mut |subject| {
            self.decide(question, subject, answers, |_, _| {})
        })
    }

    /// Judges a question, and says why.
    pub fn explain(&self, question: &Question<'_>, answers: &Answers) -> Explanation {
        let mut paths = Vec::new();
        let verdict = match self.check_name(question) {
            Err(reason) => {
                paths.extend(self.hopeless(question, &reason));
                Verdict::Deny(reason)
            }
            Ok(()) => examine(question, answers, &mut |subject| {
                let mut steps = Vec::new();
                let ruling = self.decide(question, subject, answers, |rule, outcome| {
                    steps.push(Step { rule: rule.name.clone(), effect: rule.effect, outcome });
                });
                let Subject { name, place, .. } = subject.clone();
                paths.push(Path { name, place: Some(place), steps, ruling: ruling.clone() });
                ruling
            }),
        };
        Explanation {
            user: question.login.user.name.clone(),
            source: question.login.source,
            ask: question.ask.clone(),
            paths,
            verdict,
        }
    }

    /// The rule by which a session may have this, or why it may not.
    ///
    /// # Errors
    /// [`Reason`].
    pub fn session(&self, login: &Login, service: &Service, now: SystemTime) -> Ruling {
        check_session(login, service, now)?;
        ruling::in_session(&self.rules, login, service, now, |_, _| {})
    }

    /// The same, and why.
    pub fn explain_session(
        &self,
        login: &Login,
        service: &Service,
        now: SystemTime,
    ) -> session_explanation::Explanation {
        let mut steps = Vec::new();
        let ruling = check_session(login, service, now).and_then(|()| {
            ruling::in_session(&self.rules, login, service, now, |rule, outcome| {
                steps.push(Step { rule: rule.name.clone(), effect: rule.effect, outcome });
            })
        });
        let (user, source) = (login.user.name.clone(), login.source);
        session_explanation::Explanation { user, source, service: service.clone(), steps, ruling }
    }

    /// Whether there is anything that a session of this user may run; otherwise why not.
    ///
    /// # Errors
    /// [`Reason`].
    pub fn any_session(&self, login: &Login, now: SystemTime) -> Result<(), Reason> {
        let runs = |it: &&Service| !matches!(it, Service::Pty | Service::Agent | Service::X11);
        let named = self.rules.iter().flat_map(|rule| &rule.sessions).filter(runs);
        let mut why = Reason::NoRule;
        for service in named {
            match self.session(login, service, now) {
                Ok(_) => return Ok(()),
                Err(reason) => why = reason,
            }
        }
        Err(why)
    }

    /// What holds for all that a name could mean. Names that nothing could allow are not looked up:
    /// nobody who may have nothing is to have the gateway ask name servers of his choice.
    fn check_name(&self, question: &Question<'_>) -> Result<(), Reason> {
        check_login(question)?;
        let Some((name, port)) = to_look_up(question.ask) else { return Ok(()) };
        let direction = question.ask.direction;
        if let Some(permitted) = question.login.terms.permitted(direction)
            && !permitted.iter().any(|it| it.may_mean(name, port))
        {
            return Err(Reason::KeyTarget(terms::option_name(direction)));
        }
        let may_allow = |rule: &Rule| {
            rule.effect == Effect::Allow
                && rule.applies(question.login, direction, question.now).is_ok()
                && (rule.targets.is_empty()
                    || rule.targets.iter().any(|it| it.may_mean(name, port)))
        };
        if self.rules.iter().any(may_allow) { Ok(()) } else { Err(Reason::NoRule) }
    }

    /// What the rules have to say to a name that none of them could allow.
    fn hopeless(&self, question: &Question<'_>, reason: &Reason) -> Option<Path> {
        let (name, _) = to_look_up(question.ask).filter(|_| *reason == Reason::NoRule)?;
        let step = |rule: &Rule| {
            let applies = rule.applies(question.login, question.ask.direction, question.now);
            let outcome = match (applies, rule.effect) {
                (Err(mismatch), _) => Outcome::Mismatch(mismatch),
                (Ok(()), Effect::Allow) => Outcome::Mismatch(Mismatch::Target),
                (Ok(()), Effect::Deny) => Outcome::Needless,
            };
            Step { rule: rule.name.clone(), effect: rule.effect, outcome }
        };
        let steps = self.rules.iter().map(step).collect();
        Some(Path { name: Some(name.clone()), place: None, steps, ruling: Err(Reason::NoRule) })
    }

    fn decide(
        &self,
        question: &Question<'_>,
        subject: &Subject,
        answers: &Answers,
        told: impl FnMut(&Rule, Outcome),
    ) -> Ruling {
        check_key(question, subject, answers)?;
        ruling::rule(&self.rules, question, subject, answers, told)
    }
}

/// Takes a question apart, has each part decided, and puts the answers together.
fn examine(
    question: &Question<'_>,
    answers: &Answers,
    decide: &mut dyn FnMut(&Subject) -> Ruling,
) -> Verdict {
    let subjects = match subjects(question.ask, answers) {
        Ok(subjects) => subjects,
        Err(reason) => return Verdict::Deny(reason),
    };
    let mut judge = |subjects: Vec<Subject>, extent| {
        let each = subjects.into_iter().map(|subject| {
            let ruling = decide(&subject);
            (subject.place, ruling)
        });
        verdict(each, extent)
    };
    let verdict = judge(subjects, Extent::AsAsked);
    match question.ask.place {
        Place::Everywhere { said: Said::Nothing, port } if !verdict.is_allowed() => {
            let narrower = tcp(question.ask.direction, None, &LOOPBACK, port);
            let narrowed = judge(narrower, Extent::Loopback);
            if narrowed.is_allowed() { narrowed } else { verdict }
        }
        _ => verdict,
    }
}

/// The name and the port that are asked for, where the name has to be looked up.
fn to_look_up(ask: &Ask) -> Option<(&Name, u16)> {
    match &ask.place {
        Place::Tcp { host: Host::Name(name), port } if !name.is_localhost() => Some((name, *port)),
        _ => None,
    }
}

/// What holds for all targets alike.
fn check_login(question: &Question<'_>) -> Result<(), Reason> {
    let Question { login, ask, now } = question;
    if login.until.is_some_and(|until| *now >= until) {
        return Err(Reason::Expired);
    }
    if login.terms.forwarding == Grant::Denied {
        return Err(Reason::KeyForwarding);
    }
    if login.certified.forwarding == Grant::Denied {
        return Err(Reason::Certificate);
    }
    let privileged = ask.direction == Direction::Listen
        && ask.place.port().is_some_and(|port| PRIVILEGED.contains(&port))
        && login.user.privilege == Privilege::Ordinary;
    if privileged { Err(Reason::PrivilegedPort) } else { Ok(()) }
}

/// What the key and the certificate say about a session.
fn check_session(login: &Login, service: &Service, now: SystemTime) -> Result<(), Reason> {
    if login.until.is_some_and(|until| now >= until) {
        return Err(Reason::Expired);
    }
    let (terms, certified) = (&login.terms, &login.certified);
    let (key, certificate) = match service {
        Service::Pty => (terms.pty, certified.pty),
        Service::Agent => (terms.agent, certified.agent),
        Service::X11 => (terms.x11, certified.x11),
        Service::Shell | Service::Exec | Service::Subsystem(_) => return Ok(()),
    };
    match (key, certificate) {
        (Grant::Denied, _) => Err(Reason::KeySession(service.clone())),
        (_, Grant::Denied) => Err(Reason::CertificateSession(service.clone())),
        _ => Ok(()),
    }
}

/// What the key's options say about one target.
fn check_key(question: &Question<'_>, subject: &Subject, answers: &Answers) -> Result<(), Reason> {
    let direction = subject.direction;
    let Some(permitted) = question.login.terms.permitted(direction) else { return Ok(()) };
    let is_meant = |it: &Pattern| it.hit(Effect::Allow, subject, answers).is_ok();
    if permitted.iter().any(is_meant) {
        Ok(())
    } else {
        Err(Reason::KeyTarget(terms::option_name(direction)))
    }
}

/// What the ask comes down to.
fn subjects(ask: &Ask, answers: &Answers) -> Result<Vec<Subject>, Reason> {
    let direction = ask.direction;
    match &ask.place {
        Place::Tcp { host: Host::Address(address), port } => {
            Ok(tcp(direction, None, &[*address], *port))
        }
        Place::Tcp { host: Host::Name(name), port } => match answers.name(name) {
            Answer::Addresses(addresses) if !addresses.is_empty() => {
                Ok(tcp(direction, Some(name), &addresses, *port))
            }
            Answer::Addresses(_) | Answer::Nothing => Err(Reason::NoAddress(name.clone())),
            Answer::Unknown => Err(Reason::Unresolved(name.clone())),
        },
        Place::Everywhere { port, .. } => Ok(tcp(direction, None, &ALL, *port)),
        Place::Socket(path) => {
            let real = answers.path(path).ok_or(Reason::UnknownPath)?;
            let place = Pinned::Socket(real.clone());
            Ok(vec![Subject { direction, name: None, place }])
        }
    }
}

fn tcp(direction: Direction, name: Option<&Name>, addresses: &[IpAddr], port: u16) -> Vec<Subject> {
    let subject = |address: &IpAddr| Subject {
        direction,
        name: name.cloned(),
        place: Pinned::Tcp(SocketAddr::new(*address, port)),
    };
    addresses.iter().map(subject).collect()
}

/// What may be had of all that was asked for: where that is nothing, the first says why.
fn verdict(each: impl Iterator<Item = (Pinned, Ruling)>, extent: Extent) -> Verdict {
    let (mut ways, mut barred) = (Vec::new(), Vec::new());
    for (to, ruling) in each {
        match ruling {
            Ok(rule) => ways.push(Way { to, rule }),
            Err(reason) => barred.push((to, reason)),
        }
    }
    if ways.is_empty() {
        let first = barred.into_iter().next();
        return Verdict::Deny(first.map_or(Reason::NoRule, |(_, reason)| reason));
    }
    Verdict::Allow(Allowed { ways, barred, extent })
}

#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
