//! One thing that is not as it should be.

use std::fmt;

/// A place, the rule that it breaks, what was found there, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; 0 where the whole file is meant.
    line: usize,
    rule: &'static str,
    text: String,
    hint: String,
}

impl Finding {
    pub(crate) fn new(
        path: &str,
        line: usize,
        rule: &'static str,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { path: path.to_owned(), line, rule, text: text.into(), hint: hint.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, text, hint } = self;
        write!(f, "{path}:{}: {rule}: {text}\n  hint: {hint}", line.max(&1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_file_line_rule_and_hint() {
        let finding = Finding::new("a.rs", 7, "tabs", "a tab", "use spaces");
        assert_eq!(finding.to_string(), "a.rs:7: tabs: a tab\n  hint: use spaces");
    }
}
