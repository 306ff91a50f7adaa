//! Lists of host name patterns,
//! [sshd(8)](https://man.openbsd.org/sshd.8#SSH_KNOWN_HOSTS_FILE_FORMAT).

/// Whether a list of patterns, with commas between them, matches `host`: one of them does, and
/// none that begins with `!`. Letters of any case are alike in patterns; `host` is in lower case.
pub fn list_matches(list: &str, host: &str) -> bool {
    let list = list.to_ascii_lowercase();
    let mut found = false;
    for item in list.split(',') {
        match item.strip_prefix('!') {
            Some(negated) if matches(negated, host) => return false,
            Some(_) => {}
            None => found |= matches(item, host),
        }
    }
    found
}

/// Whether a pattern matches the whole of `text`. `*` stands for any characters, also none, and
/// `?` for any one.
///
/// The time is at most the product of the lengths: only the last `*` is ever tried again, since what
/// an earlier one could match in its stead, the last one can too.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry = None;
    loop {
        let mut rest = pattern.clone();
        match (rest.next(), text.clone().next()) {
            (Some('*'), _) => {
                pattern = rest.clone();
                retry = Some((rest, text.clone()));
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                pattern = rest;
                text.next();
            }
            (None, None) => return true,
            _ => {
                let Some((after_star, from)) = &mut retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                pattern = after_star.clone();
                text = from.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_match_as_in_openssh() {
        let cases = [
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("?", "", false),
            ("?", "a", true),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("10.0.0.?", "10.0.0.12", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("**a", "ba", true),
            ("*a?", "aab", true),
            ("[host]:*", "[host]:2222", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_negated_pattern_that_matches_decides() {
        assert!(list_matches("*.example.com,!bad.example.com", "good.example.com"));
        assert!(!list_matches("*.example.com,!bad.example.com", "bad.example.com"));
        assert!(!list_matches("!bad.example.com,*.example.com", "bad.example.com"));
        assert!(!list_matches("!bad", "good"));
        assert!(!list_matches("", "good"));
    }

    #[test]
    fn letters_of_any_case_are_alike() {
        assert!(list_matches("other,WWW.Example.com", "www.example.com"));
    }

    #[test]
    fn many_wildcards_take_no_long_time() {
        let pattern = "*a".repeat(500) + "b";
        assert!(!matches(&pattern, &"a".repeat(5000)));
    }

    /// The definition, by trying everything.
    fn matches_by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                (0..=text.len()).any(|skip| matches_by_definition(rest, &text[skip..]))
            }
            ([wanted, pattern @ ..], [found, text @ ..]) => {
                (*wanted == '?' || wanted == found) && matches_by_definition(pattern, text)
            }
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn matching_agrees_with_its_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = matches_by_definition(&chars(&pattern), &chars(&text));
            prop_assert_eq!(matches(&pattern, &text), expected);
        }

        #[test]
        fn arbitrary_lists_never_panic(list in ".{0,60}", host in ".{0,20}") {
            let _ = list_matches(&list, &host);
        }
    }
}
