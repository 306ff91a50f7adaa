//! A run as tables.

use std::collections::BTreeSet;

use crate::bench::contestant::OPENSSH;
use crate::bench::metric::Metric;
use crate::bench::outcome::{Outcome, Run};
use crate::table::Table;

/// A table for each scenario: medians, and beside each the median of its ratios to OpenSSH in the same round.
pub(crate) fn text(run: &Run) -> String {
    let machine = &run.machine;
    let mut text = format!(
        "{}, {} cores, {}; Linux {}\n{}; {}\nmedians of {} rounds of {} s; beside each, paired ratio to openssh; load {}\n",
        machine.cpu,
        machine.cores,
        machine.instructions.join(" "),
        machine.kernel,
        machine.openssh,
        machine.adit,
        run.rounds,
        run.seconds,
        machine.load,
    );
    let mut scenarios: Vec<&str> = run.outcomes.iter().map(|it| it.scenario.as_str()).collect();
    scenarios.dedup();
    for scenario in scenarios {
        text.push('\n');
        text.push_str(&table(run, scenario));
    }
    text
}

/// The table of one scenario.
pub(crate) fn table(run: &Run, scenario: &str) -> String {
    let outcomes: Vec<&Outcome> =
        run.outcomes.iter().filter(|outcome| outcome.scenario == scenario).collect();
    let metrics: BTreeSet<Metric> = outcomes.iter().flat_map(|it| it.metrics()).collect();
    let heading = [scenario].into_iter().chain(metrics.iter().map(|metric| metric.label()));
    let mut table = Table::new(heading);
    let openssh = run.find(scenario, OPENSSH.name);
    for outcome in outcomes {
        let cells = metrics.iter().map(|metric| cell(outcome, *metric, openssh));
        let problem = outcome.problem.iter().map(|problem| first_line(problem));
        table.row([outcome.contestant.clone()].into_iter().chain(cells).chain(problem));
    }
    table.to_string()
}

fn cell(outcome: &Outcome, metric: Metric, openssh: Option<&Outcome>) -> String {
    let Some(figure) = outcome.median(metric) else { return "-".to_owned() };
    let shown = Metric::show(figure);
    let other = openssh.filter(|openssh| openssh.contestant != outcome.contestant);
    match other.and_then(|openssh| outcome.ratio(metric, openssh)) {
        Some(ratio) => format!("{shown} ({ratio:.2})"),
        None => shown,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
