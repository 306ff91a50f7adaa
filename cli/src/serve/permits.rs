//! What the words of `--permit` and `--permit-listen` mean, as rules.

#[cfg(feature = "sessions")]
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use adit_gateway::ask::Direction;
use adit_gateway::effect::Effect;
use adit_gateway::pattern::Pattern;
use adit_gateway::rule::Rule;
#[cfg(feature = "sessions")]
use adit_gateway::service::Service;

use crate::failure::{Exit, Failure};

/// Any port to listen on that is not for administrators only, and the one of the system's choice.
const ANY_PORT: &str = "0,1024-65535";

/// What `--permit` allows to be opened: [a pattern](Pattern) of rules.
///
/// # Errors
/// Where it is none.
pub(crate) fn open(text: &str) -> Result<Rule, Failure> {
    let pattern: Pattern = text.parse().map_err(|error| {
        Failure::new(Exit::Usage, format!("--permit {text:?}: {error}"))
            .hint("write host:port, [ipv6]:port, *:port, host:* or an absolute path")
    })?;
    Ok(rule("--permit", text, Direction::Open, vec![pattern]))
}

/// What `--permit-listen` allows to be listened on: `[address:]port` or a path.
///
/// # Errors
/// Where it is neither.
pub(crate) fn listen(text: &str) -> Result<Rule, Failure> {
    let patterns = patterns(text).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("--permit-listen {text:?} is no place to listen on"))
            .hint("write port, address:port, [ipv6]:port, *:port or an absolute path")
    })?;
    Ok(rule("--permit-listen", text, Direction::Listen, patterns))
}

/// What `--permit-session` lets sessions have.
///
/// # Errors
/// Where it is nothing that they could.
#[cfg(feature = "sessions")]
pub(crate) fn sessions(words: &[String]) -> Result<Vec<Rule>, Failure> {
    let rule = |word: &String| {
        let service: Service = word.parse().map_err(|unknown| {
            Failure::new(Exit::Usage, format!("--permit-session {word:?}: {unknown}"))
        })?;
        let mut rule = Rule::new(&format!("--permit-session {word}"), Effect::Allow);
        rule.sessions = vec![service];
        Ok(rule)
    };
    words.iter().map(rule).collect()
}

/// What `--subsystem` names.
///
/// # Errors
/// Where it is not a name and a command line.
#[cfg(feature = "sessions")]
pub(crate) fn subsystems(words: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let subsystem = |word: &String| {
        let (name, line) = word.split_once('=').unwrap_or_default();
        if name.is_empty() || line.trim().is_empty() {
            let failure = Failure::new(Exit::Usage, format!("--subsystem {word:?} is none"));
            return Err(failure.hint("write sftp=/usr/lib/openssh/sftp-server"));
        }
        Ok((name.to_owned(), line.to_owned()))
    };
    words.iter().map(subsystem).collect()
}

fn rule(option: &str, text: &str, direction: Direction, targets: Vec<Pattern>) -> Rule {
    let mut rule = Rule::new(&format!("{option} {text}"), Effect::Allow);
    rule.direction = Some(direction);
    rule.targets = targets;
    rule
}

fn patterns(text: &str) -> Option<Vec<Pattern>> {
    if text.starts_with('/') {
        return Some(vec![text.parse().ok()?]);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    let port = match port {
        "*" => ANY_PORT,
        digits => {
            digits.parse::<u16>().ok().filter(|port| *port != 0)?;
            digits
        }
    };
    let hosts: &[&str] = match host {
        "localhost" => &["127.0.0.0/8", "[::1]"],
        "*" => &["*"],
        host => {
            let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
            let is_address = match bare {
                Some(address) => address.parse::<Ipv6Addr>().is_ok(),
                None => host.parse::<Ipv4Addr>().is_ok(),
            };
            // Names are for files of rules: here nobody would see what they come to mean.
            &[is_address.then_some(host)?]
        }
    };
    hosts.iter().map(|host| format!("{host}:{port}").parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(rule: Result<Rule, Failure>) -> String {
        let targets = rule.unwrap().targets;
        targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_permit_is_a_rule_by_its_own_words() {
        let rule = open("db.example:5432").unwrap();
        assert_eq!((&*rule.name, rule.effect), ("--permit db.example:5432", Effect::Allow));
        assert_eq!(rule.direction, Some(Direction::Open));
        assert_eq!(targets(Ok(rule)), "db.example:5432");
        assert_eq!(targets(open("[::1]:80")), "[::1]:80");
        assert_eq!(targets(open("/run/app.sock")), "/run/app.sock");
    }

    #[test]
    fn a_port_to_listen_on_is_one_of_loopback() {
        assert_eq!(targets(listen("8080")), "127.0.0.0/8:8080 [::1]:8080");
        assert_eq!(targets(listen("localhost:80")), "127.0.0.0/8:80 [::1]:80");
        assert_eq!(listen("8080").unwrap().direction, Some(Direction::Listen));
    }

    #[test]
    fn a_star_is_all_addresses_and_no_port_of_an_administrator() {
        assert_eq!(targets(listen("*:8080")), "*:8080");
        assert_eq!(targets(listen("192.0.2.1:*")), "192.0.2.1:0,1024-65535");
        assert_eq!(targets(listen("*")), "127.0.0.0/8:0,1024-65535 [::1]:0,1024-65535");
        assert_eq!(targets(listen("/run/app.sock")), "/run/app.sock");
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", "host", "host:", ":80", "host:99999", "::1:80", "relative/path"] {
            assert!(open(text).is_err(), "{text}");
        }
        for text in ["", "host", "host:80", ":80", "0", "99999", "::1:80", "relative/path", "+1"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }
}
