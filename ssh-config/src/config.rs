//! The settings for a host.

use std::fmt;

use crate::canonical::{self, Wanted};
use crate::criteria::Pass;
use crate::error::{Error, Notice};
use crate::expand::{self, Tokens};
use crate::fault::Expansion;
use crate::files::Reading;
use crate::forward::Forward;
use crate::jump::Jump;
use crate::keyword::Keyword;
use crate::mention::Mention;
use crate::options::{Options, Origin};
use crate::pattern;
use crate::release::Release;
use crate::request::Request;
use crate::settle;
use crate::syntax::Syntax;
use crate::value::Value;
use crate::world::World;

/// The settings for a host: what the command line and the files say, and defaults for the rest.
///
/// Values are as a client needs them: lists of algorithms are in full, names are canonical, and
/// tokens are put in where the keyword has them, but for those that depend on the server and those
/// that [`Config::expanded`] puts in.
///
/// Its [`Display`](fmt::Display) is what `ssh -G` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The host as it was asked for.
    original: String,
    release: Release,
    options: Options,
    tokens: Tokens,
    notices: Vec<Notice>,
}

impl Config {
    /// Reads the files for a host.
    ///
    /// # Errors
    /// Where a file cannot be read, others can write to a file of the user's, a line is wrong, or
    /// settings do not go together.
    pub fn read(request: &Request, world: &dyn World) -> Result<Self, Error> {
        let mut options = Options::default();
        let mut notices = Vec::new();
        let original = &request.destination.host;
        let mut reading = Reading {
            request,
            world,
            options: &mut options,
            notices: &mut notices,
            host: original,
            pass: Pass::First,
            wants_final: false,
        };
        reading.destination()?;
        let named_user = reading.options.has(Keyword::User);
        let user = if named_user { settle::User::CommandLine } else { settle::User::Files };
        reading.files()?;
        let wants_final = reading.wants_final;
        let named = host_name(&options, original)?;
        let host = canonical::name(&named, &options, world)?;
        if wants_final || canonical::wanted(&options) != Wanted::No {
            options.set(Keyword::HostName, Value::Text(host.clone()));
            // The first pass has told what is passed over.
            let mut told = Vec::new();
            let mut reading = Reading {
                request,
                world,
                options: &mut options,
                notices: &mut told,
                host: &host,
                pass: Pass::Final,
                wants_final: false,
            };
            reading.files()?;
        }
        settle::settle(&mut options, &host, request, user, world)?;
        let tokens = settle::tokens(&options, &host, request, world);
        let original = original.clone();
        Ok(Self { original, release: request.release, options, tokens, notices })
    }

    /// What was passed over.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The value of a keyword; nothing where it has none.
    pub fn value(&self, keyword: Keyword) -> Option<&Value> {
        self.options.get(keyword)
    }

    /// Where a keyword was set first; nothing where it has its default.
    pub fn mention(&self, keyword: Keyword) -> Option<&Mention> {
        self.options.mentioned(keyword)
    }

    /// Whether a keyword that is `yes` or `no`, or more than these two, is `yes`.
    pub fn is_yes(&self, keyword: Keyword) -> bool {
        matches!(self.options.choice(keyword), Some("yes" | "true"))
    }

    /// The value of a keyword that is one of some words, in the spelling of `ssh -G`.
    pub fn choice(&self, keyword: Keyword) -> Option<&'static str> {
        self.options.choice(keyword)
    }

    /// The value of a keyword that is a number or a time in seconds.
    pub fn number(&self, keyword: Keyword) -> Option<u32> {
        self.options.number(keyword)
    }

    /// The value of a keyword that is a text.
    pub fn text(&self, keyword: Keyword) -> Option<&str> {
        self.options.text(keyword)
    }

    /// The value of a keyword that is a list; empty where it has none.
    pub fn list(&self, keyword: Keyword) -> &[String] {
        self.options.list(keyword).unwrap_or_default()
    }

    /// Whether `SendEnv` names a variable of the environment.
    pub fn sends(&self, name: &str) -> bool {
        self.list(Keyword::SendEnv).iter().any(|it| pattern::matches(name, it))
    }

    /// The tunnels of `LocalForward`, `RemoteForward` or `DynamicForward`.
    pub fn forwards(&self, keyword: Keyword) -> &[Forward] {
        match self.options.get(keyword) {
            Some(Value::Forwards(forwards)) => forwards,
            _ => &[],
        }
    }

    /// The way to the host over others.
    pub fn jump(&self) -> Option<&Jump> {
        match self.options.get(Keyword::ProxyJump) {
            Some(Value::Jump(jump)) => Some(jump),
            _ => None,
        }
    }

    /// The host as it is connected to.
    pub fn host(&self) -> &str {
        self.options.text(Keyword::HostName).unwrap_or(&self.original)
    }

    /// The host as it was asked for.
    pub fn original_host(&self) -> &str {
        &self.original
    }

    /// The user to log in as.
    pub fn user(&self) -> &str {
        self.options.text(Keyword::User).unwrap_or_default()
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        let port = self.options.number(Keyword::Port);
        port.and_then(|port| u16::try_from(port).ok()).unwrap_or(22)
    }

    /// Puts tokens, variables and the home folder into a value that `ssh -G` prints without: a
    /// path of `IdentityFile` or `CertificateFile`, or a command.
    ///
    /// # Errors
    /// Where a token means nothing for this keyword, or a variable is not set.
    pub fn expanded(
        &self,
        keyword: Keyword,
        text: &str,
        world: &dyn World,
    ) -> Result<String, Error> {
        let expanded = self.put_in(keyword, text, world);
        expanded.map_err(|fault| Error::Expansion { keyword, fault })
    }

    fn put_in(&self, keyword: Keyword, text: &str, world: &dyn World) -> Result<String, Expansion> {
        match keyword {
            Keyword::IdentityFile | Keyword::CertificateFile => {
                expand::both(&expand::home(text, world)?, &self.tokens, world)
            }
            Keyword::ProxyCommand => expand::tokens(text, &self.tokens.only("hnpr")),
            Keyword::KnownHostsCommand => expand::both(text, &self.tokens, world),
            _ => expand::tokens(text, &self.tokens),
        }
    }
}

