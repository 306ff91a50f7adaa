//! A line of the goals.

use crate::bench::metric::Metric;

/// A figure and what it is to be.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    goal: u8,
    about: String,
    bound: Bound,
    /// The figure, or what is missing.
    figure: Result<f64, String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Clause {
    pub(crate) fn new(goal: u8, about: String, bound: Bound, figure: Result<f64, String>) -> Self {
        Self { goal, about, bound, figure }
    }

    /// A row: goal, what, figure, bound, and `holds`, `falls short` or `not measured`.
    pub(crate) fn cells(self) -> [String; 5] {
        let (bound, holds) = match self.bound {
            Bound::AtMost(limit) => {
                (format!("<= {limit}"), self.figure.as_ref().is_ok_and(|it| *it <= limit))
            }
            Bound::AtLeast(limit) => {
                (format!(">= {limit}"), self.figure.as_ref().is_ok_and(|it| *it >= limit))
            }
        };
        let (figure, verdict) = match self.figure {
            Ok(figure) => {
                (Metric::show(figure), if holds { "holds" } else { "falls short" }.to_owned())
            }
            Err(why) => ("-".to_owned(), format!("not measured: {why}")),
        };
        [self.goal.to_string(), self.about, figure, bound, verdict]
    }
}
