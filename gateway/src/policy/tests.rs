use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adit_forward::target::Target;
use adit_transport::authorized_keys::AuthorizedKeys;
use proptest::prelude::*;

use super::*;
use crate::calendar::zone::Zone;
use crate::certified::Certified;
use crate::key_line::KeyLine;
use crate::login::Login;
use crate::socket_path::SocketPath;
use crate::user::User;

const KEY: &str = include_str!("../../../transport/testdata/keys/ed25519.pub");

fn name(text: &str) -> Name {
    match text.parse() {
        Ok(Host::Name(name)) => name,
        other => panic!("{other:?}"),
    }
}

fn path(text: &str) -> SocketPath {
    SocketPath::new(std::path::Path::new(text)).unwrap()
}

/// `db` and `alias` are one host, `mixed` has an address of each kind, `evil` is this machine.
fn answers() -> Answers {
    let mut answers = Answers::default();
    for (host, addresses) in [
        ("db.example", &["10.0.0.5", "2001:db8::5"][..]),
        ("alias.example", &["10.0.0.5"]),
        ("mixed.example", &["192.0.2.1", "10.0.0.5", "127.0.0.1"]),
        ("evil.example", &["127.0.0.1"]),
        ("mapped.example", &["::ffff:10.0.0.5"]),
        ("empty.example", &[]),
    ] {
        let addresses = addresses.iter().map(|it| it.parse().unwrap()).collect();
        answers.set_name(name(host), Answer::Addresses(addresses));
    }
    answers.set_name(name("gone.example"), Answer::Nothing);
    answers.set_path(path("/var/run/app.sock"), path("/run/app.sock"));
    answers.set_path(path("/run/app.sock"), path("/run/app.sock"));
    answers.set_path(path("/run/app/link"), path("/run/docker.sock"));
    answers
}

fn login(options: &str) -> Login {
    let keys = AuthorizedKeys::parse(&format!("{options} {KEY}"), "keys");
    let keys = KeyLine::of(&keys, "keys", Zone::UTC);
    let terms = keys[0].terms.clone().unwrap();
    let user = User {
        name: "ann".into(),
        groups: Vec::new(),
        keys,
        authorities: Vec::new(),
        principals: Vec::new(),
        privilege: Privilege::Ordinary,
        account: None,
    };
    Login { terms, ..Login::supposed(Arc::new(user), [10, 0, 0, 9].into()) }
}

/// Rules as `allow target target`, each named by its number from 1 on.
fn policy(rules: &[&str]) -> Policy {
    let rule = |(number, text): (usize, &&str)| {
        let mut words = text.split(' ');
        let effect = match words.next() {
            Some("allow") => Effect::Allow,
            Some("deny") => Effect::Deny,
            other => panic!("{other:?}"),
        };
        let mut rule = Rule::new(&number.to_string(), effect);
        rule.targets = words.map(|word| word.parse().unwrap()).collect();
        rule
    };
    Policy::new((1..).zip(rules).map(rule).collect())
}

fn target(text: &str) -> Target {
    if text.starts_with('/') {
        return Target::Unix(text.into());
    }
    let (host, port) = text.rsplit_once(':').unwrap();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Target::Tcp { host: host.to_owned(), port: port.parse().unwrap() }
}

fn judge_as(login: &Login, policy: &Policy, way: Direction, text: &str) -> Verdict {
    match Ask::new(way, &target(text)) {
        Ok(ask) => policy.judge(&Question { login, ask: &ask, now: UNIX_EPOCH }, &answers()),
        Err(unclear) => Verdict::Deny(unclear.into()),
    }
}

/// What may be dialled and by which rule, or why nothing may.
fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow(Allowed { ways, extent, .. }) => {
            let ways: Vec<_> = ways.iter().map(|way| format!("{}:{}", way.rule, way.to)).collect();
            let narrowed = if *extent == Extent::Loopback { " only" } else { "" };
            format!("{}{narrowed}", ways.join(" "))
        }
        Verdict::Deny(reason) => {
            format!("{} {}", reason.code(), reason.rule().unwrap_or_default()).trim_end().to_owned()
        }
    }
}

fn open(rules: &[&str], text: &str) -> String {
    shown(&judge_as(&login(""), &policy(rules), Direction::Open, text))
}

