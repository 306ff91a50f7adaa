//! The cases of the gateway's policy, by its rules alone.

use std::collections::HashSet;

use adit_gateway::ask::Ask;
use adit_gateway::question::Question;
use adit_gateway::verdict::{Allowed, Extent, Verdict};
use adit_tests::policy::{Case, Table};

/// What comes of a case, in the words of the table.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Denied { login: String },
    Allowed { ways: Vec<String>, narrowed: bool, rule: Option<String> },
    Refused { reason: String, rule: Option<String> },
}

fn expected(table: &Table, case: &Case, login: &Option<String>) -> Outcome {
    let rule = case.rule.clone();
    match (&case.login, table.allowed(case), &case.deny) {
        (Some(words), None, None) => {
            // What stands before the words is a place.
            let told = login.clone().filter(|told| told.contains(words.as_str()));
            Outcome::Denied { login: told.unwrap_or_else(|| words.clone()) }
        }
        (None, Some(ways), None) => Outcome::Allowed { ways, narrowed: case.narrowed, rule },
        (None, None, Some(reason)) => Outcome::Refused { reason: reason.clone(), rule },
        _ => panic!("{}: exactly one of login, allow and deny", case.name),
    }
}

fn judge(table: &Table, case: &Case) -> (Outcome, String) {
    let config = table.config(case);
    let (login_time, now) = table.times(case);
    let (source, credential) = (table.source(case), table.credential(case));
    let login = match config.register.admit(&case.user, &credential, source, login_time) {
        Ok(login) => login,
        Err(denied) => return (Outcome::Denied { login: denied.to_string() }, denied.to_string()),
    };
    let (direction, target) = table.asked(case);
    let ask = match Ask::new(direction, &target) {
        Ok(ask) => ask,
        Err(unclear) => {
            let reason = "unclear".to_owned();
            return (Outcome::Refused { reason, rule: None }, unclear.to_string());
        }
    };
    let question = Question { login: &login, ask: &ask, now };
    let answers = table.answers(&config.policy.wants(&question));
    let verdict = config.policy.judge(&question, &answers);
    let explanation = config.policy.explain(&question, &answers);
    assert_eq!(explanation.verdict, verdict, "{}", case.name);
    let rule = verdict.rule().map(str::to_owned);
    let outcome = match verdict {
        Verdict::Allow(Allowed { ways, extent, .. }) => Outcome::Allowed {
            ways: ways.iter().map(|way| way.to.to_string()).collect(),
            narrowed: extent == Extent::Loopback,
            rule,
        },
        Verdict::Deny(reason) => Outcome::Refused { reason: reason.code().to_owned(), rule },
    };
    (outcome, explanation.to_string())
}

#[test]
fn every_case_comes_out_as_the_table_says() {
    let table = Table::load();
    let mut wrong = Vec::new();
    for case in table.cases() {
        let (found, explained) = judge(&table, case);
        let login = match &found {
            Outcome::Denied { login } => Some(login.clone()),
            _ => None,
        };
        let expected = expected(&table, case, &login);
        if found != expected {
            wrong.push(format!(
                "{}\n  expected {expected:?}\n  found    {found:?}\n{explained}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_enough_cases_with_names_of_their_own() {
    let table = Table::load();
    let names: HashSet<_> = table.cases().iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), table.cases().len());
    assert!(names.len() >= 60, "{}", names.len());
}
