//! The goals: what each is held against, and whether it holds.

use crate::bench::clause::{Bound, Clause};
use crate::bench::contestant::{
    ADIT, ADIT_STRIPED, ADIT_TO_OPENSSH, FLOOR_32K, OPENSSH, OPENSSH_TO_ADIT, PLAIN, STRIPED,
};
use crate::bench::metric::Metric;
use crate::bench::outcome::{Outcome, Run};
use crate::table::Table;

/// A table of all goals, each clause a line with `holds`, `falls short` or `not measured`.
pub(crate) fn text(run: &Run) -> String {
    let mut table = Table::new(["goal", "what", "figure", "bound", "verdict"]);
    for clause in clauses(run) {
        table.row(clause.cells());
    }
    table.to_string()
}

fn clauses(run: &Run) -> Vec<Clause> {
    let goals = Goals { run };
    [
        goals.bulk(),
        goals.one_end(),
        goals.defaults(),
        goals.like_one_stream(),
        goals.connections(),
        goals.latency(),
        goals.logins(),
        goals.idle(),
        goals.stalled(),
        goals.long_paths(),
        goals.striped(),
        goals.chacha(),
    ]
    .concat()
}

/// The goals by number, from one run.
struct Goals<'a> {
    run: &'a Run,
}

impl Goals<'_> {
    fn bulk(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for scenario in ["up", "down", "up-aes256", "down-aes256"] {
            clauses.push(self.against_openssh(1, scenario, Metric::Cpu, Bound::AtMost(0.60)));
            clauses.push(self.against_openssh(1, scenario, Metric::Rate, Bound::AtLeast(1.6)));
        }
        for scenario in ["up", "down"] {
            let about = format!("{scenario}: both ends' CPU, to a bare relay with 32 KiB frames");
            let figure = self.ratio(scenario, ADIT.name, FLOOR_32K.name, Metric::Cpu);
            clauses.push(Clause::new(1, about, Bound::AtMost(1.25), figure));
        }
        clauses
    }

    fn one_end(&self) -> Vec<Clause> {
        let ends = [(ADIT_TO_OPENSSH, Metric::ClientCpu), (OPENSSH_TO_ADIT, Metric::ServerCpu)];
        let both = |scenario: &'static str| {
            ends.map(|(contestant, metric)| {
                let about = format!(
                    "{scenario}: {}, adit's CPU to OpenSSH's in its place",
                    contestant.name
                );
                let figure = self.ratio(scenario, contestant.name, OPENSSH.name, metric);
                Clause::new(2, about, Bound::AtMost(0.65), figure)
            })
        };
        ["up", "down"].into_iter().flat_map(both).collect()
    }

    fn defaults(&self) -> Vec<Clause> {
        ["up-default", "down-default"]
            .map(|it| self.against_openssh(3, it, Metric::Rate, Bound::AtLeast(2.5)))
            .to_vec()
    }

    fn like_one_stream(&self) -> Vec<Clause> {
        let pairs = [
            ("up8", "up"),
            ("down8", "down"),
            ("bidir", "up"),
            ("bidir", "down"),
            ("up@R", "up"),
            ("down@R", "down"),
            ("up@D", "up"),
            ("down@D", "down"),
        ];
        let one = |(scenario, single): (&str, &str)| {
            let about = format!("{scenario}: both ends' CPU, to {single}");
            let figure = self.across(ADIT.name, scenario, single, Metric::Cpu);
            Clause::new(4, about, Bound::AtMost(1.1), figure)
        };
        pairs.map(one).to_vec()
    }

    fn connections(&self) -> Vec<Clause> {
        ["conn", "conn64"]
            .into_iter()
            .flat_map(|scenario| {
                [
                    self.against_openssh(5, scenario, Metric::PerSecond, Bound::AtLeast(1.5)),
                    self.against_openssh(5, scenario, Metric::CpuEach, Bound::AtMost(0.7)),
                ]
            })
            .collect()
    }

    fn latency(&self) -> Vec<Clause> {
        let mut clauses = vec![
            self.against_openssh(6, "lat", Metric::Median, Bound::AtMost(0.8)),
            self.against_openssh(6, "lat", Metric::P99, Bound::AtMost(0.7)),
        ];
        for scenario in ["lat-up", "lat-down"] {
            clauses.push(self.against_openssh(6, scenario, Metric::Median, Bound::AtMost(0.5)));
            clauses.push(self.against_openssh(6, scenario, Metric::P99, Bound::AtMost(0.25)));
            clauses.push(self.own(6, scenario, Metric::BulkKept, Bound::AtLeast(0.9)));
            for (metric, bound) in [(Metric::Median, 0.5), (Metric::P99, 0.25)] {
                let about =
                    format!("{scenario}: {}, by four connections, to OpenSSH's", metric.label());
                let figure = self.ratio(scenario, ADIT_STRIPED.name, OPENSSH.name, metric);
                clauses.push(Clause::new(6, about, Bound::AtMost(bound), figure));
            }
        }
        clauses
    }

    fn logins(&self) -> Vec<Clause> {
        let mut clauses = vec![
            self.own(7, "hs", Metric::Median, Bound::AtMost(8.0)),
            self.against_openssh(7, "hs", Metric::ClientCpuEach, Bound::AtMost(0.5)),
        ];
        for contestant in [ADIT, ADIT_TO_OPENSSH] {
            let about = format!("rtt50-hs: {}, round trips to the first byte", contestant.name);
            let figure = self.figure("rtt50-hs", contestant.name, Metric::Median);
            clauses.push(Clause::new(7, about, Bound::AtMost(6.0), figure.map(|it| it / 50.0)));
        }
        clauses
    }

    fn idle(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for (end, metric) in [("client", Metric::ClientPrivate), ("server", Metric::ServerPrivate)]
        {
            for (scenario, channels) in [("mem-1000", 1000.0), ("mem-10000", 9_990.0)] {
                let each = self.figure(scenario, ADIT.name, metric).and_then(|many| {
                    let one = self.figure("mem-1", ADIT.name, metric)?;
                    Ok((many - one) / (channels - 1.0))
                });
                let about = format!("{scenario}: KiB for each channel, {end}");
                clauses.push(Clause::new(8, about, Bound::AtMost(8.0), each));
            }
        }
        for metric in [Metric::ClientResident, Metric::ServerResident] {
            clauses.push(self.own(8, "mem-10000", metric, Bound::AtMost(100.0)));
        }
        for (scenario, part) in [("mem-1000", 0.05), ("mem-10000", 0.10)] {
            let rate = self.across(ADIT.name, scenario, "mem-1", Metric::Rate);
            let ping = self.across(ADIT.name, scenario, "mem-1", Metric::Median);
            let about = format!("{scenario}: bulk down, to one channel");
            clauses.push(Clause::new(8, about, Bound::AtLeast(1.0 - part), rate));
            let about = format!("{scenario}: ping p50, to one channel");
            clauses.push(Clause::new(8, about, Bound::AtMost(1.0 + part), ping));
        }
        clauses.push(self.own(8, "mem-1000", Metric::Opened, Bound::AtMost(0.4)));
        clauses
    }

    fn stalled(&self) -> Vec<Clause> {
        vec![
            self.own(8, "stall", Metric::BulkKept, Bound::AtLeast(0.9)),
            // Two stalled channels, each with a window, an outbox and the two pipes' buffers.
            self.own(8, "stall", Metric::Growth, Bound::AtMost(2.0 * (16.0 + 0.5))),
        ]
    }

    fn long_paths(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for path in ["rtt50", "rtt200"] {
            for way in ["up", "down"] {
                let scenario = format!("{path}-{way}");
                let about = format!("{scenario}: adit's rate to plain TCP's");
                let figure = self.ratio(&scenario, ADIT.name, PLAIN.name, Metric::Rate);
                clauses.push(Clause::new(9, about, Bound::AtLeast(0.9), figure));
            }
            let scenario = format!("{path}-down");
            let about = format!("{scenario}: from sshd, rate to plain TCP's");
            let figure = self.ratio(&scenario, ADIT_TO_OPENSSH.name, PLAIN.name, Metric::Rate);
            clauses.push(Clause::new(9, about, Bound::AtLeast(0.9), figure));
        }
        clauses
    }

    /// Several connections used as one. A stream goes by one of them, so several are held against
    /// OpenSSH's one, and against as many as these by one connection of it.
    fn striped(&self) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for (one, eight) in [("rtt50-up", "rtt50-up8"), ("rtt200-up", "rtt200-up8")] {
            for (scenario, streams) in [(one, "one stream"), (eight, "eight by one connection")] {
                let about = format!("{eight}: to sshd by four connections, to OpenSSH's {streams}");
                let figure =
                    self.between((eight, STRIPED.name), (scenario, OPENSSH.name), Metric::Rate);
                clauses.push(Clause::new(9, about, Bound::AtLeast(3.0), figure));
            }
        }
        clauses
    }

    fn chacha(&self) -> Vec<Clause> {
        ["up-chacha", "down-chacha"]
            .map(|it| self.against_openssh(10, it, Metric::Cpu, Bound::AtMost(1.0)))
            .to_vec()
    }

    /// adit at both ends against OpenSSH at both.
    fn against_openssh(&self, goal: u8, scenario: &str, metric: Metric, bound: Bound) -> Clause {
        let figure = self.ratio(scenario, ADIT.name, OPENSSH.name, metric);
        Clause::new(goal, format!("{scenario}: {}, to OpenSSH's", metric.label()), bound, figure)
    }

    fn own(&self, goal: u8, scenario: &str, metric: Metric, bound: Bound) -> Clause {
        let figure = self.figure(scenario, ADIT.name, metric);
        Clause::new(goal, format!("{scenario}: {}", metric.label()), bound, figure)
    }

    fn figure(&self, scenario: &str, contestant: &str, metric: Metric) -> Result<f64, String> {
        let outcome = self.outcome(scenario, contestant)?;
        outcome.median(metric).ok_or_else(|| missing(outcome))
    }

    fn ratio(&self, scenario: &str, this: &str, that: &str, metric: Metric) -> Result<f64, String> {
        self.between((scenario, this), (scenario, that), metric)
    }

    /// A contestant in a scenario against another one in another.
    fn between(
        &self,
        this: (&str, &str),
        that: (&str, &str),
        metric: Metric,
    ) -> Result<f64, String> {
        let (this, that) = (self.outcome(this.0, this.1)?, self.outcome(that.0, that.1)?);
        this.ratio(metric, that)
            .ok_or_else(|| missing(if this.problem.is_some() { this } else { that }))
    }

    /// A contestant in one scenario against itself in another.
    fn across(
        &self,
        contestant: &str,
        this: &str,
        that: &str,
        metric: Metric,
    ) -> Result<f64, String> {
        self.between((this, contestant), (that, contestant), metric)
    }

    fn outcome(&self, scenario: &str, contestant: &str) -> Result<&Outcome, String> {
        let found = self.run.find(scenario, contestant);
        found.ok_or_else(|| format!("{contestant} did not take part in {scenario}"))
    }
}

