//! What is wrong with a file, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Most characters of a line that are shown.
const SHOWN: usize = 160;

/// A file and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
}

/// Something that is wrong, or looks it.
///
/// `Display` shows it with the line that it is in:
///
/// ```text
/// adit-serve.toml:12:12: there is no group "stuff"
///    |
/// 12 | groups = ["stuff"]
///    |           ^^^^^^^
/// hint: ...
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    source: Source,
    span: Range<usize>,
    message: String,
    hint: Option<String>,
}

impl Fault {
    /// Something at these bytes of the text.
    pub fn new(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { source: source.clone(), span, message: message.into(), hint: None }
    }

    /// With what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line and the column, both from 1 on; columns count characters.
    pub fn position(&self) -> (usize, usize) {
        let (number, line, start) = self.line();
        let before = line.get(..self.span.start.saturating_sub(start)).unwrap_or(line);
        (number, before.chars().count() + 1)
    }

    /// The number of the line in which it begins, the line, and where that begins.
    fn line(&self) -> (usize, &str, usize) {
        let (mut start, mut last) = (0, (1, "", 0));
        for (number, line) in (1..).zip(self.source.text.split_inclusive('\n')) {
            last = (number, line.trim_end_matches(['\n', '\r']), start);
            start += line.len();
            if self.span.start < start {
                break;
            }
        }
        last
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, line, start) = self.line();
        let (_, column) = self.position();
        writeln!(f, "{}:{number}:{column}: {}", self.source.name, self.message)?;
        let gutter = " ".repeat(number.to_string().len());
        let harmless = |c: char| if c.is_control() { ' ' } else { c };
        let shown: String = line.chars().map(harmless).take(SHOWN).collect();
        let end = self.span.end.saturating_sub(start).min(line.len());
        let marked = line.get(self.span.start.saturating_sub(start)..end).unwrap_or_default();
        let indent = column.saturating_sub(1).min(SHOWN);
        let width = marked.chars().count().clamp(1, SHOWN.saturating_sub(indent).max(1));
        let (indent, carets) = (" ".repeat(indent), "^".repeat(width));
        write!(f, "{gutter} |\n{number} | {shown}\n{gutter} | {indent}{carets}")?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str, span: Range<usize>) -> Fault {
        let source = Source { name: "file".into(), text: text.into() };
        Fault::new(&source, span, "it is wrong")
    }

    #[test]
    fn the_line_is_shown_and_the_place_in_it() {
        let shown = fault("a = 1\nb = \"two\"\n", 10..15).hint("make it right").to_string();
        let expected =
            "file:2:5: it is wrong\n  |\n2 | b = \"two\"\n  |     ^^^^^\nhint: make it right";
        assert_eq!(shown, expected);
    }

    #[test]
    fn columns_count_characters_and_tabs_are_one() {
        let shown = fault("\u{e4}\t\"b\"\r\n", 3..6).to_string();
        assert_eq!(shown, "file:1:3: it is wrong\n  |\n1 | \u{e4} \"b\"\n  |   ^^^");
    }

    #[test]
    fn a_place_of_several_lines_is_shown_by_its_first() {
        let shown = fault("a = [\n1,\n]", 4..10).to_string();
        assert!(shown.ends_with("1 | a = [\n  |     ^"), "{shown}");
    }

    #[test]
    fn the_end_of_the_file_is_a_place() {
        assert_eq!(fault("", 0..0).position(), (1, 1));
        assert_eq!(fault("a", 1..1).position(), (1, 2));
        assert_eq!(fault("a\nb", 99..99).position(), (2, 2));
    }

    proptest! {
        #[test]
        fn arbitrary_places_never_panic(text in "(.|\n){0,80}", from in 0_usize..99, to in 0_usize..99) {
            let shown = fault(&text, from..to).to_string();
            prop_assert!(shown.starts_with("file:"));
        }
    }
}
