//! Hosts and ports as options of keys name them.

/// The value of `permitopen` and `permitlisten`: a host and a port, each maybe any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// A name or an address, in lower case; `None` for any.
    pub host: Option<String>,
    /// A port, not zero; `None` for any.
    pub port: Option<u16>,
}

impl Destination {
    /// Parses `host:port`, `[address]:port` or `port`, each of which may be `*`; `None` where it
    /// is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (unbracketed(host)?, port),
            None => ("*", text),
        };
        let host = (host != "*").then(|| host.to_ascii_lowercase());
        let port = if port == "*" { None } else { Some(port.parse().ok().filter(|it| *it != 0)?) };
        Some(Self { host, port })
    }
}

/// A host without the brackets around an address that has colons.
fn unbracketed(host: &str) -> Option<&str> {
    match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').filter(|address| !address.is_empty()),
        None => Some(host).filter(|host| !host.is_empty() && !host.contains([':', ']'])),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<(Option<String>, Option<u16>)> {
        Destination::parse(text).map(|it| (it.host, it.port))
    }

    #[test]
    fn each_part_may_be_any() {
        let host = |name: &str| Some(name.to_owned());
        assert_eq!(parse("DB:5432"), Some((host("db"), Some(5432))));
        assert_eq!(parse("[::1]:80"), Some((host("::1"), Some(80))));
        assert_eq!(parse("web:*"), Some((host("web"), None)));
        assert_eq!(parse("*:80"), Some((None, Some(80))));
        assert_eq!(parse("8080"), Some((None, Some(8080))));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in
            ["", ":", "db:", ":80", "db:0", "db:65536", "db:http", "::1:80", "[]:80", "[::1:80"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_destinations_never_panic(text in ".{0,30}") {
            let _ = Destination::parse(&text);
        }
    }
}
