//! What `-o Keyword=value` says, by the keywords and values of `ssh_config(5)`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::algorithms::Edit;
use crate::settings::remote_open::RemoteOpen;
use crate::settings::time::parse as parse_time;
use crate::settings::way::Way;

pub(crate) mod algorithms;
mod passing;
pub(crate) mod remote_open;
pub(crate) mod time;
pub(crate) mod way;

/// Settings of a connection. The first value that a keyword is given wins, as with ssh.
#[derive(Debug, Default, Clone)]
pub(crate) struct Settings {
    /// `AddressFamily`.
    pub(crate) address_family: Option<AddressFamily>,
    /// `BatchMode`: nothing is asked.
    pub(crate) batch_mode: Option<bool>,
    /// `BindAddress`: the address that the first connection comes from.
    pub(crate) bind_address: Option<String>,
    /// `Ciphers`.
    pub(crate) ciphers: Option<Edit>,
    /// `ConnectTimeout`; zero is none.
    pub(crate) connect_timeout: Option<Duration>,
    /// `ConnectionAttempts`, one a second.
    pub(crate) connection_attempts: Option<u32>,
    /// `ExitOnForwardFailure`.
    pub(crate) exit_on_forward_failure: Option<bool>,
    /// `GatewayPorts`: local listeners on all addresses where none is named.
    pub(crate) gateway_ports: Option<bool>,
    /// `GlobalKnownHostsFile`; `none` is no file.
    pub(crate) global_known_hosts: Option<Vec<String>>,
    /// `HashKnownHosts`.
    pub(crate) hash_known_hosts: Option<bool>,
    /// `HostKeyAlgorithms`.
    pub(crate) host_key_algorithms: Option<Edit>,
    /// `HostKeyAlias`.
    pub(crate) host_key_alias: Option<String>,
    /// `HostName`.
    pub(crate) host_name: Option<String>,
    /// `IdentitiesOnly`.
    pub(crate) identities_only: Option<bool>,
    /// `IdentityAgent`.
    pub(crate) identity_agent: Option<String>,
    /// `IdentityFile`, which may be given more than once.
    pub(crate) identity_files: Vec<String>,
    /// `KbdInteractiveAuthentication`.
    pub(crate) keyboard_interactive: Option<bool>,
    /// `KexAlgorithms`.
    pub(crate) kex_algorithms: Option<Edit>,
    /// `NumberOfPasswordPrompts`.
    pub(crate) password_prompts: Option<u32>,
    /// `PasswordAuthentication`.
    pub(crate) password: Option<bool>,
    /// `PermitRemoteOpen`.
    pub(crate) permit_remote_open: Option<RemoteOpen>,
    /// `Port`.
    pub(crate) port: Option<u16>,
    /// `PubkeyAcceptedAlgorithms`.
    pub(crate) pubkey_algorithms: Option<Edit>,
    /// `PubkeyAuthentication`.
    pub(crate) pubkey: Option<bool>,
    /// `RekeyLimit`.
    pub(crate) rekey_limit: Option<RekeyLimit>,
    /// `ServerAliveCountMax`.
    pub(crate) alive_count_max: Option<u32>,
    /// `ServerAliveInterval`; zero is none.
    pub(crate) alive_interval: Option<Duration>,
    /// `StreamLocalBindUnlink`: a dead socket in the way of a listener is removed.
    pub(crate) bind_unlink: Option<bool>,
    /// `StrictHostKeyChecking`.
    pub(crate) strict_host_keys: Option<StrictHostKeys>,
    /// `TCPKeepAlive`.
    pub(crate) tcp_keep_alive: Option<bool>,
    /// `User`.
    pub(crate) user: Option<String>,
    /// `UserKnownHostsFile`; `none` is no file.
    pub(crate) user_known_hosts: Option<Vec<String>>,
    /// `ProxyJump` or `ProxyCommand`, whichever comes first.
    pub(crate) way: Option<Way>,
}

/// `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressFamily {
    /// IPv4 and IPv6.
    Any,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StrictHostKeys {
    /// Only known keys.
    Yes,
    /// A key of an unknown host is asked about.
    Ask,
    /// A key of an unknown host is taken and kept.
    AcceptNew,
    /// Any key is taken.
    No,
}

