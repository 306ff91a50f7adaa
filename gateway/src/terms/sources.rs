//! The value of `from`.

use std::net::IpAddr;

use adit_transport::certificate::Network;
use adit_transport::known_hosts::pattern;

/// Where one may come from: networks, addresses and patterns of addresses with `*` and `?`, with
/// commas between them.
///
/// One of them must match, and none that begins with `!`. Names of hosts may stand there and match
/// nobody: addresses are not looked up, for whoever comes from one can choose its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources(Vec<(Sign, Item)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plain,
    Negated,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Network(Network),
    /// In lower case.
    Pattern(String),
}

impl Sources {
    /// Parses a list; `None` where an item is empty, or looks like a network and is none.
    pub fn parse(list: &str) -> Option<Self> {
        list.split(',').map(|item| parse_item(item.trim())).collect::<Option<_>>().map(Self)
    }

    /// Whether one may come from this address.
    pub fn contains(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        let text = source.to_string();
        let matches = |item: &Item| match item {
            Item::Network(network) => network.contains(source),
            Item::Pattern(pattern) => pattern::matches(pattern, &text),
        };
        let any = |wanted| self.0.iter().any(|(sign, item)| *sign == wanted && matches(item));
        any(Sign::Plain) && !any(Sign::Negated)
    }
}

fn parse_item(item: &str) -> Option<(Sign, Item)> {
    let (sign, item) = match item.strip_prefix('!') {
        Some(item) => (Sign::Negated, item),
        None => (Sign::Plain, item),
    };
    match item.parse() {
        Ok(network) => Some((sign, Item::Network(network))),
        Err(_) if item.is_empty() || item.contains('/') => None,
        Err(_) => Some((sign, Item::Pattern(item.to_ascii_lowercase()))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_must_match_and_none_that_is_negated() {
        for (list, source, expected) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/8,!10.1.0.0/16", "10.1.2.3", false),
            ("!10.1.0.0/16,10.0.0.0/8", "10.1.2.3", false),
            ("!10.1.0.0/16,10.0.0.0/8", "10.2.2.3", true),
            ("!10.1.0.0/16", "10.2.2.3", false),
            ("192.0.2.1, 192.0.2.2", "192.0.2.2", true),
            ("192.0.2.*", "192.0.2.77", true),
            ("192.0.2.?", "192.0.2.77", false),
            ("*", "::1", true),
            ("*,!192.0.2.*", "192.0.2.77", false),
            ("2001:DB8::/32", "2001:db8::1", true),
            ("2001:DB8:*", "2001:db8::1", true),
            ("*.example.com", "192.0.2.1", false),
        ] {
            let sources = Sources::parse(list).unwrap();
            assert_eq!(sources.contains(source.parse().unwrap()), expected, "{list} {source}");
        }
    }

    #[test]
    fn malformed_lists_are_refused() {
        for list in ["", ",", "10.0.0.0/8,", "!", "10.0.0.0/33", "10.0.0.1/8", "a/b"] {
            assert_eq!(Sources::parse(list), None, "{list}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_lists_never_panic(list in "[0-9a-f.:/!*?, ]{0,30}", source in any::<IpAddr>()) {
            if let Some(sources) = Sources::parse(&list) {
                let _ = sources.contains(source);
            }
        }
    }
}
