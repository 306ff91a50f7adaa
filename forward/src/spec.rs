//! The words for a tunnel, as OpenSSH has them: `[bind:]port:host:hostport` and its kin.
//!
//! ```text
//!  local      entry ":" target           LocalForward, -L
//!  remote     entry [ ":" target ]       RemoteForward, -R; without a target it is a proxy
//!  dynamic    entry                      DynamicForward, -D
//!  stdio      target                     -W
//!
//!  entry      [ bind ":" ] port | path
//!  target     host ":" port | path
//! ```
//!
//! A part in brackets is literal, elsewhere a backslash makes the next character literal; a
//! part with a literal slash is a path. `bind` empty or `*` is every address, `localhost` the
//! loopback addresses. A colon may follow the last part, and white space may precede the first.
//! The slash form of early releases (`port/host/hostport`) is no more: OpenSSH refuses it, as
//! a slash means a path.
//!
//! Here is what differs from OpenSSH's parser, on purpose:
//! - Port 0 is good for listening everywhere, not just at the server: the system chooses.
//! - Service names come from a table of ours, so that a specification means the same on
//!   every machine, and not from the machine's own.
//! - A target needs a host, hosts have no white space or brackets, and a path cannot stand
//!   where a host is due. OpenSSH takes these, and every connection fails.
//! - A port is digits only.

mod fault;
mod field;
mod service;

use std::fmt;
use std::str::FromStr;

use crate::entry::{Bind, Entry};
use crate::spec::field::Field;
use crate::target::Target;

pub use crate::spec::fault::{Error, Fault};

/// What listens here and goes to a target at the far end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Local {
    /// Where it listens.
    pub entry: Entry,
    /// Where each connection goes.
    pub target: Target,
}

/// What listens at the far end and goes to a target here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Remote {
    /// Where the far end listens.
    pub entry: Entry,
    /// Where each connection goes.
    pub destination: Destination,
}

/// Where the connections of a remote forwarding go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// To one target.
    Target(Target),
    /// To where each connection says, by a proxy protocol.
    Asked,
}

impl FromStr for Local {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fields = field::split(text)?;
        let (entry, target) = halves(text, &fields)?;
        Ok(Self { entry: entry_of(text, entry)?, target: target_of(text, target)? })
    }
}

impl FromStr for Remote {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fields = field::split(text)?;
        let proxy = match fields.as_slice() {
            [_] => true,
            [first, second] => !first.path && !second.path,
            _ => false,
        };
        if proxy {
            return Ok(Self { entry: entry_of(text, &fields)?, destination: Destination::Asked });
        }
        let (entry, target) = halves(text, &fields)?;
        let target = target_of(text, target)?;
        Ok(Self { entry: entry_of(text, entry)?, destination: Destination::Target(target) })
    }
}

/// Reads the specification of a dynamic forwarding.
impl FromStr for Entry {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        entry_of(text, &field::split(text)?)
    }
}

/// Reads the specification of a stdio forwarding.
impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        target_of(text, &field::split(text)?)
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entry, self.target)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.destination {
            Destination::Target(target) => write!(f, "{}:{target}", self.entry),
            Destination::Asked => self.entry.fmt(f),
        }
    }
}

/// Tells the parts of the entry from those of the target: the target is the last part if
/// that is a path, else the last two.
fn halves<'a>(text: &str, fields: &'a [Field]) -> Result<(&'a [Field], &'a [Field]), Error> {
    let path = fields.last().is_some_and(|field| field.path);
    let of_target = if path { 1 } else { 2 };
    match fields.split_at_checked(fields.len().saturating_sub(of_target)) {
        Some((entry, target)) if !entry.is_empty() => Ok((entry, target)),
        _ => Err(Error::whole(text, Fault::NoTarget)),
    }
}

fn entry_of(text: &str, fields: &[Field]) -> Result<Entry, Error> {
    match fields {
        [path] if path.path => Ok(Entry::Unix(path.to_path(text)?)),
        [port] => Ok(Entry::Tcp { bind: Bind::Default, port: port.to_port(text)? }),
        [bind, port] => Ok(Entry::Tcp { bind: bind_of(text, bind)?, port: port.to_port(text)? }),
        _ => Err(Error::whole(text, Fault::NotAnEntry)),
    }
}

fn target_of(text: &str, fields: &[Field]) -> Result<Target, Error> {
    match fields {
        [path] if path.path => Ok(Target::Unix(path.to_path(text)?)),
        [host, port] => {
            let (host, number) = (host.to_host(text)?, port.to_port(text)?);
            if number == 0 {
                return Err(Error::new(text, port.span.clone(), Fault::PortZero));
            }
            Ok(Target::Tcp { host, port: number })
        }
        _ => Err(Error::whole(text, Fault::NotATarget)),
    }
}

