//! The words of a line, as a shell would split them, only simpler.

/// Splits what follows a keyword into words.
///
/// Words have blanks between them. In single or double quotes blanks count as part of the word;
/// before a quote, a backslash and, outside quotes, a space, a backslash takes away its meaning,
/// and elsewhere it is an ordinary character. A word that begins with `#` ends the line.
///
/// # Errors
/// Where a quote is not closed.
pub(crate) fn split(text: &str) -> Result<Vec<String>, Unclosed> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(BLANKS);
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, left) = first(rest)?;
        words.push(word);
        rest = left.trim_start_matches(BLANKS);
    }
    Ok(words)
}

/// A quote is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unclosed;

const BLANKS: [char; 2] = [' ', '\t'];

/// The first word, and what follows it.
fn first(text: &str) -> Result<(String, &str), Unclosed> {
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match (character, quote) {
            ('\\', _) if is_escaped(next, quote) => {
                word.extend(next);
                characters.next();
            }
            (' ' | '\t', None) => return Ok((word, text.get(at..).unwrap_or_default())),
            ('"' | '\'', None) => quote = Some(character),
            (_, Some(open)) if character == open => quote = None,
            _ => word.push(character),
        }
    }
    if quote.is_some() { Err(Unclosed) } else { Ok((word, "")) }
}

/// Whether a backslash before this character is dropped.
fn is_escaped(next: Option<char>, quote: Option<char>) -> bool {
    matches!(next, Some('"' | '\'' | '\\')) || next == Some(' ') && quote.is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_split_at_blanks_outside_quotes() {
        for (text, words) in [
            ("", vec![]),
            ("a  b\tc ", vec!["a", "b", "c"]),
            ("\"a b\" 'c d'", vec!["a b", "c d"]),
            ("a\"b c\"d", vec!["ab cd"]),
            ("\"it's\" 'say \"so\"'", vec!["it's", "say \"so\""]),
            ("\"\" x", vec!["", "x"]),
            ("a\\ b \\\"c \\\\d \\e", vec!["a b", "\"c", "\\d", "\\e"]),
            ("\"a\\ b\" \"\\\"\"", vec!["a\\ b", "\""]),
            ("a #b c", vec!["a"]),
            ("a#b", vec!["a#b"]),
            ("\\", vec!["\\"]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
    }

    #[test]
    fn an_open_quote_is_refused() {
        for text in ["\"a", "a'", "\"a\\\"", "'\""] {
            assert_eq!(split(text), Err(Unclosed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in prop::collection::vec("[ -~]{0,8}", 0..5)) {
            let quoted = |word: &String| {
                format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "\\'"))
            };
            let text = words.iter().map(quoted).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&text), Ok(words));
        }
    }
}