/// `RekeyLimit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RekeyLimit {
    /// Bytes; the default where none.
    pub(crate) bytes: Option<u64>,
    /// Time; never by time where none.
    pub(crate) time: Option<Duration>,
}

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Error {
    /// No keyword that is known.
    Unknown(String),
    /// Nothing of the form `Keyword=value`.
    Form(String),
    /// A value that the keyword does not take.
    Value {
        /// The keyword.
        keyword: String,
        /// The value.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

impl Settings {
    /// Applies one `-o`: `Keyword=value` or `Keyword value`.
    ///
    /// # Errors
    /// Where the keyword is not known or does not take the value.
    pub(crate) fn set(&mut self, option: &str) -> Result<(), Error> {
        let form = || Error::Form(option.to_owned());
        let end = option
            .find(|character: char| character == '=' || character.is_whitespace())
            .ok_or_else(form)?;
        let (keyword, rest) = option.split_at(end);
        let rest = rest.trim_start();
        let words = rest.strip_prefix('=').unwrap_or(rest).trim();
        let value = match words.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
            // The quotes of a command are its shell's.
            Some(value) if !keyword.eq_ignore_ascii_case("proxycommand") => value,
            _ => words,
        };
        if keyword.is_empty() || value.is_empty() {
            return Err(form());
        }
        self.apply(keyword, value)
    }

    fn apply(&mut self, keyword: &str, value: &str) -> Result<(), Error> {
        let refuse = |expected| Error::Value {
            keyword: keyword.to_owned(),
            value: value.to_owned(),
            expected,
        };
        match keyword.to_ascii_lowercase().as_str() {
            "addressfamily" => first(&mut self.address_family, family(value)),
            "batchmode" => first(&mut self.batch_mode, flag(value)),
            "bindaddress" => first(&mut self.bind_address, text(value)),
            "ciphers" => first(&mut self.ciphers, Edit::parse(value)),
            "connecttimeout" => first(&mut self.connect_timeout, timeout(value)),
            "connectionattempts" => first(&mut self.connection_attempts, attempts(value)),
            "exitonforwardfailure" => first(&mut self.exit_on_forward_failure, flag(value)),
            "gatewayports" => first(&mut self.gateway_ports, flag(value)),
            "globalknownhostsfile" => first(&mut self.global_known_hosts, files(value)),
            "hashknownhosts" => first(&mut self.hash_known_hosts, flag(value)),
            "hostkeyalgorithms" => first(&mut self.host_key_algorithms, Edit::parse(value)),
            "hostkeyalias" => first(&mut self.host_key_alias, text(value)),
            "hostname" => first(&mut self.host_name, text(value)),
            "identitiesonly" => first(&mut self.identities_only, flag(value)),
            "identityagent" => first(&mut self.identity_agent, text(value)),
            "identityfile" => {
                self.identity_files.push(value.to_owned());
                Ok(())
            }
            "kbdinteractiveauthentication" => first(&mut self.keyboard_interactive, flag(value)),
            "kexalgorithms" => first(&mut self.kex_algorithms, Edit::parse(value)),
            "numberofpasswordprompts" => first(&mut self.password_prompts, number(value)),
            "passwordauthentication" => first(&mut self.password, flag(value)),
            "permitremoteopen" => first(&mut self.permit_remote_open, RemoteOpen::parse(value)),
            "port" => first(&mut self.port, port(value)),
            "proxycommand" => first(&mut self.way, Ok(Way::command(value))),
            "proxyjump" => first(&mut self.way, Way::jumps(value).map_err(|_| way::JUMPS)),
            "proxyusefdpass" => no_descriptor(value),
            "pubkeyacceptedalgorithms" | "pubkeyacceptedkeytypes" => {
                first(&mut self.pubkey_algorithms, Edit::parse(value))
            }
            "pubkeyauthentication" => first(&mut self.pubkey, flag(value)),
            "rekeylimit" => first(&mut self.rekey_limit, RekeyLimit::parse(value)),
            "serveralivecountmax" => first(&mut self.alive_count_max, number(value)),
            "serveraliveinterval" => first(&mut self.alive_interval, timeout(value)),
            "streamlocalbindunlink" => first(&mut self.bind_unlink, flag(value)),
            "stricthostkeychecking" => first(&mut self.strict_host_keys, strictness(value)),
            "tcpkeepalive" => first(&mut self.tcp_keep_alive, flag(value)),
            "user" => first(&mut self.user, text(value)),
            "userknownhostsfile" => first(&mut self.user_known_hosts, files(value)),
            _ => return Err(Error::Unknown(keyword.to_owned())),
        }
        .map_err(refuse)
    }
}

/// What a parser of values yields: the value, or what is expected.
type Parsed<T> = Result<T, &'static str>;

/// The first value wins; a later one must still be one.
fn first<T>(slot: &mut Option<T>, value: Parsed<T>) -> Parsed<()> {
    let value = value?;
    slot.get_or_insert(value);
    Ok(())
}

fn flag(value: &str) -> Parsed<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("yes or no"),
    }
}

