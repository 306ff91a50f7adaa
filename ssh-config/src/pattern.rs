//! Patterns with `*` and `?`, and lists of them: PATTERNS of `ssh_config(5)`.

/// Whether the text is what the pattern means: `*` is any characters, `?` is one.
pub(crate) fn matches(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut next) = (0, 0);
    // Where to go on when a guess of what the last star stands for was too short.
    let mut retry = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('*') => {
                retry = Some((at, next + 1));
                next += 1;
            }
            Some(wanted) if *wanted == '?' || text.get(at) == Some(wanted) => {
                at += 1;
                next += 1;
            }
            _ => match retry {
                Some((start, after)) => {
                    retry = Some((start + 1, after));
                    (at, next) = (start + 1, after);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(next).all(|it| *it == '*')
}

/// What a list of patterns says of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A pattern means it.
    Yes,
    /// No pattern means it.
    No,
    /// A pattern with `!` before it means it, which outweighs all others.
    Negated,
}

/// Holds a list of patterns, with commas between them, against a text.
pub(crate) fn list(text: &str, patterns: &str) -> Found {
    let mut found = Found::No;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(text, pattern) => return Found::Negated,
            None if matches(text, pattern) => found = Found::Yes,
            _ => {}
        }
    }
    found
}

/// Holds a list of patterns against the name of a host, in which case does not count.
pub(crate) fn host_list(host: &str, patterns: &str) -> Found {
    list(&host.to_ascii_lowercase(), &patterns.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_characters() {
        for (text, pattern) in [
            ("", ""),
            ("", "*"),
            ("a", "?"),
            ("host.example", "*.example"),
            ("host.example", "h*.*e"),
            ("aab", "*ab"),
            ("abcabc", "a*c"),
            ("192.168.0.7", "192.168.0.?"),
            ("a*", "a*"),
        ] {
            assert!(matches(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("", "?"), ("a", ""), ("example", "*.example"), ("A", "a")] {
            assert!(!matches(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn what_is_negated_outweighs_the_rest() {
        assert_eq!(list("a", "a,b"), Found::Yes);
        assert_eq!(list("c", "a,b"), Found::No);
        assert_eq!(list("c", "!a"), Found::No);
        assert_eq!(list("a", "*,!a"), Found::Negated);
        assert_eq!(list("a", "!a,*"), Found::Negated);
        assert_eq!(host_list("Host", "hOSt"), Found::Yes);
    }

    proptest! {
        #[test]
        fn a_text_is_meant_by_itself_and_by_its_parts(head in "[a-c]{0,5}", tail in "[a-c]{0,5}") {
            let text = format!("{head}{tail}");
            prop_assert!(matches(&text, &text));
            prop_assert!(matches(&text, &format!("{head}*")), "{}", text);
            prop_assert!(matches(&text, &format!("*{tail}")), "{}", text);
            prop_assert!(!matches(&text, &format!("{text}?")), "{}", text);
        }
    }
}