fn missing(outcome: &Outcome) -> String {
    let why = outcome.problem.as_deref().and_then(|problem| problem.lines().next());
    format!("{}, {}: {}", outcome.scenario, outcome.contestant, why.unwrap_or("no such figure"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::machine::Machine;
    use crate::bench::metric::Sample;

    fn run(outcomes: Vec<Outcome>) -> Run {
        Run { machine: Machine::default(), rounds: 1, seconds: 1.0, outcomes }
    }

    fn outcome(contestant: &str, metric: Metric, figure: f64) -> Outcome {
        let samples = vec![Some(Sample::from([(metric, figure)]))];
        let (scenario, contestant) = ("up".to_owned(), contestant.to_owned());
        Outcome { scenario, contestant, samples, problem: None }
    }

    fn verdict(text: &str, about: &str) -> String {
        let line = text.lines().find(|line| line.contains(about)).unwrap();
        line.split("  ").last().unwrap().trim().to_owned()
    }

    #[test]
    fn a_goal_holds_falls_short_or_was_not_measured() {
        for (cpu, expected) in [(1.1, "holds"), (1.3, "falls short")] {
            let openssh = outcome("openssh", Metric::Cpu, 2.0);
            let text = text(&run(vec![openssh, outcome("adit", Metric::Cpu, cpu)]));
            assert_eq!(verdict(&text, "up: both s/GiB, to OpenSSH's"), expected);
        }
        let text = text(&run(Vec::new()));
        assert!(verdict(&text, "conn: 1/s").starts_with("not measured: adit did not take part"));
    }

    #[test]
    fn each_of_the_ten_goals_has_a_line() {
        let text = text(&run(Vec::new()));
        for goal in 1..=10 {
            assert!(text.lines().any(|line| line.starts_with(&format!("{goal} "))), "{goal}");
        }
    }
}
