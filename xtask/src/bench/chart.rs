//! A run as bars, in SVG of our own: a dozen rectangles and words need no library.

use std::fmt::Write;

use crate::bench::metric::Metric;
use crate::bench::outcome::Run;

/// What has bars, where it was measured: scenario, metric, heading.
const PANELS: [(&str, Metric, &str); 8] = [
    ("up", Metric::Cpu, "up, aes128-gcm: CPU-seconds for a GiB, both ends"),
    ("down", Metric::Cpu, "down, aes128-gcm: CPU-seconds for a GiB, both ends"),
    ("conn64", Metric::CpuEach, "short connections: microseconds of CPU each, both ends"),
    ("lat-up", Metric::P99, "64 bytes there and back beside a stream up: p99, ms"),
    ("lat-down", Metric::P99, "64 bytes there and back beside a stream down: p99, ms"),
    ("hs", Metric::Median, "from the start of the client to the first byte: p50, ms"),
    ("rtt50-up", Metric::Rate, "one stream up a path of 50 ms: MiB/s"),
    ("rtt50-down", Metric::Rate, "one stream down a path of 50 ms: MiB/s"),
];

const WIDTH: u32 = 720;
const LABEL: u32 = 130;
const VALUE: u32 = 60;
const BAR: u32 = 16;
const STEP: u32 = 22;
const HEADING: u32 = 34;

/// The bars of what was measured, one panel under another.
pub(crate) fn svg(run: &Run) -> String {
    let mut body = String::new();
    let mut top = 0;
    for (scenario, metric, heading) in PANELS {
        let bars: Vec<(&str, f64)> = run
            .outcomes
            .iter()
            .filter(|outcome| outcome.scenario == scenario)
            .filter_map(|outcome| Some((outcome.contestant.as_str(), outcome.median(metric)?)))
            .collect();
        if !bars.is_empty() {
            top = panel(&mut body, top, heading, &bars);
        }
    }
    let height = top + STEP;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Adds a panel, and says where the next one begins.
fn panel(body: &mut String, top: u32, heading: &str, bars: &[(&str, f64)]) -> u32 {
    let largest = bars.iter().fold(0.0, |largest: f64, (_, figure)| largest.max(*figure));
    let room = f64::from(WIDTH - LABEL - VALUE);
    let at = top + 24;
    line(body, &text(10, at, "start", "font-weight=\"bold\"", heading));
    let mut y = top + HEADING;
    for (name, figure) in bars {
        let width = if largest > 0.0 { room * figure / largest } else { 0.0 };
        let fill = if name.contains("adit") { "#2a6f97" } else { "#b8bfc6" };
        line(body, &text(LABEL - 8, y + 12, "end", "", name));
        let bar = format!(
            "<rect x=\"{LABEL}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{fill}\"/>"
        );
        line(body, &bar);
        let end = f64::from(LABEL) + width + 6.0;
        let shown = Metric::show(*figure);
        line(body, &format!("<text x=\"{end:.1}\" y=\"{}\">{shown}</text>", y + 12));
        y += STEP;
    }
    y + 6
}

fn text(x: u32, y: u32, anchor: &str, more: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" {more}>{words}</text>")
}

fn line(body: &mut String, words: &str) {
    // A string takes all that is written to it.
    let _ = writeln!(body, "{words}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::machine::Machine;
    use crate::bench::metric::Sample;
    use crate::bench::outcome::Outcome;

    #[test]
    fn the_largest_figure_has_the_longest_bar_and_names_are_escaped() {
        let outcome = |contestant: &str, figure| Outcome {
            scenario: "up".to_owned(),
            contestant: contestant.to_owned(),
            samples: vec![Some(Sample::from([(Metric::Cpu, figure)]))],
            problem: None,
        };
        let outcomes = vec![outcome("openssh", 2.0), outcome("adit>openssh", 1.0)];
        let svg = svg(&Run { machine: Machine::default(), rounds: 1, seconds: 1.0, outcomes });
        assert!(svg.contains("width=\"530.0\"") && svg.contains("width=\"265.0\""), "{svg}");
        assert!(svg.contains(">adit&gt;openssh</text>"), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}