fn text(value: &str) -> Parsed<String> {
    Ok(value.to_owned())
}

fn number(value: &str) -> Parsed<u32> {
    value.parse().map_err(|_| "a number")
}

fn port(value: &str) -> Parsed<u16> {
    value.parse().ok().filter(|port| *port != 0).ok_or("a port from 1 to 65535")
}

fn attempts(value: &str) -> Parsed<u32> {
    value.parse().ok().filter(|attempts| *attempts > 0).ok_or("a number from 1 on")
}

/// `ProxyUseFdpass`: a descriptor that another process hands over could be anything.
fn no_descriptor(value: &str) -> Parsed<()> {
    let expected = "no, since adit takes no open connection over from a command: let the command \
                    carry the bytes, as with nc in place of nc -F";
    if flag(value)? { Err(expected) } else { Ok(()) }
}

fn timeout(value: &str) -> Parsed<Duration> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(Duration::ZERO);
    }
    parse_time(value).ok_or("a time, for instance 30, 90s or 1h30m")
}

fn family(value: &str) -> Parsed<AddressFamily> {
    match value.to_ascii_lowercase().as_str() {
        "any" => Ok(AddressFamily::Any),
        "inet" => Ok(AddressFamily::Inet),
        "inet6" => Ok(AddressFamily::Inet6),
        _ => Err("any, inet or inet6"),
    }
}

fn strictness(value: &str) -> Parsed<StrictHostKeys> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(StrictHostKeys::Yes),
        "ask" => Ok(StrictHostKeys::Ask),
        "accept-new" => Ok(StrictHostKeys::AcceptNew),
        "no" | "false" | "off" => Ok(StrictHostKeys::No),
        _ => Err("yes, ask, accept-new or no"),
    }
}

/// File names with white space between them, quoted where they have any; `none` is no file.
fn files(value: &str) -> Parsed<Vec<String>> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() {
        let (file, left) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("file names, with quotes in pairs")?,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        files.push(file.to_owned());
        rest = left.trim_start();
    }
    Ok(files)
}

impl RekeyLimit {
    fn parse(value: &str) -> Parsed<Self> {
        let expected = "bytes with K, M or G or default, and then a time or none";
        let mut words = value.split_whitespace();
        let bytes = match words.next().ok_or(expected)? {
            "default" | "none" => None,
            bytes => Some(size(bytes).ok_or(expected)?),
        };
        let time = match words.next() {
            None | Some("none") => None,
            Some(time) => Some(parse_time(time).ok_or(expected)?),
        };
        if words.next().is_some() { Err(expected) } else { Ok(Self { bytes, time }) }
    }
}

/// A number of bytes with K, M or G behind it; at least 16, as with ssh.
fn size(value: &str) -> Option<u64> {
    let (digits, shift) = match value.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 10),
        None => match value.strip_suffix(['M', 'm']) {
            Some(digits) => (digits, 20),
            None => value.strip_suffix(['G', 'g']).map_or((value, 0), |digits| (digits, 30)),
        },
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(1 << shift)?;
    (bytes >= 16).then_some(bytes)
}