fn listen(rules: &[&str], text: &str) -> String {
    shown(&judge_as(&login(""), &policy(rules), Direction::Listen, text))
}

#[test]
fn nothing_is_allowed_without_a_rule() {
    assert_eq!(open(&[], "10.0.0.5:80"), "no-rule");
    assert_eq!(listen(&[], "localhost:8080"), "no-rule");
    assert_eq!(open(&["deny"], "10.0.0.5:80"), "rule 1");
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = ["deny 10.0.0.5:22", "allow 10.0.0.0/8:*", "deny *:*"];
    assert_eq!(open(&rules, "10.0.0.5:22"), "rule 1");
    assert_eq!(open(&rules, "10.0.0.5:23"), "2:10.0.0.5:23");
    assert_eq!(open(&rules, "11.0.0.5:23"), "rule 3");
}

#[test]
fn a_name_and_its_addresses_are_one() {
    for text in ["db.example:80", "DB.EXAMPLE.:80", "alias.example:80", "10.0.0.5:80", "10.5:80"] {
        let found = open(&["allow db.example:80"], text);
        assert!(found.starts_with("1:10.0.0.5:80"), "{text}: {found}");
        assert_eq!(open(&["deny db.example:80", "allow"], text), "rule 1", "{text}");
    }
    let both = "1:10.0.0.5:80 1:[2001:db8::5]:80";
    assert_eq!(open(&["allow db.example:80"], "db.example:80"), both);
}

#[test]
fn a_denied_address_is_denied_by_every_name() {
    let rules = ["deny 10.0.0.0/8:*", "allow"];
    for text in [
        "alias.example:80",
        "mapped.example:80",
        "10.0.0.5:80",
        "[::ffff:10.0.0.5]:80",
        "0xa000005:80",
        "167772165:80",
        "10.5:80",
        "[64:ff9b::a00:5]:80",
    ] {
        assert_eq!(open(&rules, text), "rule 1", "{text}");
    }
    assert_eq!(open(&rules, "db.example:80"), "2:[2001:db8::5]:80");
    assert_eq!(open(&rules, "mixed.example:80"), "2:192.0.2.1:80 2:127.0.0.1:80");
}

#[test]
fn a_name_that_is_allowed_does_not_open_an_address_that_is_denied_later() {
    let rules = ["allow *.example:*", "deny 127.0.0.0/8:* [::1]:*", "deny 10.0.0.5:22"];
    assert_eq!(open(&rules, "evil.example:80"), "address 2");
    assert_eq!(open(&rules, "mixed.example:22"), "1:192.0.2.1:22");
    assert_eq!(open(&rules, "alias.example:80"), "1:10.0.0.5:80");
    let exact = ["allow evil.example:80", "deny 127.0.0.0/8:*"];
    assert_eq!(open(&exact, "evil.example:80"), "address 2");
    assert_eq!(open(&exact, "127.0.0.1:80"), "address 2");
}

#[test]
fn an_allowed_address_before_the_denial_opens_the_name() {
    let rules = ["allow evil.example:80", "allow 127.0.0.1:80", "deny 127.0.0.0/8:*"];
    assert_eq!(open(&rules, "evil.example:80"), "1:127.0.0.1:80");
    let in_one = ["allow evil.example:80 127.0.0.1:80", "deny 127.0.0.0/8:*"];
    assert_eq!(open(&in_one, "evil.example:80"), "1:127.0.0.1:80");
}

#[test]
fn only_rules_about_addresses_follow_a_name() {
    for last in ["deny", "deny *:*", "deny *.example:*", "deny evil.example:*", "deny 127.0.0.1:81"]
    {
        let rules = ["allow evil.example:80", last];
        assert_eq!(open(&rules, "evil.example:80"), "1:127.0.0.1:80", "{last}");
    }
}

#[test]
fn a_name_without_addresses_leads_nowhere() {
    assert_eq!(open(&["allow"], "gone.example:80"), "no-address");
    assert_eq!(open(&["allow"], "empty.example:80"), "no-address");
    assert_eq!(open(&["allow"], "unheard.example:80"), "unresolved");
}

