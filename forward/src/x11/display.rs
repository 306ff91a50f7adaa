//! The words by which `DISPLAY` names a display.

mod fault;

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::target::Target;

pub use crate::x11::display::fault::Fault;

/// The port of display 0.
pub(super) const BASE: u16 = 6000;

/// Where the sockets of local displays are.
pub(super) const FOLDER: &str = "/tmp/.X11-unix";

/// A display, as `DISPLAY` names it
/// ([X(7), display names](https://www.x.org/releases/X11R7.7/doc/man/man7/X.7.xhtml#heading5)).
///
/// | words | where it is |
/// |---|---|
/// | `:0`, `:0.1`, `unix:0` | a Unix socket of this machine |
/// | `host:10.0`, `[::1]:10` | port 6000 and the number, over TCP |
/// | `/path/to/socket:0` | a Unix socket of just this name, as launchd makes it |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    words: String,
    target: Target,
    screen: u32,
}

impl Display {
    /// Where it listens. That of a local one by its number may be in the abstract namespace as
    /// well, by the same name: see [`Dialer`](crate::x11::Dialer).
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The number of the screen.
    pub fn screen(&self) -> u32 {
        self.screen
    }

    /// By which words `xauth` knows its secret. What listens at `localhost` stands there as local,
    /// as with ssh.
    pub fn known_as(&self) -> String {
        match self.words.strip_prefix("localhost:") {
            Some(number) => format!("unix:{number}"),
            None => self.words.clone(),
        }
    }
}

/// As it was written.
impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl FromStr for Display {
    type Err = Fault;

    fn from_str(words: &str) -> Result<Self, Fault> {
        if words.contains(|it: char| it.is_control() || it.is_whitespace()) {
            return Err(Fault::Malformed);
        }
        let (host, numbers) = words.rsplit_once(':').ok_or(Fault::NoNumber)?;
        let (number, screen) = match numbers.split_once('.') {
            Some((number, screen)) => (number, parse(screen)?),
            None => (numbers, 0),
        };
        let number: u32 = parse(number)?;
        let target = match host {
            "" | "unix" | "unix/" | "local/" => {
                Target::Unix(PathBuf::from(format!("{FOLDER}/X{number}")))
            }
            _ if host.starts_with('/') => Target::Unix(PathBuf::from(format!("{host}:{number}"))),
            _ => tcp(host, number)?,
        };
        Ok(Self { words: words.to_owned(), target, screen })
    }
}

fn tcp(host: &str, number: u32) -> Result<Target, Fault> {
    let host = host.strip_prefix("tcp/").unwrap_or(host);
    let host = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) if address.parse::<Ipv6Addr>().is_ok() => address,
        Some(_) => return Err(Fault::Host),
        None => host,
    };
    let named = !host.is_empty()
        && host.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_'));
    if !named && host.parse::<Ipv6Addr>().is_err() {
        return Err(Fault::Host);
    }
    let port = u16::try_from(number).ok().and_then(|number| BASE.checked_add(number));
    Ok(Target::Tcp { host: host.to_owned(), port: port.ok_or(Fault::NoNumber)? })
}

fn parse(number: &str) -> Result<u32, Fault> {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::NoNumber);
    }
    number.parse().map_err(|_| Fault::NoNumber)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unix(path: &str) -> Target {
        Target::Unix(path.into())
    }

    fn tcp(host: &str, port: u16) -> Target {
        Target::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn each_form_leads_to_its_place() {
        for (words, target, screen) in [
            (":0", unix("/tmp/.X11-unix/X0"), 0),
            (":0.1", unix("/tmp/.X11-unix/X0"), 1),
            ("unix:12.3", unix("/tmp/.X11-unix/X12"), 3),
            ("unix/:1", unix("/tmp/.X11-unix/X1"), 0),
            ("localhost:10.0", tcp("localhost", 6010), 0),
            ("tcp/localhost:1", tcp("localhost", 6001), 0),
            ("my-host.example:0", tcp("my-host.example", 6000), 0),
            ("10.0.0.1:59535", tcp("10.0.0.1", 65535), 0),
            ("[::1]:10", tcp("::1", 6010), 0),
            ("::1:10.2", tcp("::1", 6010), 2),
            ("/tmp/launch-x/org.xquartz:0", unix("/tmp/launch-x/org.xquartz:0"), 0),
            ("/tmp/launch-x/org.xquartz:0.1", unix("/tmp/launch-x/org.xquartz:0"), 1),
        ] {
            let display: Display = words.parse().unwrap();
            assert_eq!((display.target(), display.screen()), (&target, screen), "{words}");
            assert_eq!(display.to_string(), words);
        }
    }

    #[test]
    fn what_names_no_display_is_refused() {
        for words in [
            "",
            "0",
            ":",
            ":a",
            ":0.",
            ":0.a",
            ":-1",
            ":+1",
            ":0.0.0",
            "host",
            "host:",
            "ho st:0",
            ":0\n",
            "[::1:0",
            "[x]:0",
            "a;b:0",
            "$(x):0",
            "host:59536",
            ":99999999999",
        ] {
            assert!(words.parse::<Display>().is_err(), "{words}");
        }
    }

    #[test]
    fn xauth_knows_what_listens_at_localhost_as_local() {
        let known = |words: &str| words.parse::<Display>().unwrap().known_as();
        assert_eq!(known("localhost:10.0"), "unix:10.0");
        assert_eq!([known(":0"), known("host:1.0")], [":0", "host:1.0"]);
    }

    proptest! {
        #[test]
        fn arbitrary_words_do_no_harm(words in ".*") {
            let _ = words.parse::<Display>();
        }

        #[test]
        fn arbitrary_numbers_do_no_harm(host in "[a-z:\\[\\]/.]{0,8}", number in any::<u64>()) {
            let _ = format!("{host}:{number}.{number}").parse::<Display>();
        }
    }
}
