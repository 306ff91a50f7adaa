//! Options of `ssh(1)` that set what a keyword sets.
//!
//! Of most options the first wins, and so it is between them and `-o`. Switches and some others
//! win over every `-o`, wherever that stands, and of several the last wins.

use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::release::Release;
use adit_ssh_config::request::Setting;

use crate::failure::{Exit, Failure};

/// Options that set what a keyword sets, as they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// Of these the first wins.
    first_wins: Vec<Setting>,
    /// Of these the last wins, and they win over the others.
    last_wins: Vec<Setting>,
    loudness: Option<usize>,
    verbose: bool,
}

/// Options whose value is that of a keyword, and of which the first wins.
const VALUES: [(char, Keyword); 5] = [
    ('p', Keyword::Port),
    ('l', Keyword::User),
    ('i', Keyword::IdentityFile),
    ('J', Keyword::ProxyJump),
    ('P', Keyword::Tag),
];

/// Options whose value is that of a keyword, and which win over `-o`.
const OVERRIDES: [(char, Keyword); 7] = [
    ('b', Keyword::BindAddress),
    ('B', Keyword::BindInterface),
    ('c', Keyword::Ciphers),
    ('m', Keyword::Macs),
    ('I', Keyword::Pkcs11Provider),
    ('S', Keyword::ControlPath),
    ('e', Keyword::EscapeChar),
];

/// Options for tunnels.
const TUNNELS: [(char, Keyword); 3] =
    [('L', Keyword::LocalForward), ('R', Keyword::RemoteForward), ('D', Keyword::DynamicForward)];

/// An option without a value, what it sets, and what it sets when it is given again.
type Flag = (char, &'static [(Keyword, &'static str)], Option<&'static str>);

/// Options without a value; they win over `-o`.
const FLAGS: [Flag; 16] = [
    ('4', &[(Keyword::AddressFamily, "inet")], None),
    ('6', &[(Keyword::AddressFamily, "inet6")], None),
    ('A', &[(Keyword::ForwardAgent, "yes")], None),
    ('a', &[(Keyword::ForwardAgent, "no")], None),
    ('C', &[(Keyword::Compression, "yes")], None),
    ('g', &[(Keyword::GatewayPorts, "yes")], None),
    ('k', &[(Keyword::GssapiDelegateCredentials, "no")], None),
    (
        'K',
        &[(Keyword::GssapiAuthentication, "yes"), (Keyword::GssapiDelegateCredentials, "yes")],
        None,
    ),
    ('M', &[(Keyword::ControlMaster, "yes")], Some("ask")),
    ('n', &[(Keyword::StdinNull, "yes")], None),
    ('f', &[(Keyword::ForkAfterAuthentication, "yes"), (Keyword::StdinNull, "yes")], None),
    ('t', &[(Keyword::RequestTty, "yes")], Some("force")),
    ('T', &[(Keyword::RequestTty, "no")], None),
    ('X', &[(Keyword::ForwardX11, "yes")], None),
    ('x', &[(Keyword::ForwardX11, "no")], None),
    ('Y', &[(Keyword::ForwardX11, "yes"), (Keyword::ForwardX11Trusted, "yes")], None),
];

/// Levels of the log, from silence to all.
const LEVELS: [&str; 8] =
    ["quiet", "fatal", "error", "info", "verbose", "debug1", "debug2", "debug3"];

/// Where `debug1` is among them.
const DEBUG: usize = 5;

/// Whether an option has a value, and sets what a keyword sets.
pub(super) fn takes_value(letter: char) -> bool {
    letter == 'w'
        || VALUES.iter().chain(&OVERRIDES).chain(&TUNNELS).any(|(known, _)| *known == letter)
}

/// Whether an option has no value, and sets what a keyword sets.
pub(super) fn is_flag(letter: char) -> bool {
    FLAGS.iter().any(|(known, ..)| *known == letter)
}

impl Words {
    /// Takes a flag.
    pub(super) fn flag(&mut self, letter: char) {
        let Some((_, settings, again)) = FLAGS.iter().find(|(known, ..)| *known == letter) else {
            return;
        };
        for (keyword, value) in *settings {
            let value = again.filter(|_| self.sets(*keyword, value)).unwrap_or(value);
            self.last_wins.push(word(*keyword, value));
        }
    }

    /// Whether what is set of a keyword last is this.
    fn sets(&self, keyword: Keyword, value: &str) -> bool {
        let last = self.last_wins.iter().rev().find_map(|setting| match setting {
            Setting::Word(known, value) if *known == keyword => Some(value),
            _ => None,
        });
        last.is_some_and(|last| last == value)
    }

