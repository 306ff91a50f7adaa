//! Rules of the policy.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use adit_transport::certificate::Network;

use crate::answers::Answers;
use crate::ask::Direction;
use crate::calendar::window::Window;
use crate::effect::Effect;
use crate::host::Name;
use crate::login::Login;
use crate::pattern::{Hit, Miss, Pattern};
use crate::service::Service;
use crate::subject::{Pinned, Subject};

/// A rule of the policy.
///
/// Each list is a condition: one of its items has to match. A list that is empty is no condition.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The name, by which verdicts call it.
    pub name: Arc<str>,
    /// What it does.
    pub effect: Effect,
    /// Which way; `None` for both.
    pub direction: Option<Direction>,
    /// What sessions may have. A rule with such a list is about sessions, and nothing else. One
    /// without is about tunnels; where it denies everything, about sessions too.
    pub sessions: Vec<Service>,
    /// The names of users.
    pub users: Vec<String>,
    /// The names of groups.
    pub groups: Vec<String>,
    /// The fingerprints of keys that were logged in with, certified or not.
    pub keys: Vec<String>,
    /// The key ids of certificates.
    pub certificates: Vec<String>,
    /// The names or fingerprints of authorities that have signed the certificate.
    pub authorities: Vec<String>,
    /// Where the user comes from.
    pub sources: Vec<Network>,
    /// When.
    pub times: Vec<Window>,
    /// Where to. A rule without targets that denies means everything. One that allows means every
    /// host and port to open, and loopback addresses to listen on; Unix sockets and other addresses
    /// to listen on have to be named.
    pub targets: Vec<Pattern>,
}

