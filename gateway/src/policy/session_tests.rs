//! What the policy says of sessions.

use adit_transport::authorized_keys::AuthorizedKeys;

use super::*;
use crate::calendar::zone::Zone;
use crate::certified::Certified;
use crate::key_line::KeyLine;
use crate::user::User;

const KEY: &str = include_str!("../../../transport/testdata/keys/nistp256.pub");

/// `ann`, in the group `staff`, by a key with these options.
fn ann(options: &str) -> Login {
    let keys = AuthorizedKeys::parse(&format!("{options} {KEY}"), "keys");
    let line = KeyLine::of(&keys, "keys", Zone::UTC).remove(0);
    let user = User {
        name: "ann".into(),
        groups: vec!["staff".into()],
        keys: Vec::new(),
        authorities: Vec::new(),
        principals: Vec::new(),
        privilege: Privilege::Ordinary,
        account: None,
    };
    let supposed = Login::supposed(std::sync::Arc::new(user), [10, 0, 0, 9].into());
    Login { terms: line.terms.unwrap(), ..supposed }
}

fn rule(name: &str, effect: Effect, sessions: &[&str]) -> Rule {
    let mut rule = Rule::new(name, effect);
    rule.sessions = sessions.iter().map(|it| it.parse().unwrap()).collect();
    rule
}

fn judge(rules: Vec<Rule>, login: &Login, service: &str) -> Result<String, String> {
    let ruling = Policy::new(rules).session(login, &service.parse().unwrap(), SystemTime::now());
    ruling.map(|rule| rule.to_string()).map_err(|reason| reason.to_string())
}

#[test]
fn sessions_are_denied_unless_a_rule_names_what_they_are_to_have() {
    let all = || vec![Rule::new("tunnels", Effect::Allow)];
    assert_eq!(judge(all(), &ann(""), "exec"), Err("no rule allows it".to_owned()));
    let some = || vec![rule("some", Effect::Allow, &["exec", "subsystem:sftp"])];
    assert_eq!(judge(some(), &ann(""), "exec"), Ok("some".to_owned()));
    assert_eq!(judge(some(), &ann(""), "subsystem:sftp"), Ok("some".to_owned()));
    for other in ["shell", "pty", "agent", "x11", "subsystem:other"] {
        assert!(judge(some(), &ann(""), other).is_err(), "{other}");
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let deny = |rule: Rule| vec![rule, self::rule("some", Effect::Allow, &["exec"])];
    let denied = Err("rule `no` denies it".to_owned());
    assert_eq!(judge(deny(Rule::new("no", Effect::Deny)), &ann(""), "exec"), denied);
    assert_eq!(judge(deny(rule("no", Effect::Deny, &["exec"])), &ann(""), "exec"), denied);
    let mut others = rule("no", Effect::Deny, &["exec"]);
    others.users = vec!["bob".to_owned()];
    let mut tunnels = Rule::new("no", Effect::Deny);
    tunnels.direction = Some(Direction::Open);
    for not_meant in [rule("no", Effect::Deny, &["shell"]), others, tunnels] {
        assert_eq!(judge(deny(not_meant), &ann(""), "exec"), Ok("some".to_owned()));
    }
}

#[test]
fn a_rule_about_sessions_says_nothing_of_tunnels() {
    let login = ann("");
    for effect in [Effect::Allow, Effect::Deny] {
        let sessions = rule("sessions", effect, &["exec"]);
        let applies = sessions.applies(&login, Direction::Open, SystemTime::now());
        assert_eq!(applies, Err(Mismatch::Sessions));
    }
}

#[test]
fn keys_and_certificates_take_away() {
    let all = || vec![rule("all", Effect::Allow, &["exec", "pty", "agent", "x11"])];
    assert_eq!(judge(all(), &ann("restrict"), "exec"), Ok("all".to_owned()));
    for (options, service) in [
        ("restrict", "pty"),
        ("no-pty", "pty"),
        ("restrict,pty", "agent"),
        ("no-X11-forwarding", "x11"),
    ] {
        let told = Err(format!("the key's options permit no {service}"));
        assert_eq!(judge(all(), &ann(options), service), told, "{options}");
    }
    let none = Certified { pty: Grant::Denied, ..Certified::default() };
    let certified = Login { certified: none, ..ann("") };
    assert_eq!(judge(all(), &certified, "pty"), Err("the certificate permits no pty".to_owned()));
    let expired = Login { until: Some(SystemTime::UNIX_EPOCH), ..ann("") };
    assert!(judge(all(), &expired, "exec").is_err());
}

#[test]
fn who_may_have_nothing_run_is_known_at_once() {
    let any = |rules: Vec<Rule>| Policy::new(rules).any_session(&ann(""), SystemTime::now());
    assert_eq!(any(vec![Rule::new("tunnels", Effect::Allow)]), Err(Reason::NoRule));
    assert_eq!(any(vec![rule("terminals", Effect::Allow, &["pty"])]), Err(Reason::NoRule));
    assert_eq!(any(vec![rule("some", Effect::Allow, &["pty", "shell"])]), Ok(()));
    let last = rule("some", Effect::Allow, &["shell"]);
    assert!(any(vec![Rule::new("no", Effect::Deny), last]).is_err());
}

#[test]
fn the_rules_that_were_asked_are_told() {
    let rules =
        vec![rule("shells", Effect::Deny, &["shell"]), rule("some", Effect::Allow, &["exec"])];
    let policy = Policy::new(rules);
    let told = policy.explain_session(&ann(""), &Service::Exec, SystemTime::now()).to_string();
    assert_eq!(
        told,
        "user ann from 10.0.0.9, session exec: allowed by rule `some`\n  rule `shells` does not \
         match: it names other things that sessions have\n  rule `some` allows it",
    );
}