fn bind_of(text: &str, field: &Field) -> Result<Bind, Error> {
    match field.text.as_str() {
        "" | "*" => Ok(Bind::All),
        "localhost" => Ok(Bind::Localhost),
        _ => Ok(Bind::Host(field.to_host(text)?)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tcp(bind: Bind, port: u16) -> Entry {
        Entry::Tcp { bind, port }
    }

    fn to(host: &str, port: u16) -> Target {
        Target::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn the_four_combinations_of_port_and_socket_are_understood() {
        let cases = [
            ("80:h:90", tcp(Bind::Default, 80), to("h", 90)),
            ("80:/s", tcp(Bind::Default, 80), Target::Unix("/s".into())),
            ("/l:h:90", Entry::Unix("/l".into()), to("h", 90)),
            ("/l:/s", Entry::Unix("/l".into()), Target::Unix("/s".into())),
            ("b:80:/s", tcp(Bind::Host("b".into()), 80), Target::Unix("/s".into())),
            ("[::1]:80:[::2]:90", tcp(Bind::Host("::1".into()), 80), to("::2", 90)),
        ];
        for (text, entry, target) in cases {
            assert_eq!(text.parse(), Ok(Local { entry, target }), "{text}");
        }
    }

    #[test]
    fn the_bind_address_says_how_open_the_port_is() {
        let cases = [
            ("*:80", Bind::All),
            (":80", Bind::All),
            ("[]:80", Bind::All),
            ("localhost:80", Bind::Localhost),
            ("127.0.0.1:80", Bind::Host("127.0.0.1".into())),
            ("80", Bind::Default),
        ];
        for (text, bind) in cases {
            assert_eq!(text.parse(), Ok(tcp(bind, 80)), "{text}");
        }
    }

    #[test]
    fn a_remote_forwarding_without_target_is_a_proxy() {
        for (text, entry) in [("0", tcp(Bind::Default, 0)), ("*:1080", tcp(Bind::All, 1080))] {
            assert_eq!(text.parse(), Ok(Remote { entry, destination: Destination::Asked }));
        }
        let one = Remote {
            entry: Entry::Unix("/r".into()),
            destination: Destination::Target(to("h", 22)),
        };
        assert_eq!("/r:h:ssh".parse(), Ok(one));
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let cases = [
            ("80:h:90x", "90x"),
            ("65536:h:90", "65536"),
            ("80:h:0", "0"),
            ("80::90", ""),
            ("80:a b:90", "a b"),
            ("/l:/s:90", "/s"),
            ("/l:80:h:90", "/l"),
            ("80:[::1:90", "[::1:90"),
            ("80:[::1]x:90", "x"),
            ("80:h:90\\", "\\"),
            ("1:a:2:b:3", "3"),
            ("80:h", "80:h"),
        ];
        for (text, part) in cases {
            let error = text.parse::<Local>().unwrap_err();
            assert_eq!(&text[error.span()], part, "{error}");
        }
    }

    #[test]
    fn an_error_can_be_shown_with_a_pointer_and_a_hint() {
        let error = "80:é:99999".parse::<Local>().unwrap_err();
        assert_eq!(error.to_string(), "`99999` is not a port, in `80:é:99999`");
        let shown = format!("{error:#}");
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1..3], ["  80:é:99999", "       ^^^^^"]);
        assert!(lines[3].starts_with("hint: a port is a number up to 65535"));
    }

    #[test]
    fn an_error_with_control_characters_does_not_print_them() {
        let error = "80:\u{1b}[2J:90".parse::<Local>().unwrap_err();
        assert!(!format!("{error:#}").contains('\u{1b}'));
    }

    fn a_host() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9.-]{1,20}", "[a-f0-9:]{2,20}", r"[a-z:\\*%_@]{1,9}"]
    }

    fn a_path() -> impl Strategy<Value = std::path::PathBuf> {
        r"[\[a-z. ]{0,3}/[a-z:\\\[\] ]{0,20}".prop_map(Into::into)
    }

    fn an_entry() -> impl Strategy<Value = Entry> {
        let host =
            a_host().prop_filter("has its own name", |host| host != "localhost" && host != "*");
        let bind = prop_oneof![
            Just(Bind::Default),
            Just(Bind::All),
            Just(Bind::Localhost),
            host.prop_map(Bind::Host)
        ];
        prop_oneof![
            (bind, any::<u16>()).prop_map(|(bind, port)| tcp(bind, port)),
            a_path().prop_map(Entry::Unix)
        ]
    }

    fn a_target() -> impl Strategy<Value = Target> {
        prop_oneof![
            (a_host(), 1..=u16::MAX).prop_map(|(host, port)| to(&host, port)),
            a_path().prop_map(Target::Unix)
        ]
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(entry in an_entry(), target in a_target()) {
            let local = Local { entry: entry.clone(), target: target.clone() };
            prop_assert_eq!(local.to_string().parse(), Ok(local));
            prop_assert_eq!(entry.to_string().parse(), Ok(entry.clone()));
            prop_assert_eq!(target.to_string().parse(), Ok(target.clone()));
            for destination in [Destination::Target(target), Destination::Asked] {
                let remote = Remote { entry: entry.clone(), destination };
                prop_assert_eq!(remote.to_string().parse(), Ok(remote));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            for shown in [
                text.parse::<Local>().map_err(|error| format!("{error:#}")).err(),
                text.parse::<Remote>().map_err(|error| format!("{error:#}")).err(),
                text.parse::<Entry>().map_err(|error| format!("{error:#}")).err(),
                text.parse::<Target>().map_err(|error| format!("{error:#}")).err(),
            ] {
                prop_assert!(shown.is_none_or(|shown| !shown.is_empty()));
            }
        }

        #[test]
        fn near_misses_do_not_make_it_panic(text in r"[0-9a:/\\\[\]* ]{0,12}") {
            if let Ok(local) = text.parse::<Local>() {
                prop_assert_eq!(local.to_string().parse(), Ok(local));
            }
        }
    }
}
