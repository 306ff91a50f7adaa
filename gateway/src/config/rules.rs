//! The tables of rules.

use std::collections::HashSet;

use toml::Spanned;

use crate::config::document::{self, Document};
use crate::config::print::Print;
use crate::config::report::Report;
use crate::config::text::Text;
use crate::effect::Effect;
use crate::pattern::{Hosts, Pattern};
use crate::rule::Rule;

/// All rules, in their order.
pub(super) fn build(document: &Document, report: &mut Report) -> Vec<Rule> {
    let known = Known::of(document);
    let mut names = HashSet::new();
    let mut rules = Vec::new();
    for table in &document.rule {
        let name = table.name.get_ref();
        if !names.insert(name.clone()) {
            report.fault(table.name.span(), format!("there are two rules {name:?}"));
        }
        if name.is_empty() || name.contains(char::is_control) {
            report.fault(table.name.span(), "this is no name");
        }
        rules.push(rule(table, &known, report));
    }
    if rules.is_empty() {
        report.warn(0..0, "there are no rules: nothing is allowed", "write a `[[rule]]`");
    }
    for (index, rule) in rules.iter().enumerate() {
        if let Some(table) = document.rule.get(index) {
            lint(rule, rules.get(..index).unwrap_or_default(), table, report);
        }
    }
    rules
}

/// What rules can refer to.
struct Known<'a> {
    users: HashSet<&'a str>,
    groups: HashSet<&'a str>,
    authorities: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(document: &'a Document) -> Self {
        let users = document.user.iter();
        Self {
            users: users.clone().map(|it| it.name.get_ref().as_str()).collect(),
            groups: users.flat_map(|it| &it.groups).map(String::as_str).collect(),
            authorities: document.authority.iter().map(|it| it.name.get_ref().as_str()).collect(),
        }
    }
}

fn rule(table: &document::Rule, known: &Known<'_>, report: &mut Report) -> Rule {
    let mut rule = Rule::new(table.name.get_ref(), table.action);
    rule.direction = table.direction;
    rule.sessions = texts(table.sessions.as_ref(), report);
    if let Some(sessions) = &table.sessions
        && (table.direction.is_some() || table.targets.is_some())
    {
        let hint = "write two rules: one with `sessions`, one with `direction` or `targets`";
        report.fault_with_hint(
            sessions.span(),
            "a rule about sessions is about nothing else",
            hint,
        );
    }
    rule.users = names(table.users.as_ref(), report, |name| {
        (!known.users.contains(name)).then(|| format!("there is no user {name:?}"))
    });
    rule.groups = names(table.groups.as_ref(), report, |name| {
        (!known.groups.contains(name)).then(|| format!("no user is in a group {name:?}"))
    });
    rule.authorities = names(table.authorities.as_ref(), report, |name| {
        let is_known = known.authorities.contains(name) || name.parse::<Print>().is_ok();
        (!is_known).then(|| format!("there is no authority {name:?}"))
    });
    rule.keys = texts(table.keys.as_ref(), report).into_iter().map(|print| print.0).collect();
    rule.certificates = list(table.certificates.as_ref(), report);
    rule.sources = texts(table.sources.as_ref(), report);
    rule.times = texts(table.times.as_ref(), report);
    rule.targets = texts(table.targets.as_ref(), report);
    rule
}

/// The items of a list, which has some where it is written.
fn list<T: Clone>(list: Option<&Spanned<Vec<T>>>, report: &mut Report) -> Vec<T> {
    let Some(list) = list else { return Vec::new() };
    if list.get_ref().is_empty() {
        let hint = "leave it out to match all";
        report.fault_with_hint(list.span(), "an empty list matches nothing", hint);
    }
    list.get_ref().clone()
}

fn texts<T: Clone>(items: Option<&Spanned<Vec<Text<T>>>>, report: &mut Report) -> Vec<T> {
    let texts = list(items, report);
    report.values(&texts)
}

fn names(
    items: Option<&Spanned<Vec<Spanned<String>>>>,
    report: &mut Report,
    fault: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let items = list(items, report);
    for item in &items {
        if let Some(message) = fault(item.get_ref()) {
            report.fault(item.span(), message);
        }
    }
    items.into_iter().map(Spanned::into_inner).collect()
}

/// Warns of a rule that does not do what it seems to.
fn lint(rule: &Rule, before: &[Rule], table: &document::Rule, report: &mut Report) {
    let span = table.name.span();
    if let Some(end) = before.iter().find(|rule| is_end(rule)) {
        let message = format!("this rule is never asked: rule {:?} denies everything", end.name);
        report.warn(span.clone(), message, "put it before that rule");
    }
    match rule.effect {
        // A rule about sessions has no targets.
        Effect::Allow if rule.direction.is_none() && rule.targets.iter().any(is_everywhere) => {
            let message = "this rule also allows to listen on every address";
            report.warn(span, message, "write `direction = \"open\"`, or \"listen\" if it is so");
        }
        Effect::Allow => {}
        Effect::Deny => lint_denial(rule, before, table, report),
    }
}

fn lint_denial(rule: &Rule, before: &[Rule], table: &document::Rule, report: &mut Report) {
    let span = table.name.span();
    let is_suffix = |it: &Pattern| matches!(it, Pattern::Tcp { hosts: Hosts::Below(_), .. });
    if !rule.targets.is_empty() && rule.targets.iter().all(is_suffix) {
        let message = "this rule denies names only: who asks for an address goes past it";
        report.warn(span.clone(), message, "deny the network of these hosts too");
    }
    let is_all = |it: &Pattern| match it {
        Pattern::Tcp { hosts: Hosts::Network(network), .. } => network.prefix() == 0,
        _ => false,
    };
    let is_name =
        |it: &Pattern| matches!(it, Pattern::Tcp { hosts: Hosts::Name(_) | Hosts::Below(_), .. });
    let mut allowing = before.iter().filter(|it| it.effect == Effect::Allow);
    let named = allowing.find(|it| it.targets.iter().any(is_name));
    if let Some(named) = named.filter(|_| rule.targets.iter().any(is_all)) {
        let message = format!(
            "this rule denies the addresses of all names that rule {:?} allows",
            named.name
        );
        report.warn(span, message, "to deny what is left, leave out `targets` or write `*:*`");
    }
}

/// Whether it means all addresses of a family, to listen on.
fn is_everywhere(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Tcp { hosts: Hosts::All, .. } => true,
        Pattern::Tcp { hosts: Hosts::Network(network), .. } => network.first().is_unspecified(),
        _ => false,
    }
}

/// Whether no rule behind it is ever asked.
fn is_end(rule: &Rule) -> bool {
    rule.effect == Effect::Deny
        && rule.direction.is_none()
        && rule.sessions.is_empty()
        && [&rule.users, &rule.groups, &rule.keys, &rule.certificates, &rule.authorities]
            .into_iter()
            .all(Vec::is_empty)
        && rule.sources.is_empty()
        && rule.times.is_empty()
        && rule.targets.is_empty()
}
