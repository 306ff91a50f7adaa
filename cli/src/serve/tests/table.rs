//! The cases of the policy, through real connections.

use adit_forward::target::Target;
use adit_gateway::answers::{Answer, Wants};
use adit_gateway::ask::{Ask, Direction, Place};
use adit_gateway::host::Host;
use adit_tests::policy::{Case, Table};
use adit_tests::visitor::Visitor;
use tokio::io::AsyncWriteExt;

use crate::serve::tests::stage::{ALL, HERE, House, Stage, tcp};
use crate::serve::tests::world::reached;

/// What comes of a case, in the words of the table.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    NotLetIn,
    Opened { to: String, among: Vec<String>, rule: Option<String> },
    Refused { reason: Option<String>, rule: Option<String> },
}

fn expected(table: &Table, case: &Case) -> Outcome {
    let rule = case.rule.clone();
    match (&case.login, table.allowed(case)) {
        (Some(_), _) => Outcome::NotLetIn,
        (None, Some(among)) => Outcome::Opened { to: among[0].clone(), among, rule },
        (None, None) => Outcome::Refused { reason: case.deny.clone(), rule },
    }
}

async fn run(table: &Table, case: &Case, target: &Target) -> Outcome {
    let stage = Stage::new(table.config(case));
    let (login_time, ask_time) = table.times(case);
    stage.world.set_now(login_time);
    teach(&stage, table, Direction::Open, target);
    let certificate = table.certificate(case);
    let visitor = Visitor::new(&table.private_key(case), certificate.as_deref());
    let Ok(guest) = stage.log_in(visitor, &case.user, table.source(case)).await else {
        assert_eq!(stage.finish().len(), 0);
        return Outcome::NotLetIn;
    };
    stage.world.set_now(ask_time);
    let opened = guest.open(target).await;
    let is_open = opened.is_ok();
    if let Ok(mut channel) = opened {
        reached(&mut channel).await;
        channel.shutdown().await.unwrap();
    }
    guest.leave().await;
    let dialled = stage.world.dialled();
    // What it cannot mean is refused before anybody is asked.
    let lines = stage.finish();
    let [line] = &lines[..] else {
        assert!(!is_open && dialled.is_empty() && lines.is_empty(), "{}: {lines:?}", case.name);
        return Outcome::Refused { reason: Some("unclear".to_owned()), rule: None };
    };
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    assert_eq!(is_open, line["verdict"] == "allow", "{}: {line}", case.name);
    match &dialled[..] {
        [] => Outcome::Refused { reason: text("reason"), rule: text("rule") },
        [ways] => Outcome::Opened {
            to: text("address").unwrap(),
            among: ways.iter().map(ToString::to_string).collect(),
            rule: text("rule"),
        },
        _ => panic!("{}: dialled {dialled:?}", case.name),
    }
}

/// Tells the world what the table knows.
pub(super) fn teach(stage: &Stage, table: &Table, direction: Direction, target: &Target) {
    let mut wants = Wants::default();
    for name in table.names().keys() {
        match name.parse() {
            Ok(Host::Name(name)) => wants.names.insert(name),
            other => panic!("{name}: {other:?}"),
        };
    }
    if let Ok(Ask { place: Place::Socket(path), .. }) = Ask::new(direction, target) {
        wants.paths.insert(path);
    }
    let charter = stage.gateway.charter();
    let patterns = charter.config.policy.rules().iter().flat_map(|rule| &rule.targets);
    wants.paths.extend(patterns.filter_map(|it| it.wants_path()).cloned());
    stage.world.set_known(table.answers(&wants));
}

#[tokio::test]
async fn every_case_comes_out_as_the_table_says() {
    let table = Table::load();
    let (mut wrong, mut opened) = (Vec::new(), 0);
    for case in table.cases() {
        let (Direction::Open, target) = table.asked(case) else { continue };
        opened += 1;
        let (found, expected) = (run(&table, case, &target).await, expected(&table, case));
        if found != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  found    {found:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(opened >= 60, "{opened} cases open something");
}

#[tokio::test]
async fn a_name_server_that_answers_otherwise_the_second_time_is_not_asked_again() {
    let house = House::new();
    let rules = "[[rule]]\nname = \"inside\"\naction = \"deny\"\ntargets = [\"10.0.0.0/8:*\"]\n";
    let stage = Stage::new(house.config("", &format!("{rules}{ALL}")));
    let (outside, inside) = ([192, 0, 2, 5].into(), [10, 0, 0, 5].into());
    let answers = vec![Answer::Addresses(vec![inside]), Answer::Addresses(vec![outside])];
    stage.world.answer_in_turn("rebound.test", answers);
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    let mut channel = guest.open(&tcp("rebound.test", 80)).await.unwrap();
    reached(&mut channel).await;
    assert_eq!(stage.world.asked(), ["rebound.test"]);
    let dialled = stage.world.dialled();
    assert_eq!(dialled.len(), 1);
    assert_eq!(dialled[0][0].to_string(), "192.0.2.5:80");
    let (reason, _) = guest.refused(&tcp("rebound.test", 80)).await;
    assert_eq!((reason, stage.world.dialled().len()), (1, 1), "the next question is another one");
}

#[tokio::test]
async fn a_client_is_told_why_and_nothing_of_the_rules() {
    let house = House::new();
    let rules = "[[rule]]\nname = \"secret\"\naction = \"deny\"\ntargets = [\"*:22\"]\n";
    let stage = Stage::new(house.config("", &format!("{rules}{ALL}")));
    let guest = stage.log_in(house.ann(), "ann", HERE).await.unwrap();
    for (target, reason, words) in [
        (tcp("192.0.2.1", 22), 1, "the policy of the gateway does not permit it"),
        (tcp("fe80::1%eth0", 80), 1, "an address with a zone"),
        (tcp("0", 80), 1, "0.0.0.0 and :: are no hosts"),
        (tcp("unheard.test", 80), 2, "Name or service not known"),
    ] {
        let refused = guest.refused(&target).await;
        assert_eq!(refused.0, reason, "{target}");
        assert!(refused.1.contains(words), "{target}: {refused:?}");
        assert!(!refused.1.contains("secret"));
    }
    guest.leave().await;
    let lines = stage.finish();
    assert_eq!(lines[0]["rule"], "secret");
    assert_eq!(lines.len(), 4);
}