#[test]
fn a_rule_that_denies_a_name_which_is_not_known_denies() {
    let rules = ["deny unheard.example:80", "allow"];
    assert_eq!(open(&rules, "192.0.2.1:80"), "undecided 1");
    assert_eq!(open(&rules, "192.0.2.1:81"), "2:192.0.2.1:81");
    assert_eq!(open(&["deny gone.example:80", "allow"], "192.0.2.1:80"), "2:192.0.2.1:80");
    assert_eq!(open(&["allow unheard.example:80", "allow"], "192.0.2.1:80"), "2:192.0.2.1:80");
}

#[test]
fn what_is_unclear_is_denied() {
    for text in ["fe80::1%eth0:80", "0:80", "0.0.0.0:80", "[::]:80", ":80", "*:80", "1.2.3.4.5:80"]
    {
        assert_eq!(open(&["allow"], text), "unclear", "{text}");
    }
    assert_eq!(open(&["allow"], "10.0.0.5:0"), "unclear");
    assert_eq!(open(&["allow /"], "/run/../etc/app.sock"), "unclear");
}

#[test]
fn localhost_is_this_machine() {
    let rules = ["deny 127.0.0.0/8:* [::1]:*", "allow"];
    for text in ["localhost:80", "LOCALHOST.:80", "a.localhost:80", "127.1:80", "[::1]:80"] {
        assert_eq!(open(&rules, text), "rule 1", "{text}");
    }
    assert_eq!(open(&["allow localhost:80"], "127.0.0.1:80"), "1:127.0.0.1:80");
}

#[test]
fn sockets_are_what_their_paths_lead_to() {
    assert_eq!(open(&["allow"], "/run/app.sock"), "no-rule");
    assert_eq!(open(&["allow /run/"], "/var/run/app.sock"), "1:/run/app.sock");
    let rules = ["deny /run/docker.sock", "allow /run/app/"];
    assert_eq!(open(&rules, "/run/app/link"), "rule 1");
    assert_eq!(open(&["allow /run/app/"], "/run/app/link"), "no-rule");
    assert_eq!(open(&["deny /var/run/app.sock", "allow /"], "/run/app.sock"), "rule 1");
    assert_eq!(open(&["allow /"], "/unheard"), "unknown-path");
}

#[test]
fn it_is_listened_on_loopback_unless_a_rule_says_otherwise() {
    let loopback = "1:127.0.0.1:8080 1:[::1]:8080";
    assert_eq!(listen(&["allow"], ":8080"), format!("{loopback} only"));
    assert_eq!(listen(&["allow"], "localhost:8080"), "1:[::1]:8080 1:127.0.0.1:8080");
    assert_eq!(listen(&["allow"], "127.0.0.1:8080"), "1:127.0.0.1:8080");
    for text in ["*:8080", "0:8080", "0.0.0.0:8080", "[::]:8080", "10.0.0.5:8080"] {
        assert_eq!(listen(&["allow"], text), "no-rule", "{text}");
    }
    let all = ["allow 0.0.0.0:* [::]:*"];
    for text in [":8080", "*:8080"] {
        assert_eq!(listen(&all, text), "1:0.0.0.0:8080 1:[::]:8080", "{text}");
    }
    assert_eq!(listen(&["allow 0.0.0.0:*"], "*:8080"), "1:0.0.0.0:8080");
    assert_eq!(listen(&["allow *:*"], ":8080"), "1:0.0.0.0:8080 1:[::]:8080");
    assert_eq!(listen(&["allow 10.0.0.5:*"], "alias.example:8080"), "1:10.0.0.5:8080");
}

#[test]
fn to_listen_everywhere_is_to_listen_where_it_is_denied() {
    let rules = ["deny 10.0.0.5:8080", "allow *:*"];
    assert_eq!(listen(&rules, "0.0.0.0:8080"), "rule 1");
    assert_eq!(listen(&rules, "*:8080"), "2:[::]:8080");
    assert_eq!(listen(&rules, "0.0.0.0:8081"), "2:0.0.0.0:8081");
}

#[test]
fn ports_below_1024_are_for_privileged_users() {
    assert_eq!(listen(&["allow *:*"], "localhost:1023"), "privileged-port");
    assert_eq!(listen(&["allow *:*"], ":80"), "privileged-port");
    assert_eq!(listen(&["allow 127.0.0.1:*"], "127.0.0.1:1024"), "1:127.0.0.1:1024");
    assert_eq!(listen(&["allow 127.0.0.1:*"], "127.0.0.1:0"), "1:127.0.0.1:0");
    assert_eq!(open(&["allow *:*"], "10.0.0.5:80"), "1:10.0.0.5:80");
    let mut root = login("");
    Arc::make_mut(&mut root.user).privilege = Privilege::PrivilegedPorts;
    let verdict = judge_as(&root, &policy(&["allow"]), Direction::Listen, "127.0.0.1:80");
    assert_eq!(shown(&verdict), "1:127.0.0.1:80");
}

