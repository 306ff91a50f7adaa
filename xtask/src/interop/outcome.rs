//! What came of a scenario with a peer, and of a whole run.

use serde::Serialize;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Pass,
    Fail(String),
    /// The peer has not what the scenario is about; the reason.
    NotApplicable(String),
}

/// One cell of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) peer: String,
    /// What the peer's program says of its version.
    pub(crate) version: String,
    pub(crate) scenario: String,
    /// What the peer was.
    pub(crate) role: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) milliseconds: u64,
    /// Names and values.
    pub(crate) measurements: Vec<(String, String)>,
}

/// All of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Run {
    pub(crate) engine: String,
    /// What was tested.
    pub(crate) program: String,
    /// Of a bulk transfer.
    pub(crate) bytes: u64,
    pub(crate) milliseconds: u64,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Outcome {
    /// Seconds with one digit after the point.
    pub(crate) fn seconds(&self) -> String {
        seconds(self.milliseconds)
    }
}

/// Milliseconds as seconds with one digit after the point.
pub(crate) fn seconds(milliseconds: u64) -> String {
    format!("{}.{}", milliseconds / 1000, milliseconds % 1000 / 100)
}

impl Run {
    /// How many passed, failed, and were not applicable.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        self.outcomes.iter().fold((0, 0, 0), |(passed, failed, rest), outcome| {
            match outcome.verdict {
                Verdict::Pass => (passed + 1, failed, rest),
                Verdict::Fail(_) => (passed, failed + 1, rest),
                Verdict::NotApplicable(_) => (passed, failed, rest + 1),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_one_digit_after_the_point() {
        assert_eq!(seconds(12_345), "12.3");
        assert_eq!(seconds(7), "0.0");
    }
}