    /// Takes an option with its value.
    ///
    /// # Errors
    /// Where it may not be given so.
    pub(super) fn value(&mut self, letter: char, value: String) -> Result<(), Failure> {
        let known = |table: &[(char, Keyword)]| {
            table.iter().find(|(known, _)| *known == letter).map(|(_, keyword)| *keyword)
        };
        if let Some(keyword) = known(&TUNNELS) {
            self.first_wins.push(Setting::Forward(keyword, value));
        } else if let ('c' | 'm', Some(sign)) = (letter, sign(letter, &value)) {
            let message = format!("-{letter} {value}: a list here does not begin with {sign}");
            return Err(
                Failure::new(Exit::Usage, message).hint("-o Ciphers= and -o MACs= take such lists")
            );
        } else if let Some(keyword) = known(&OVERRIDES) {
            self.last_wins.push(Setting::Word(keyword, value));
        } else if let Some(keyword) = known(&VALUES) {
            let again = |it: &Setting| matches!(it, Setting::Word(Keyword::ProxyJump, _));
            if keyword == Keyword::ProxyJump && self.first_wins.iter().any(again) {
                return Err(Failure::new(Exit::Usage, "-J may be given once only")
                    .hint("write commas between the servers"));
            }
            let by_command =
                |it: &Setting| it.keyword(Release::default()) == Some(Keyword::ProxyCommand);
            if keyword == Keyword::ProxyJump && self.first_wins.iter().any(by_command) {
                return Err(Failure::new(Exit::Usage, "-J and ProxyCommand do not go together")
                    .hint("leave one of them out"));
            }
            self.first_wins.push(Setting::Word(keyword, value));
        } else if letter == 'w' {
            self.last_wins.push(word(Keyword::Tunnel, "point-to-point"));
            self.last_wins.push(Setting::Word(Keyword::TunnelDevice, value));
        }
        Ok(())
    }

    /// Takes a line of `-o`.
    pub(super) fn line(&mut self, line: String) {
        self.first_wins.push(Setting::Line(line));
    }

    /// Takes `-q` or `-v`, of which each further one says more.
    pub(super) fn log(&mut self, letter: char) {
        self.loudness = Some(match self.loudness {
            _ if letter == 'q' => 0,
            Some(level) if self.verbose => level.saturating_add(1).min(LEVELS.len() - 1),
            _ => DEBUG,
        });
        self.verbose |= letter == 'v';
    }

    /// Takes `-N`, `-s` or `-W`, which say what the connection is for.
    ///
    /// # Errors
    /// Where it was said otherwise before.
    pub(super) fn kind(&mut self, letter: char) -> Result<(), Failure> {
        let kind = if letter == 's' { "subsystem" } else { "none" };
        if letter != 'W' && self.session_type().is_some_and(|it| !it.eq_ignore_ascii_case(kind)) {
            let message = format!("-{letter} and another type of session do not go together");
            return Err(Failure::new(Exit::Usage, message).hint(
                "-N, -s, -W and SessionType say what the connection is for: leave all but one out",
            ));
        }
        self.last_wins.push(word(Keyword::SessionType, kind));
        if kind == "none" {
            self.last_wins.push(word(Keyword::RequestTty, "no"));
        }
        Ok(())
    }

    /// What is said of the type of the session.
    pub(super) fn session_type(&self) -> Option<String> {
        let said = |setting: &Setting| match setting {
            _ if setting.keyword(Release::default()) != Some(Keyword::SessionType) => None,
            Setting::Word(_, value) | Setting::Forward(_, value) => Some(value.clone()),
            Setting::Line(line) => Some(line.to_ascii_lowercase()),
        };
        let line = |line: String| {
            let words = ["none", "subsystem", "default"];
            words.into_iter().find(|it| line.contains(it)).unwrap_or_default().to_owned()
        };
        let all = self.last_wins.iter().rev().chain(&self.first_wins);
        all.filter_map(said).next().map(line)
    }

    /// The settings in the order in which they win.
    pub(super) fn settings(self) -> Vec<Setting> {
        let level = self.loudness.and_then(|it| LEVELS.get(it));
        let level = level.map(|level| word(Keyword::LogLevel, level));
        let mut all: Vec<Setting> = level.into_iter().collect();
        all.extend(self.last_wins.into_iter().rev());
        all.extend(self.first_wins);
        all
    }
}

/// The sign before a list of algorithms that ssh does not take with this option.
fn sign(letter: char, list: &str) -> Option<char> {
    let signs: &[char] = if letter == 'c' { &['-'] } else { &['+', '-', '^'] };
    list.chars().next().filter(|first| signs.contains(first))
}

fn word(keyword: Keyword, value: &str) -> Setting {
    Setting::Word(keyword, value.to_owned())
}