#[test]
fn a_key_can_only_take_away() {
    let all = policy(&["allow *:* /"]);
    let open = |options: &str, text| shown(&judge_as(&login(options), &all, Direction::Open, text));
    let named = "permitopen=\"db.example:80\"";
    assert_eq!(open(named, "db.example:80"), "1:10.0.0.5:80 1:[2001:db8::5]:80");
    assert_eq!(open(named, "10.0.0.5:80"), "1:10.0.0.5:80");
    assert_eq!(open(named, "10.0.0.5:81"), "permitopen");
    assert_eq!(open(named, "/run/app.sock"), "permitopen");
    assert_eq!(open("permitopen=\"10.0.0.5:80\"", "db.example:80"), "1:10.0.0.5:80");
    assert_eq!(open("permitopen=\"10.0.0.5:80\"", "mixed.example:80"), "1:10.0.0.5:80");
    assert_eq!(open("restrict", "10.0.0.5:80"), "key-forwarding");
    assert_eq!(open("permitlisten=\"1\"", "10.0.0.5:80"), "1:10.0.0.5:80");
    let nothing = shown(&judge_as(&login(named), &policy(&[]), Direction::Open, "10.0.0.5:80"));
    assert_eq!(nothing, "no-rule");
}

#[test]
fn a_key_says_where_to_listen() {
    let all = policy(&["allow *:* /"]);
    let listen =
        |options: &str, text| shown(&judge_as(&login(options), &all, Direction::Listen, text));
    let local = "permitlisten=\"localhost:8080\"";
    assert_eq!(listen(local, "127.0.0.1:8080"), "1:127.0.0.1:8080");
    assert_eq!(listen(local, ":8080"), "1:127.0.0.1:8080 1:[::1]:8080 only");
    assert_eq!(listen(local, "*:8080"), "permitlisten");
    assert_eq!(listen(local, "/run/app.sock"), "permitlisten");
    assert_eq!(listen("permitlisten=\"8080\"", "*:8080"), "1:0.0.0.0:8080 1:[::]:8080");
    assert_eq!(listen("permitlisten=\"8080\"", "*:8081"), "permitlisten");
}

#[test]
fn a_login_that_is_over_gets_nothing() {
    let until = UNIX_EPOCH + Duration::from_secs(10);
    let login = Login { until: Some(until), ..login("") };
    let ask = Ask::new(Direction::Open, &target("10.0.0.5:80")).unwrap();
    let judge = |now: SystemTime| {
        shown(&policy(&["allow"]).judge(&Question { login: &login, ask: &ask, now }, &answers()))
    };
    assert_eq!(judge(until - Duration::from_nanos(1)), "1:10.0.0.5:80");
    assert_eq!(judge(until), "expired");
    let uncertified = Login {
        certified: Certified { forwarding: Grant::Denied, ..Certified::default() },
        ..self::login("")
    };
    let verdict = judge_as(&uncertified, &policy(&["allow"]), Direction::Open, "10.0.0.5:80");
    assert_eq!(shown(&verdict), "certificate");
}

#[test]
fn only_what_matters_has_to_be_found_out() {
    let wants = |login: &Login, rules: &[&str], way, text| {
        let ask = Ask::new(way, &target(text)).unwrap();
        let wants = policy(rules).wants(&Question { login, ask: &ask, now: UNIX_EPOCH });
        let names = wants.names.iter().map(ToString::to_string);
        names.chain(wants.paths.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" ")
    };
    let plain = login("");
    assert_eq!(wants(&plain, &["allow 10.0.0.0/8:*"], Direction::Open, "10.0.0.5:80"), "");
    assert_eq!(wants(&plain, &["allow"], Direction::Open, "db.example:80"), "db.example");
    assert_eq!(wants(&plain, &["allow"], Direction::Open, "localhost:80"), "");
    let rules = ["deny a.example:80 *.b.example:80", "allow c.example:81 localhost:80"];
    assert_eq!(wants(&plain, &rules, Direction::Open, "10.0.0.5:80"), "a.example");
    let named = login("permitopen=\"d.example:*\"");
    assert_eq!(wants(&named, &rules, Direction::Open, "10.0.0.5:80"), "a.example d.example");
    let rules = ["allow /run/a /run/b/ db.example:80"];
    assert_eq!(wants(&plain, &rules, Direction::Open, "/x"), "/run/a /run/b /x");
    assert_eq!(wants(&login("restrict"), &rules, Direction::Open, "/x"), "");
}

