//! What a run came to.

use serde::{Deserialize, Serialize};

use crate::bench::figure::median;
use crate::bench::machine::Machine;
use crate::bench::metric::{Metric, Sample};

/// All that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    /// Of one measurement.
    pub(crate) seconds: f64,
    pub(crate) outcomes: Vec<Outcome>,
}

/// A contestant in a scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) scenario: String,
    pub(crate) contestant: String,
    /// One for each round, in order; none where it failed.
    pub(crate) samples: Vec<Option<Sample>>,
    /// Why there is none in some round.
    pub(crate) problem: Option<String>,
}

impl Outcome {
    /// The median of a metric over the rounds.
    pub(crate) fn median(&self, metric: Metric) -> Option<f64> {
        median(self.figures(metric).flatten())
    }

    /// The metrics that it has, in order.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.samples.iter().flatten().next().into_iter().flat_map(|sample| sample.keys().copied())
    }

    /// The median of the ratios to another, round by round.
    pub(crate) fn ratio(&self, metric: Metric, to: &Self) -> Option<f64> {
        self.ratio_of(metric, to, metric)
    }

    /// The same for different metrics.
    pub(crate) fn ratio_of(&self, metric: Metric, to: &Self, other: Metric) -> Option<f64> {
        let pairs = self.figures(metric).zip(to.figures(other));
        median(pairs.filter_map(|(this, that)| Some(this? / that?)).filter(|it| it.is_finite()))
    }

    fn figures(&self, metric: Metric) -> impl Iterator<Item = Option<f64>> {
        self.samples.iter().map(move |sample| sample.as_ref()?.get(&metric).copied())
    }
}

impl Run {
    /// What a contestant did in a scenario.
    pub(crate) fn find(&self, scenario: &str, contestant: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|it| it.scenario == scenario && it.contestant == contestant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(figures: &[f64]) -> Outcome {
        let samples = figures.iter().map(|it| Some(Sample::from([(Metric::Rate, *it)]))).collect();
        let (scenario, contestant) = ("up".to_owned(), "adit".to_owned());
        Outcome { scenario, contestant, samples, problem: None }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let (mut this, that) = (outcome(&[2.0, 30.0, 5.0]), outcome(&[1.0, 10.0, 1.0]));
        assert_eq!(this.ratio(Metric::Rate, &that), Some(3.0));
        assert_eq!(this.median(Metric::Rate), Some(5.0));
        this.samples[1] = None;
        assert_eq!(this.ratio(Metric::Rate, &that), Some(3.5));
        assert_eq!(this.ratio(Metric::Cpu, &that), None);
    }
}
