//! Rust files: their length, what was left unfinished, tests that do not run.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::tidy::finding::Finding;
use crate::tidy::scan;
use crate::tidy::source::Code;

/// The most lines that a file may have beside its tests. A file is one noun.
const MAX_LINES: usize = 500;

/// Macros that stand for something that is missing.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Checks one file.
pub(crate) fn check(code: &Code) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = code.text.lines().count();
    let in_tests: usize = code.test_lines().into_iter().map(Iterator::count).sum();
    let own = lines.saturating_sub(in_tests);
    if own > MAX_LINES && !is_test(&code.path) {
        let text = format!("{own} lines without tests, where {MAX_LINES} are the most");
        findings.push(Finding::new(&code.path, 1, "length", text, "find the second noun in it"));
    }
    for called in scan::scan(&code.tree).macros {
        if UNFINISHED.contains(&called.name.as_str()) {
            let text = format!("{}!", called.name);
            let hint = "finish it, or leave it out";
            findings.push(Finding::new(&code.path, called.line, "unfinished", text, hint));
        }
    }
    let mut ignored = Ignored { path: &code.path, findings: Vec::new() };
    ignored.visit_file(&code.tree);
    findings.append(&mut ignored.findings);
    findings
}

/// Whether a file holds nothing but tests and what they need.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/")
}

struct Ignored<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Ignored<'_> {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("ignore") {
            let line = attribute.span().start().line;
            let hint = "make it run, or take it out: a test that nobody runs proves nothing";
            self.findings.push(Finding::new(self.path, line, "ignored", "#[ignore]", hint));
        }
        visit::visit_attribute(self, attribute);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::sources;

    fn found(text: &str) -> Vec<String> {
        sources(&[("a.rs", text)])
            .codes
            .values()
            .flat_map(check)
            .map(|found| found.to_string())
            .collect()
    }

    #[test]
    fn a_file_that_is_too_long_is_found_and_its_tests_do_not_count() {
        let fits = "// line\n".repeat(MAX_LINES);
        assert!(found(&fits).is_empty());
        let with_tests = format!("{fits}#[cfg(test)]\nmod tests {{\n{fits}}}\n");
        assert!(found(&with_tests).is_empty());
        let too_long = format!("{fits}fn f() {{}}\n");
        assert_eq!(found(&too_long).len(), 1);
        assert!(!is_test("proto/src/tests.rs") && is_test("proto/tests/laws.rs"));
    }

    #[test]
    fn what_is_unfinished_is_found_but_not_in_strings_and_comments() {
        let macros = UNFINISHED.map(|name| format!("fn {name}() {{ g({name}!()) }}\n")).concat();
        let found_lines = found(&macros);
        assert_eq!(found_lines.len(), 3);
        assert!(
            found_lines[1].starts_with("a.rs:2: unfinished: unimplemented!"),
            "{found_lines:?}"
        );
        assert!(found("/// todo!()\nconst A: &str = \"todo!()\";").is_empty());
    }

    #[test]
    fn an_ignored_test_is_found_in_the_tests_too() {
        let text =
            "#[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore = \"slow\"]\n    fn f() {}\n}";
        let found = found(text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.rs:4: ignored: "), "{found:?}");
    }
}