#[test]
fn names_that_nothing_could_allow_are_not_looked_up() {
    let look_up = |login: &Login, rules: &[&str], text| {
        let ask = Ask::new(Direction::Open, &target(text)).unwrap();
        let question = Question { login, ask: &ask, now: UNIX_EPOCH };
        let policy = policy(rules);
        let verdict = shown(&policy.judge(&question, &Answers::default()));
        (!policy.wants(&question).is_empty(), verdict)
    };
    let no = |reason: &str| (false, reason.to_owned());
    let plain = login("");
    assert_eq!(look_up(&plain, &[], "db.example:80"), no("no-rule"));
    let rules = ["deny db.example:80", "allow 10.0.0.0/8:81 *.other:80 /run/"];
    assert_eq!(look_up(&plain, &rules, "db.example:80"), no("no-rule"));
    let key = login("permitopen=\"db.example:81\"");
    assert_eq!(look_up(&key, &["allow"], "db.example:80"), no("permitopen"));
    assert_eq!(look_up(&login("restrict"), &["allow"], "db.example:80"), no("key-forwarding"));
    for rules in [["allow"], ["allow *:80"], ["allow 10.0.0.0/8:80"], ["allow *.example:80"]] {
        assert!(look_up(&plain, &rules, "db.example:80").0, "{rules:?}");
    }
    assert!(look_up(&key, &["allow other.example:81"], "db.example:81").0);
    let ask = Ask::new(Direction::Open, &target("db.example:80")).unwrap();
    let question = Question { login: &plain, ask: &ask, now: UNIX_EPOCH };
    let text = policy(&rules).explain(&question, &Answers::default()).to_string();
    let expected = "user ann from 10.0.0.9, open db.example:80: denied: no rule allows it\n  \
        db.example, not looked up: denied: no rule allows it\n    \
        rule `1` need not be asked: it denies, and nothing allows it\n    \
        rule `2` does not match: it names other targets\n\
        hint: what no rule allows is denied";
    assert_eq!(text, expected);
}

#[test]
fn an_explanation_says_what_every_rule_had_to_say() {
    let rules = policy(&["deny 192.0.2.0/24:22", "allow *.example:*", "allow", "deny 127.0.0.1:*"]);
    let login = login("");
    let ask = Ask::new(Direction::Open, &target("Mixed.Example:80")).unwrap();
    let question = Question { login: &login, ask: &ask, now: UNIX_EPOCH };
    let explanation = rules.explain(&question, &answers());
    assert_eq!(explanation.verdict, rules.judge(&question, &answers()));
    let after = "rule `3` comes after one that allows the name, and does not mean the address";
    let named = "rule `2` allows the name by *.example:*; later rules may deny the address";
    let other = |rule| format!("rule `{rule}` does not match: it names other targets");
    let expected = [
        "user ann from 10.0.0.9, open mixed.example:80: allowed by rule `2`".to_owned(),
        "  192.0.2.1:80: allowed by rule `2`".to_owned(),
        "    rule `1` does not match: it names other ports of this host".to_owned(),
        format!("    {named}"),
        format!("    {after}"),
        format!("    {}", other(4)),
        "  10.0.0.5:80: allowed by rule `2`".to_owned(),
        format!("    {}", other(1)),
        format!("    {named}"),
        format!("    {after}"),
        format!("    {}", other(4)),
        "  127.0.0.1:80: denied: rule `2` allows the name, but rule `4` denies its address"
            .to_owned(),
        format!("    {}", other(1)),
        format!("    {named}"),
        format!("    {after}"),
        "    rule `4` denies it by 127.0.0.1:*".to_owned(),
    ];
    assert_eq!(explanation.to_string(), expected.join("\n"));
}