/// A path of a setting, with `~` and `%d` as the home folder.
pub(crate) fn path(setting: &str, home: &std::path::Path) -> PathBuf {
    let inside = setting.strip_prefix("~/").or_else(|| setting.strip_prefix("%d/"));
    inside.map_or_else(|| PathBuf::from(setting), |inside| home.join(inside))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(keyword) => write!(f, "unknown keyword \"{keyword}\" in -o"),
            Self::Form(option) => {
                write!(f, "-o takes Keyword=value, which \"{option}\" is not")
            }
            Self::Value { keyword, value, expected } => {
                write!(f, "{keyword} takes {expected}, which \"{value}\" is not")
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(options: &[&str]) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        options.iter().try_for_each(|option| settings.set(option))?;
        Ok(settings)
    }

    #[test]
    fn keywords_are_known_in_any_case_with_or_without_equals_sign() {
        for option in ["BatchMode=yes", "batchmode yes", "BATCHMODE = \"yes\"", "BatchMode\tyes"] {
            assert_eq!(set(&[option]).unwrap().batch_mode, Some(true), "{option}");
        }
    }

    #[test]
    fn the_first_value_wins() {
        let settings = set(&["Port=1", "Port=2", "IdentityFile=a", "IdentityFile=b"]).unwrap();
        assert_eq!(settings.port, Some(1));
        assert_eq!(settings.identity_files, ["a", "b"]);
    }

    #[test]
    fn an_unknown_keyword_is_named() {
        let refused = set(&["Fnord=yes"]).unwrap_err();
        assert_eq!(refused.to_string(), "unknown keyword \"Fnord\" in -o");
    }

    #[test]
    fn bad_values_say_what_is_expected() {
        let cases = [
            ("BatchMode=maybe", "BatchMode takes yes or no, which \"maybe\" is not"),
            ("Port=0", "Port takes a port from 1 to 65535, which \"0\" is not"),
            ("Port", "-o takes Keyword=value, which \"Port\" is not"),
            ("Port=", "-o takes Keyword=value, which \"Port=\" is not"),
        ];
        for (option, told) in cases {
            assert_eq!(set(&[option]).unwrap_err().to_string(), told);
        }
        for option in [
            "RekeyLimit=0",
            "RekeyLimit=1M 1h 3",
            "RekeyLimit=5T",
            "ConnectTimeout=-1",
            "StrictHostKeyChecking=perhaps",
            "UserKnownHostsFile=\"a",
        ] {
            assert!(matches!(set(&[option]), Err(Error::Value { .. })), "{option}");
        }
    }

    #[test]
    fn rekey_limits_are_read_as_ssh_reads_them() {
        let limit = |value: &str| set(&[&format!("RekeyLimit={value}")]).unwrap().rekey_limit;
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(limit("1M"), Some(RekeyLimit { bytes: Some(1 << 20), time: None }));
        assert_eq!(limit("2G 1h"), Some(RekeyLimit { bytes: Some(2 << 30), time: hour }));
        assert_eq!(limit("default none"), Some(RekeyLimit { bytes: None, time: None }));
    }

    #[test]
    fn the_first_of_a_jump_and_a_command_wins() {
        let way = |options: &[&str]| set(options).unwrap().way.unwrap();
        let command = Way::Command("nc \"%h\" \"%p\"".to_owned());
        assert_eq!(way(&["ProxyCommand=nc \"%h\" \"%p\"", "ProxyJump=a"]), command);
        assert_eq!(way(&["ProxyCommand \"a b\""]), Way::Command("\"a b\"".to_owned()));
        assert!(matches!(way(&["ProxyJump=a", "ProxyCommand=nc"]), Way::Jumps(_)));
        for none in ["ProxyJump=none", "ProxyCommand=none"] {
            assert_eq!(way(&[none, "ProxyCommand=nc", "ProxyJump=a"]), Way::Direct);
        }
    }

    #[test]
    fn what_cannot_be_done_on_the_way_is_refused_with_the_reason() {
        assert!(set(&["ProxyUseFdpass=no"]).is_ok());
        let refused = set(&["ProxyUseFdpass=yes"]).unwrap_err().to_string();
        assert!(refused.contains("no open connection"), "{refused}");
        for option in ["ConnectionAttempts=0", "ProxyJump=a,,b", "ProxyJump=a:0"] {
            assert!(matches!(set(&[option]), Err(Error::Value { .. })), "{option}");
        }
    }

    #[test]
    fn file_lists_may_be_quoted_and_none() {
        let files = |value: &str| {
            set(&[&format!("UserKnownHostsFile={value}")]).unwrap().user_known_hosts.unwrap()
        };
        assert_eq!(files("a b"), ["a", "b"]);
        assert_eq!(files("x \"a b\" c"), ["x", "a b", "c"]);
        assert!(files("none").is_empty());
    }
}