impl Rule {
    /// A rule without conditions.
    pub fn new(name: &str, effect: Effect) -> Self {
        Self {
            name: name.into(),
            effect,
            direction: None,
            sessions: Vec::new(),
            users: Vec::new(),
            groups: Vec::new(),
            keys: Vec::new(),
            certificates: Vec::new(),
            authorities: Vec::new(),
            sources: Vec::new(),
            times: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Whether all conditions but that on the target hold.
    ///
    /// # Errors
    /// The first that does not.
    pub fn applies(
        &self,
        login: &Login,
        direction: Direction,
        now: SystemTime,
    ) -> Result<(), Mismatch> {
        if !self.sessions.is_empty() {
            return Err(Mismatch::Sessions);
        }
        if self.direction.is_some_and(|own| own != direction) {
            return Err(Mismatch::Direction);
        }
        self.applies_to(login, now)
    }

    /// Whether all conditions hold, and it is about sessions that have this.
    ///
    /// # Errors
    /// The first that does not.
    pub fn applies_in_session(
        &self,
        login: &Login,
        service: &Service,
        now: SystemTime,
    ) -> Result<(), Mismatch> {
        let is_meant = if self.sessions.is_empty() {
            // To deny everything is to deny this.
            self.effect == Effect::Deny && self.direction.is_none() && self.targets.is_empty()
        } else {
            self.sessions.contains(service)
        };
        match (is_meant, self.sessions.is_empty()) {
            (true, _) => self.applies_to(login, now),
            (false, true) => Err(Mismatch::Tunnels),
            (false, false) => Err(Mismatch::Service),
        }
    }

    /// Whether the conditions on who, whence and when hold.
    fn applies_to(&self, login: &Login, now: SystemTime) -> Result<(), Mismatch> {
        let certificate = login.credential.as_ref().and_then(|it| it.certificate());
        let fingerprint = || login.fingerprint();
        let signer = || certificate.map(|it| it.authority().fingerprint().to_string());
        let conditions: [(Mismatch, bool); 7] = [
            (Mismatch::User, any(&self.users, |it| **it == *login.user.name)),
            (
                Mismatch::Group,
                any(&self.groups, |it| login.user.groups.iter().any(|group| **group == **it)),
            ),
            (Mismatch::Key, one_of(&self.keys, fingerprint)),
            (
                Mismatch::Certificate,
                one_of(&self.certificates, || certificate.map(|it| it.key_id().to_owned())),
            ),
            (
                Mismatch::Authority,
                one_of(&self.authorities, || login.authority.as_deref().map(str::to_owned))
                    || one_of(&self.authorities, signer),
            ),
            (Mismatch::Source, any(&self.sources, |it| it.contains(login.source))),
            (Mismatch::Time, any(&self.times, |it| it.contains(now))),
        ];
        match conditions.into_iter().find(|(_, holds)| !holds) {
            None => Ok(()),
            Some((mismatch, _)) => Err(mismatch),
        }
    }

    /// Whether the target is meant: by the strongest of its patterns that mean it, or by having
    /// none.
    ///
    /// # Errors
    /// The most telling reason why not.
    pub fn hit(
        &self,
        subject: &Subject,
        answers: &Answers,
    ) -> Result<(Hit, Option<&Pattern>), Mismatch> {
        if self.targets.is_empty() {
            let unnamed = self.effect == Effect::Deny || needs_no_name(subject);
            return if unnamed { Ok((Hit::All, None)) } else { Err(Mismatch::Unnamed) };
        }
        let (mut best, mut worst) = (None, Miss::Elsewhere);
        for pattern in &self.targets {
            match pattern.hit(self.effect, subject, answers) {
                Ok(hit) if best.is_none_or(|(other, _)| hit > other) => {
                    best = Some((hit, Some(pattern)));
                }
                Ok(_) => {}
                Err(miss) => worst = worst.max(miss),
            }
        }
        best.ok_or(match worst {
            Miss::Elsewhere => Mismatch::Target,
            Miss::Port => Mismatch::Port,
            Miss::Unknown(name) => Mismatch::Unknown(name),
        })
    }
}

/// Whether one of the items holds, or there are none.
fn any<T>(items: &[T], holds: impl Fn(&T) -> bool) -> bool {
    items.is_empty() || items.iter().any(holds)
}

fn one_of(items: &[String], value: impl FnOnce() -> Option<String>) -> bool {
    items.is_empty() || value().is_some_and(|value| items.contains(&value))
}

/// Whether a rule that allows means it without naming it.
fn needs_no_name(subject: &Subject) -> bool {
    match (&subject.place, subject.direction) {
        (Pinned::Tcp(_), Direction::Open) => true,
        (Pinned::Tcp(address), Direction::Listen) => is_loopback(address.ip()),
        (Pinned::Socket(_), _) => false,
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Why a rule does not match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// [`Rule::direction`].
    #[error("it is about the other direction")]
    Direction,
    /// [`Rule::sessions`] is not empty.
    #[error("it is about sessions")]
    Sessions,
    /// [`Rule::sessions`] is empty.
    #[error("it is about tunnels")]
    Tunnels,
    /// [`Rule::sessions`].
    #[error("it names other things that sessions have")]
    Service,
    /// [`Rule::users`].
    #[error("it is about other users")]
    User,
    /// [`Rule::groups`].
    #[error("it is about other groups")]
    Group,
    /// [`Rule::keys`].
    #[error("it is about other keys")]
    Key,
    /// [`Rule::certificates`].
    #[error("it is about other certificates")]
    Certificate,
    /// [`Rule::authorities`].
    #[error("it is about certificates of other authorities")]
    Authority,
    /// [`Rule::sources`].
    #[error("it is about other source addresses")]
    Source,
    /// [`Rule::times`].
    #[error("it holds at other times")]
    Time,
    /// [`Rule::targets`].
    #[error("it names other targets")]
    Target,
    /// [`Rule::targets`]: the host is meant.
    #[error("it names other ports of this host")]
    Port,
    /// [`Rule::targets`] is empty.
    #[error("it names no target, and this one has to be named")]
    Unnamed,
    /// [`Rule::targets`]: it cannot be told.
    #[error("it names {0}, which could not be resolved")]
    Unknown(Name),
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::path::Path;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::socket_path::SocketPath;
    use crate::user::{Privilege, User};

    fn login(source: &str) -> Login {
        let user = User {
            name: "ann".into(),
            groups: vec!["staff".into(), "night".into()],
            keys: Vec::new(),
            authorities: Vec::new(),
            principals: Vec::new(),
            privilege: Privilege::Ordinary,
            account: None,
        };
        Login::supposed(Arc::new(user), source.parse().unwrap())
    }

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|it| (*it).to_owned()).collect()
    }

    fn applies(change: impl FnOnce(&mut Rule)) -> Result<(), Mismatch> {
        let mut rule = Rule::new("rule", Effect::Allow);
        change(&mut rule);
        rule.applies(&login("10.0.0.9"), Direction::Open, UNIX_EPOCH)
    }

    #[test]
    fn each_condition_holds_by_one_of_its_items() {
        assert_eq!(applies(|_| {}), Ok(()));
        assert_eq!(applies(|it| it.users = strings(&["bob", "ann"])), Ok(()));
        assert_eq!(applies(|it| it.groups = strings(&["day", "night"])), Ok(()));
        assert_eq!(applies(|it| it.sources = vec!["10.0.0.0/8".parse().unwrap()]), Ok(()));
        assert_eq!(applies(|it| it.times = vec!["thu".parse().unwrap()]), Ok(()));
    }

    #[test]
    fn the_condition_that_does_not_hold_is_told() {
        type Change = fn(&mut Rule);
        let cases: [(Change, Mismatch); 8] = [
            (|it| it.direction = Some(Direction::Listen), Mismatch::Direction),
            (|it| it.users = strings(&["Ann"]), Mismatch::User),
            (|it| it.groups = strings(&["day"]), Mismatch::Group),
            (|it| it.keys = strings(&["SHA256:x"]), Mismatch::Key),
            (|it| it.certificates = strings(&[""]), Mismatch::Certificate),
            (|it| it.authorities = strings(&["corp"]), Mismatch::Authority),
            (|it| it.sources = vec!["::/0".parse().unwrap()], Mismatch::Source),
            (|it| it.times = vec!["fri".parse().unwrap()], Mismatch::Time),
        ];
        for (change, mismatch) in cases {
            assert_eq!(applies(change), Err(mismatch));
        }
    }

    #[test]
    fn all_conditions_have_to_hold() {
        let both = applies(|it| {
            it.users = strings(&["ann"]);
            it.groups = strings(&["day"]);
        });
        assert_eq!(both, Err(Mismatch::Group));
    }

    fn hit(effect: Effect, targets: &[&str], way: Direction, at: &str) -> Result<Hit, Mismatch> {
        let mut rule = Rule::new("rule", effect);
        rule.targets = targets.iter().map(|it| it.parse().unwrap()).collect();
        let place = match at.parse::<SocketAddr>() {
            Ok(address) => Pinned::Tcp(address),
            Err(_) => Pinned::Socket(SocketPath::new(Path::new(at)).unwrap()),
        };
        let subject = Subject { direction: way, name: None, place };
        rule.hit(&subject, &Answers::default()).map(|(hit, _)| hit)
    }

    #[test]
    fn a_rule_without_targets_allows_what_is_harmless_and_denies_all() {
        for (way, at, allowed) in [
            (Direction::Open, "10.0.0.1:80", true),
            (Direction::Open, "/run/app.sock", false),
            (Direction::Listen, "127.0.0.1:80", true),
            (Direction::Listen, "[::1]:80", true),
            (Direction::Listen, "127.9.9.9:0", true),
            (Direction::Listen, "10.0.0.1:80", false),
            (Direction::Listen, "0.0.0.0:80", false),
            (Direction::Listen, "[::]:80", false),
            (Direction::Listen, "/run/app.sock", false),
        ] {
            let expected = if allowed { Ok(Hit::All) } else { Err(Mismatch::Unnamed) };
            assert_eq!(hit(Effect::Allow, &[], way, at), expected, "{way} {at}");
            assert_eq!(hit(Effect::Deny, &[], way, at), Ok(Hit::All), "{way} {at}");
        }
    }

    #[test]
    fn the_strongest_pattern_counts() {
        let open = |targets: &[&str]| hit(Effect::Allow, targets, Direction::Open, "127.0.0.1:80");
        assert_eq!(open(&["localhost:80", "*:80", "127.0.0.1:80"]), Ok(Hit::Address));
        assert_eq!(open(&["localhost:80", "*:80"]), Ok(Hit::All));
        assert_eq!(open(&["localhost:80", "10.0.0.1:80"]), Ok(Hit::Name));
    }

    #[test]
    fn the_most_telling_reason_is_told() {
        let open = |targets: &[&str]| hit(Effect::Allow, targets, Direction::Open, "127.0.0.1:80");
        assert_eq!(open(&["10.0.0.1:80"]), Err(Mismatch::Target));
        assert_eq!(open(&["10.0.0.1:80", "127.0.0.1:81"]), Err(Mismatch::Port));
        let unknown = open(&["db:80", "127.0.0.1:81"]).unwrap_err();
        assert_eq!(unknown.to_string(), "it names db, which could not be resolved");
    }
}