impl Reading<'_> {
    /// Takes what the destination and the command line say, in the order of ssh: settings, and
    /// then what stands beside the host's name.
    fn destination(&mut self) -> Result<(), Error> {
        self.command_line()?;
        let destination = &self.request.destination;
        let mut set = |keyword, value| self.options.apply(keyword, value, Origin::User);
        let user = destination.user.clone().map(Value::Text);
        let port = destination.port.map(|port| Value::Number(port.into()));
        let done = user.map_or(Ok(()), |user| set(Keyword::User, user));
        let done = done.and_then(|()| port.map_or(Ok(()), |port| set(Keyword::Port, port)));
        done.map_err(|fault| Error::Line { place: crate::error::Place::CommandLine, fault })
    }
}

/// The host by `HostName`.
fn host_name(options: &Options, original: &str) -> Result<String, Error> {
    let Some(name) = options.text(Keyword::HostName) else { return Ok(original.to_owned()) };
    let tokens = Tokens::default().with('h', original);
    expand::tokens(name, &tokens)
        .map_err(|fault| Error::Expansion { keyword: Keyword::HostName, fault })
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "host {}", self.original)?;
        for keyword in Keyword::ALL.iter().filter(|it| it.is_known(self.release)) {
            let name = told_name(*keyword, self.release);
            match self.value(*keyword) {
                Some(Value::List(list)) if list.is_empty() => {}
                Some(value) => {
                    show(&name, *keyword, told_value(*keyword, value, self.release), f)?;
                    continue;
                }
                None => {}
            }
            if is_told_empty(*keyword, self.release) {
                writeln!(f, "{name} none")?;
            }
        }
        Ok(())
    }
}

/// The name as the release spells it.
fn told_name(keyword: Keyword, release: Release) -> String {
    match keyword {
        Keyword::CanonicalizePermittedCnames if release < Release::V10_6 => {
            "canonicalizePermittedcnames".to_owned()
        }
        _ => keyword.to_string(),
    }
}

/// The value as the release spells it.
fn told_value(keyword: Keyword, value: &Value, release: Release) -> &Value {
    match (keyword, value) {
        (Keyword::TcpKeepAlive, Value::Choice("yes")) if release >= Release::V10_6 => {
            &Value::Choice("true")
        }
        (Keyword::TcpKeepAlive, Value::Choice("no")) if release >= Release::V10_6 => {
            &Value::Choice("false")
        }
        _ => value,
    }
}

/// Whether `ssh -G` prints `none` for a keyword without a value.
fn is_told_empty(keyword: Keyword, release: Release) -> bool {
    match keyword {
        Keyword::ConnectTimeout | Keyword::ChannelTimeout => true,
        Keyword::RevokedHostKeys => release >= Release::V10_6,
        _ => matches!(keyword.syntax(), Syntax::Files | Syntax::Domains | Syntax::Aliases),
    }
}

fn show(name: &str, keyword: Keyword, value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Choice(text) => writeln!(f, "{name} {text}"),
        Value::Number(number) | Value::Seconds(number) => writeln!(f, "{name} {number}"),
        Value::Text(text) => writeln!(f, "{name} {text}"),
        Value::Mask(mask) => writeln!(f, "{name} 0{mask:o}"),
        Value::Jump(jump) => writeln!(f, "{name} {jump}"),
        Value::Qos(qos) => writeln!(f, "{name} {} {}", qos.interactive, qos.bulk),
        Value::Rekey(rekey) => writeln!(f, "{name} {rekey}"),
        Value::Escape(escape) => writeln!(f, "{name} {escape}"),
        Value::Persist(persist) => writeln!(f, "{name} {persist}"),
        Value::KeysToAgent(keys) => writeln!(f, "{name} {keys}"),
        Value::Device(device) => writeln!(f, "{name} {device}"),
        Value::Aliases(aliases) => {
            let all: Vec<_> = aliases.iter().map(ToString::to_string).collect();
            one_line(name, &all, f)
        }
        Value::Forwards(forwards) => forwards.iter().try_for_each(|it| match keyword {
            Keyword::DynamicForward => writeln!(f, "{name} {}", it.listen),
            _ => writeln!(f, "{name} {} {}", it.listen, it.target),
        }),
        Value::List(list) => match keyword {
            Keyword::IdentityFile
            | Keyword::CertificateFile
            | Keyword::SendEnv
            | Keyword::SetEnv => list.iter().try_for_each(|it| writeln!(f, "{name} {it}")),
            _ => one_line(name, list, f),
        },
    }
}

fn one_line(name: &str, list: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = if list.is_empty() { "none".to_owned() } else { list.join(" ") };
    writeln!(f, "{name} {text}")
}
