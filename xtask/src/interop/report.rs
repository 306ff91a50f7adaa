//! A run as a table for people, as JSON, and as JUnit's XML.

use std::fmt::Write;

use crate::error::{Context, Result};
use crate::interop::outcome::{Outcome, Run, Verdict, seconds};
use crate::table::Table;

/// A row for each scenario, a column for each peer, and below it what failed and what was left out.
pub(crate) fn text(run: &Run) -> String {
    let peers = distinct(run, |outcome| &outcome.peer);
    let mut table = Table::new([&"scenario (seconds)".to_owned()].into_iter().chain(&peers));
    for scenario in distinct(run, |outcome| &outcome.scenario) {
        let cells = peers.iter().map(|peer| {
            let is_cell = |o: &&Outcome| o.peer == *peer && o.scenario == scenario;
            run.outcomes.iter().find(is_cell).map(cell).unwrap_or_default()
        });
        table.row([scenario.clone()].into_iter().chain(cells));
    }
    let spent = peers.iter().map(|peer| {
        let of_peer = run.outcomes.iter().filter(|outcome| outcome.peer == *peer);
        seconds(of_peer.map(|outcome| outcome.milliseconds).sum())
    });
    table.row(["all together".to_owned()].into_iter().chain(spent));
    let mut text = table.to_string();
    for outcome in &run.outcomes {
        let (word, reason) = match &outcome.verdict {
            Verdict::Pass => continue,
            Verdict::Fail(reason) => ("failed", reason),
            Verdict::NotApplicable(reason) => ("not applicable", reason),
        };
        let _ = writeln!(text, "{word}: {} {}: {reason}", outcome.peer, outcome.scenario);
    }
    let (passed, failed, rest) = run.counts();
    let _ = writeln!(
        text,
        "interop: {passed} passed, {failed} failed, {rest} not applicable, {} s, {}, {}",
        seconds(run.milliseconds),
        run.program,
        run.engine
    );
    text
}

fn cell(outcome: &Outcome) -> String {
    match outcome.verdict {
        Verdict::Pass => format!("pass {}", outcome.seconds()),
        Verdict::Fail(_) => format!("FAIL {}", outcome.seconds()),
        Verdict::NotApplicable(_) => "n/a".to_owned(),
    }
}

/// The values of a field, each once, in the order of their first appearance.
fn distinct(run: &Run, field: fn(&Outcome) -> &String) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in run.outcomes.iter().map(field) {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    values
}

/// Everything, for programs.
pub(crate) fn json(run: &Run) -> Result<String> {
    serde_json::to_string_pretty(run).map(|text| text + "\n").context("write JSON")
}

/// A suite for each peer, a case for each scenario.
pub(crate) fn junit(run: &Run) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for peer in distinct(run, |outcome| &outcome.peer) {
        let cases: Vec<&Outcome> = run.outcomes.iter().filter(|o| o.peer == peer).collect();
        let count = |is: fn(&Verdict) -> bool| cases.iter().filter(|o| is(&o.verdict)).count();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            escape(&peer),
            cases.len(),
            count(|verdict| matches!(verdict, Verdict::Fail(_))),
            count(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
        );
        for outcome in cases {
            case(&mut xml, outcome);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, outcome: &Outcome) {
    let body = match &outcome.verdict {
        Verdict::Pass => String::new(),
        Verdict::Fail(reason) => format!("<failure message=\"{}\"/>", escape(reason)),
        Verdict::NotApplicable(reason) => format!("<skipped message=\"{}\"/>", escape(reason)),
    };
    let _ = writeln!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">{body}</testcase>",
        escape(&outcome.peer),
        escape(&outcome.scenario),
        outcome.seconds(),
    );
}

/// XML knows five letters that mean something, and most control characters not at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(peer: &str, scenario: &str, verdict: Verdict) -> Outcome {
        Outcome {
            peer: peer.to_owned(),
            version: "OpenSSH_9.2p1".to_owned(),
            scenario: scenario.to_owned(),
            role: "server",
            verdict,
            milliseconds: 1234,
            measurements: vec![("down, MiB/s".to_owned(), "500".to_owned())],
        }
    }

    fn run() -> Run {
        Run {
            engine: "docker".to_owned(),
            program: "adit".to_owned(),
            bytes: 1,
            milliseconds: 60_000,
            outcomes: vec![
                outcome("openssh-a", "bulk", Verdict::Pass),
                outcome("openssh-a", "many", Verdict::Fail("a < b & \"c\"\n\u{1b}".to_owned())),
                outcome("dropbear-b", "many", Verdict::NotApplicable("none".to_owned())),
            ],
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_scenario_and_a_column_for_each_peer() {
        let text = text(&run());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "scenario (seconds)  openssh-a  dropbear-b");
        assert_eq!(lines[1], "bulk                pass 1.2");
        assert_eq!(lines[2], "many                FAIL 1.2   n/a");
        assert_eq!(lines[3], "all together        2.4        1.2");
        assert!(lines[4].starts_with("failed: openssh-a many: a < b"), "{text}");
        assert!(text.contains("not applicable: dropbear-b many: none"), "{text}");
        assert!(text.contains("1 passed, 1 failed, 1 not applicable, 60.0 s, adit, docker"));
    }

    #[test]
    fn json_has_every_outcome_with_its_measurements() {
        let json: serde_json::Value = serde_json::from_str(&json(&run()).unwrap()).unwrap();
        assert_eq!(json["outcomes"][0]["verdict"], "pass");
        assert_eq!(json["outcomes"][2]["verdict"]["not-applicable"], "none");
        assert_eq!(json["outcomes"][0]["measurements"][0][1], "500");
    }

    #[test]
    fn junit_counts_and_escapes() {
        let xml = junit(&run());
        let suite = "<testsuite name=\"openssh-a\" tests=\"2\" failures=\"1\" skipped=\"0\">";
        assert!(xml.contains(suite), "{xml}");
        let failure = "message=\"a &lt; b &amp; &quot;c&quot;&#10;\u{fffd}\"";
        assert!(xml.contains(failure), "{xml}");
        assert!(xml.contains("<skipped message=\"none\"/>"), "{xml}");
    }
}