#[test]
fn an_explanation_is_data_too() {
    let login = login("");
    let ask = Ask::new(Direction::Listen, &target("*:8080")).unwrap();
    let question = Question { login: &login, ask: &ask, now: UNIX_EPOCH };
    let explanation = policy(&["deny 10.0.0.0/8:*"]).explain(&question, &answers());
    let data = serde_json::to_value(&explanation).unwrap();
    assert_eq!((&data["direction"], &data["verdict"]), (&"listen".into(), &"deny".into()));
    assert_eq!((&data["rule"], &data["reason"]), (&"1".into(), &"rule".into()));
    assert_eq!(data["paths"][0]["place"], "0.0.0.0:8080");
    assert_eq!(data["paths"][0]["steps"][0]["pattern"], "10.0.0.0/8:*");
    assert_eq!(data["paths"][1]["steps"][0]["outcome"], "mismatch");
    let text = explanation.to_string();
    assert!(text.starts_with("user ann from 10.0.0.9, listen *:8080: denied: rule `1`"), "{text}");
}

/// Addresses and ports that are often hit.
fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = (0_u8..3, 0_u8..3).prop_map(|(c, d)| IpAddr::from([10, 0, c, d]));
    let v6 = (0_u16..3).prop_map(|h| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, h]));
    prop_oneof![v4, v6]
}

fn address_pattern() -> impl Strategy<Value = String> {
    (address(), 0_u8..=128, 80_u16..83, 80_u16..83).prop_map(|(address, prefix, from, to)| {
        let network = adit_transport::certificate::Network::around(address, prefix);
        let (from, to) = (from.min(to), from.max(to));
        match network.first() {
            IpAddr::V4(_) => format!("{network}:{from}-{to}"),
            IpAddr::V6(_) => format!("[{network}]:{from}-{to}"),
        }
    })
}

