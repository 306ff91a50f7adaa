//! A line: a keyword, and what follows it.

use crate::fault::Fault;
use crate::words;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// The keyword as written.
    pub(crate) keyword: String,
    /// What follows it, without the blanks and the equals sign between.
    pub(crate) rest: &'a str,
    /// The words of what follows.
    pub(crate) words: Vec<String>,
}

/// White space within lines; a form feed counts as such only at the end.
const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];
const WHITE_AT_END: [char; 5] = [' ', '\t', '\r', '\n', '\x0c'];

impl<'a> Line<'a> {
    /// Reads a line; yields nothing for an empty line and for a comment.
    ///
    /// # Errors
    /// Where nothing follows the keyword, or a quote is not closed.
    pub(crate) fn parse(text: &'a str) -> Result<Option<Self>, Fault> {
        let text = text.trim_end_matches(WHITE_AT_END).trim_start_matches(WHITE);
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let (keyword, rest) = keyword(text).ok_or(Fault::Quotes)?;
        if rest.is_empty() {
            return Err(Fault::Missing(keyword));
        }
        let words = words::split(rest).map_err(|_| Fault::Quotes)?;
        Ok(Some(Self { keyword, rest, words }))
    }
}

/// The keyword, which may be quoted, and what follows the white space and the one equals sign
/// after it; nothing where a quote is not closed.
fn keyword(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (keyword, rest) = quoted.split_once('"')?;
        return Some((keyword.to_owned(), rest.trim_start_matches(WHITE)));
    }
    let end = text.find(|it| WHITE.contains(&it) || it == '=').unwrap_or(text.len());
    let (keyword, rest) = text.split_at(end);
    let rest = rest.trim_start_matches(WHITE);
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches(WHITE);
    Some((keyword.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyword_and_value_stand_apart_in_many_ways() {
        for text in [
            "Port 22",
            "Port=22",
            "Port = 22",
            "  \tPort\t22\t\r\n",
            "Port 22\x0c",
            "\"Port\" 22",
            "Port =22",
        ] {
            let line = Line::parse(text).unwrap().unwrap();
            assert_eq!((&*line.keyword, line.rest), ("Port", "22"), "{text:?}");
        }
    }

    #[test]
    fn only_one_equals_sign_is_skipped() {
        assert_eq!(Line::parse("a==b").unwrap().unwrap().rest, "=b");
        assert_eq!(Line::parse("a = =b").unwrap().unwrap().rest, "=b");
    }

    #[test]
    fn comments_and_empty_lines_say_nothing() {
        for text in ["", " \t\r\n", "# Port 22", "  #", "\x0c"] {
            assert_eq!(Line::parse(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn half_lines_are_refused() {
        assert_eq!(Line::parse("Port"), Err(Fault::Missing("Port".to_owned())));
        assert_eq!(Line::parse("Port ="), Err(Fault::Missing("Port".to_owned())));
        assert_eq!(Line::parse("\"Port 22"), Err(Fault::Quotes));
        assert_eq!(Line::parse("User \"me"), Err(Fault::Quotes));
    }
}
