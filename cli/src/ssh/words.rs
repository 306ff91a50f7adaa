//! Options of `ssh(1)` that set what a keyword sets.
//!
//! Of most options the first wins, and so it is between them and `-o`. Switches and some others
//! win over every `-o`, wherever that stands, and of several the last wins.

use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::{Session, Setting};
use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};

/// Options that set what a keyword sets, in the order in which they win.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words(Vec<Setting>);

/// Settings with their places on the command line.
type Placed = Vec<(usize, Setting)>;

/// Options whose value is that of a keyword, and of which the first wins.
const VALUES: [(&str, Keyword, &str, &str); 5] = [
    ("p", Keyword::Port, "PORT", "The server's port"),
    ("l", Keyword::User, "USER", "The user to log in as"),
    ("i", Keyword::IdentityFile, "FILE", "A private key to log in with"),
    ("J", Keyword::ProxyJump, "[USER@]HOST[:PORT],...", "Hosts on the way"),
    ("P", Keyword::Tag, "TAG", "A tag for Match tagged"),
];

/// Options whose value is that of a keyword, and which win over `-o`.
const OVERRIDES: [(&str, Keyword, &str, &str); 7] = [
    ("b", Keyword::BindAddress, "ADDRESS", "The address to connect from"),
    ("B", Keyword::BindInterface, "NAME", "The interface to connect from"),
    ("c", Keyword::Ciphers, "LIST", "Ciphers"),
    ("m", Keyword::Macs, "LIST", "Message authentication codes"),
    ("I", Keyword::Pkcs11Provider, "FILE", "A library of PKCS#11"),
    ("S", Keyword::ControlPath, "PATH", "The socket of a shared connection"),
    ("e", Keyword::EscapeChar, "CHARACTER", "The character that escapes"),
];

/// Options for tunnels.
const TUNNELS: [(&str, Keyword, &str, &str); 3] = [
    ("L", Keyword::LocalForward, "SPEC", "A local tunnel"),
    ("R", Keyword::RemoteForward, "SPEC", "A remote tunnel"),
    ("D", Keyword::DynamicForward, "[BIND:]PORT", "A dynamic tunnel"),
];

/// An option without a value, what it sets, and its help.
type Flag = (&'static str, &'static [(Keyword, &'static str)], &'static str);

/// Options without a value; they win over `-o`.
const FLAGS: [Flag; 17] = [
    ("4", &[(Keyword::AddressFamily, "inet")], "Uses IPv4 only"),
    ("6", &[(Keyword::AddressFamily, "inet6")], "Uses IPv6 only"),
    ("A", &[(Keyword::ForwardAgent, "yes")], "Forwards the agent"),
    ("a", &[(Keyword::ForwardAgent, "no")], "Does not forward the agent"),
    ("C", &[(Keyword::Compression, "yes")], "Compresses"),
    ("g", &[(Keyword::GatewayPorts, "yes")], "Lets other hosts use local tunnels"),
    ("k", &[(Keyword::GssapiDelegateCredentials, "no")], "Forwards no credentials of GSSAPI"),
    (
        "K",
        &[(Keyword::GssapiAuthentication, "yes"), (Keyword::GssapiDelegateCredentials, "yes")],
        "Logs in by GSSAPI and forwards its credentials",
    ),
    ("M", &[(Keyword::ControlMaster, "yes")], "Shares the connection"),
    ("n", &[(Keyword::StdinNull, "yes")], "Reads nothing from standard input"),
    (
        "f",
        &[(Keyword::ForkAfterAuthentication, "yes"), (Keyword::StdinNull, "yes")],
        "Goes to the background after the login",
    ),
    ("q", &[(Keyword::LogLevel, "quiet")], "Says nothing"),
    ("t", &[(Keyword::RequestTty, "yes")], "Asks for a terminal"),
    ("T", &[(Keyword::RequestTty, "no")], "Asks for no terminal"),
    ("X", &[(Keyword::ForwardX11, "yes")], "Forwards X11"),
    ("x", &[(Keyword::ForwardX11, "no")], "Does not forward X11"),
    (
        "Y",
        &[(Keyword::ForwardX11, "yes"), (Keyword::ForwardX11Trusted, "yes")],
        "Forwards X11 without its safety",
    ),
];

impl Words {
    /// The settings, and what a session of this kind sets besides.
    pub(crate) fn settings(self, session: &Session) -> Vec<Setting> {
        let word = |keyword, text: &str| Setting::Word(keyword, text.to_owned());
        let kind = match session {
            Session::None | Session::Stdio => {
                vec![word(Keyword::SessionType, "none"), word(Keyword::RequestTty, "no")]
            }
            Session::Subsystem(_) => vec![word(Keyword::SessionType, "subsystem")],
            Session::Shell | Session::Command(_) => Vec::new(),
        };
        self.0.into_iter().chain(kind).collect()
    }
}

/// The values of an option with their places.
fn given(matches: &ArgMatches, id: &str, make: impl Fn(&String) -> Setting) -> Placed {
    let places = matches.indices_of(id).into_iter().flatten();
    let values = matches.get_many::<String>(id).into_iter().flatten();
    places.zip(values.map(make)).collect()
}

/// The letter of an option.
fn letter(id: &str) -> Option<char> {
    id.chars().next()
}

impl FromArgMatches for Words {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let word = |keyword| move |value: &String| Setting::Word(keyword, value.clone());
        let mut first_wins = given(matches, "o", |line| Setting::Line(line.clone()));
        for (id, keyword, ..) in VALUES {
            first_wins.extend(given(matches, id, word(keyword)));
        }
        for (id, keyword, ..) in TUNNELS {
            let tunnel = |value: &String| Setting::Forward(keyword, value.clone());
            first_wins.extend(given(matches, id, tunnel));
        }
        let mut last_wins = Placed::new();
        for (id, keyword, ..) in OVERRIDES {
            last_wins.extend(given(matches, id, word(keyword)));
        }
        for (id, settings, _) in FLAGS {
            let place = matches.index_of(id).filter(|_| matches.get_count(id) > 0);
            let set = |(keyword, value): &(Keyword, &str)| Setting::Word(*keyword, (*value).into());
            let settings = settings.iter().map(set);
            last_wins
                .extend(place.into_iter().flat_map(|at| settings.clone().map(move |it| (at, it))));
        }
        first_wins.sort_by_key(|(place, _)| *place);
        last_wins.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        Ok(Self(last_wins.into_iter().chain(first_wins).map(|(_, setting)| setting).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Words {
    fn augment_args(command: Command) -> Command {
        let line = Arg::new("o")
            .short('o')
            .value_name("KEYWORD=VALUE")
            .help("A setting by its name in ssh_config(5)")
            .action(ArgAction::Append);
        let values = VALUES.iter().chain(&OVERRIDES).chain(&TUNNELS).map(|(id, _, value, help)| {
            let arg = Arg::new(*id).short(letter(id)).value_name(*value).help(*help);
            arg.action(ArgAction::Append).allow_hyphen_values(true)
        });
        let flags = FLAGS.iter().map(|(id, _, help)| {
            Arg::new(*id).short(letter(id)).help(*help).action(ArgAction::Count)
        });
        command.arg(line).args(values).args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