fn rules(pattern: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Vec<String>> {
    let effect = prop_oneof![Just("allow"), Just("deny")];
    let rule = (effect, prop::collection::vec(pattern, 0..3))
        .prop_map(|(effect, targets)| format!("{effect} {}", targets.join(" ")).trim().to_owned());
    prop::collection::vec(rule, 0..6)
}

fn of(rules: &[String]) -> Policy {
    policy(&rules.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What the policy says, with these names resolved.
fn say(policy: &Policy, answers: &Answers, host: Host, port: u16) -> Verdict {
    let login = login("");
    let ask = Ask { direction: Direction::Open, place: Place::Tcp { host, port } };
    policy.judge(&Question { login: &login, ask: &ask, now: UNIX_EPOCH }, answers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_first_match_wins(
        rules in rules(address_pattern().boxed()), address in address(), port in 80_u16..83,
    ) {
        let policy = of(&rules);
        let means = |rule: &&Rule| rule.targets.is_empty() || rule.targets.iter().any(|it| match it {
            Pattern::Tcp { hosts: crate::pattern::Hosts::Network(network), ports } => {
                network.contains(address) && ports.contains(port)
            }
            other => panic!("{other}"),
        });
        let verdict = say(&policy, &Answers::default(), Host::Address(address), port);
        match policy.rules().iter().find(means) {
            None => prop_assert_eq!(verdict, Verdict::Deny(Reason::NoRule)),
            Some(rule) => {
                prop_assert_eq!(verdict.is_allowed(), rule.effect == Effect::Allow);
                prop_assert_eq!(verdict.rule(), Some(&*rule.name));
            }
        }
    }

    #[test]
    fn a_name_may_have_those_of_its_addresses_that_may_be_had_by_themselves(
        rules in rules(prop_oneof![
            address_pattern(),
            ("[abc]\\.example", 80_u16..83).prop_map(|(host, port)| format!("{host}:{port}")),
            Just("*:81".to_owned()),
        ].boxed()),
        addresses in prop::collection::vec(prop::collection::vec(address(), 1..4), 3),
        port in 80_u16..83,
    ) {
        let policy = of(&rules);
        let mut answers = Answers::default();
        for (host, addresses) in ["a", "b", "c"].into_iter().zip(&addresses) {
            answers.set_name(name(&format!("{host}.example")), Answer::Addresses(addresses.clone()));
        }
        let by_name = match say(&policy, &answers, Host::Name(name("a.example")), port) {
            Verdict::Allow(allowed) => allowed.ways,
            Verdict::Deny(_) => Vec::new(),
        };
        let Answer::Addresses(own) = answers.name(&name("a.example")) else { panic!() };
        let by_address: Vec<_> = own
            .into_iter()
            .filter_map(|it| match say(&policy, &answers, Host::Address(it), port) {
                Verdict::Allow(allowed) => allowed.ways.into_iter().next(),
                Verdict::Deny(_) => None,
            })
            .collect();
        prop_assert_eq!(by_name, by_address);
    }

    #[test]
    fn what_is_wanted_suffices(
        rules in rules(prop_oneof![
            address_pattern(),
            ("[abc]\\.example", 80_u16..83).prop_map(|(host, port)| format!("{host}:{port}")),
            Just("/run/a".to_owned()),
            Just("/run/b/".to_owned()),
        ].boxed()),
        way in prop_oneof![Just(Direction::Open), Just(Direction::Listen)],
        text in "(a\\.example|d\\.example|10\\.0\\.0\\.1|localhost):8[0-3]|/run/[abc]",
    ) {
        let (policy, login) = (of(&rules), login(""));
        let ask = Ask::new(way, &target(&text)).unwrap();
        let question = Question { login: &login, ask: &ask, now: UNIX_EPOCH };
        let wants = policy.wants(&question);
        let mut answers = Answers::default();
        for name in wants.names {
            answers.set_name(name, Answer::Addresses(vec![[10, 0, 0, 1].into()]));
        }
        for path in wants.paths {
            answers.set_path(path.clone(), path);
        }
        if let Verdict::Deny(reason) = policy.judge(&question, &answers) {
            let told = ["unresolved", "undecided", "unknown-path"];
            prop_assert!(!told.contains(&reason.code()), "{}", reason);
        }
    }

    #[test]
    fn every_spelling_of_an_address_gets_one_verdict(
        rules in rules(address_pattern().boxed()), c in 0_u8..3, d in 0_u8..3, port in 80_u16..83,
    ) {
        let policy = of(&rules);
        let low = u32::from(c) << 8 | u32::from(d);
        let verdict = |host: String| judge_as(
            &login(""), &policy, Direction::Open, &format!("{host}:{port}"),
        );
        let expected = verdict(format!("10.0.{c}.{d}"));
        for spelling in [
            format!("10.{low}"), format!("10.0.{low}"), format!("{}", 10_u32 << 24 | low),
            format!("{:#x}", 10_u32 << 24 | low), format!("012.0.{c:#x}.0{d:o}"),
            format!("::ffff:10.0.{c}.{d}"), format!("[::ffff:a00:{low:x}]"),
            format!("10.0.{c}.{d}."),
        ] {
            prop_assert_eq!(verdict(spelling.clone()), expected.clone(), "{}", spelling);
        }
    }

    #[test]
    fn what_is_dialled_is_never_an_address_that_a_rule_of_addresses_denies_first(
        rules in rules(prop_oneof![
            address_pattern(),
            Just("*.example:*".to_owned()),
            Just("a.example:80".to_owned()),
        ].boxed()),
        addresses in prop::collection::vec(address(), 1..4),
        port in 80_u16..83,
    ) {
        let policy = of(&rules);
        let mut answers = Answers::default();
        answers.set_name(name("a.example"), Answer::Addresses(addresses));
        let Verdict::Allow(allowed) = say(&policy, &answers, Host::Name(name("a.example")), port)
        else { return Ok(()) };
        let of_addresses: Vec<_> = policy.rules().iter().cloned().map(|mut rule| {
            rule.targets.retain(|it| it.wants_name(port).is_none()
                && !it.to_string().starts_with('*'));
            rule
        }).filter(|rule| !rule.targets.is_empty()).collect();
        let of_addresses = Policy::new(of_addresses);
        let unconditional = policy.rules().iter().position(|rule| {
            rule.targets.is_empty() && rule.effect == Effect::Allow
        });
        for way in allowed.ways {
            let Pinned::Tcp(to) = &way.to else { panic!() };
            let by_address = say(&of_addresses, &answers, Host::Address(to.ip()), port);
            let first_allows_all = unconditional.is_some_and(|it| (it + 1).to_string() == *way.rule);
            prop_assert!(
                first_allows_all || !matches!(by_address, Verdict::Deny(Reason::Rule(_))),
                "{} by {}", way.to, way.rule,
            );
        }
    }
}
