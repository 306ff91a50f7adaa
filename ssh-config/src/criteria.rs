//! `Match`: criteria, all of which must hold.

use std::collections::VecDeque;

use crate::connection::Connection;
use crate::expand;
use crate::fault::Fault;
use crate::keyword::Keyword;
use crate::network;
use crate::options::Options;
use crate::pattern::{self, Found};
use crate::release::Release;
use crate::request::Request;
use crate::world::World;

/// How often the files have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// This is the first time.
    First,
    /// The name of the host is settled.
    Final,
}

/// Whether commands of `Match exec` are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commands {
    /// They are.
    Run,
    /// They are not: the lines that follow do not count anyway.
    Skip,
}

/// What criteria are held against.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) request: &'a Request,
    pub(crate) options: &'a Options,
    /// The host that `Host` is held against.
    pub(crate) host: &'a str,
    pub(crate) pass: Pass,
    pub(crate) commands: Commands,
    pub(crate) world: &'a dyn World,
}

/// What a `Match` line comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether all criteria hold.
    pub(crate) holds: bool,
    /// Whether the files are to be read a second time.
    pub(crate) wants_final: bool,
}

impl Subject<'_> {
    /// Judges the words of a `Match` line.
    ///
    /// # Errors
    /// Where a criterion is none, or its command cannot be run.
    pub(crate) fn judge(&self, words: Vec<String>) -> Result<Verdict, Fault> {
        let mut words = Words(words.into());
        let mut verdict = Verdict { holds: true, wants_final: false };
        let mut count = 0;
        while let Some(word) = words.criterion() {
            let (negated, name) = match word.strip_prefix('!') {
                Some(name) => (true, name.to_ascii_lowercase()),
                None => (false, word.to_ascii_lowercase()),
            };
            if name == "all" {
                if count > 1 || words.criterion().is_some() {
                    return Err(Fault::NotAlone);
                }
                verdict.holds &= !negated;
                return Ok(verdict);
            }
            count += 1;
            verdict.wants_final |= name == "final";
            let found = match name.as_str() {
                "final" | "canonical" => self.pass == Pass::Final,
                _ => {
                    let empty = matches!(name.as_str(), "tagged" | "command");
                    let value = words.value(self.request.release);
                    let value = value.filter(|value| empty || !value.is_empty());
                    let value = value.ok_or_else(|| Fault::Bare(name.clone()))?;
                    self.meets(&name, &value, verdict.holds)?
                }
            };
            verdict.holds &= found != negated;
        }
        if count == 0 { Err(Fault::NoCriterion) } else { Ok(verdict) }
    }

    /// Whether a criterion holds, leaving aside that it may be negated.
    fn meets(&self, name: &str, value: &str, so_far: bool) -> Result<bool, Fault> {
        let newer = self.request.release >= Release::V10_0;
        let list = |text: &str| pattern::list(text, value) == Found::Yes;
        // What there is none of is meant by nothing but an empty value, not by `*`.
        let word = |text: &str| if text.is_empty() { value.is_empty() } else { list(text) };
        let (session, command) = self.request.session.told();
        Ok(match name {
            "host" => pattern::host_list(&self.current_host()?, value) == Found::Yes,
            "originalhost" => {
                pattern::host_list(&self.request.destination.host, value) == Found::Yes
            }
            "user" => list(self.user()),
            "localuser" => list(&self.world.user().name),
            "exec" => self.runs(value, so_far)?,
            "localnetwork" if newer => {
                let networks = network::parse(value).map_err(Fault::Network)?;
                let addresses = self.world.local_addresses().unwrap_or_default();
                addresses.iter().any(|address| network::contain(&networks, *address))
            }
            "tagged" if newer => word(self.options.text(Keyword::Tag).unwrap_or_default()),
            "version" if newer => list(&self.request.version),
            "sessiontype" if newer => list(session),
            "command" if newer => word(command),
            _ => return Err(Fault::Criterion(name.to_owned())),
        })
    }

    fn runs(&self, command: &str, so_far: bool) -> Result<bool, Fault> {
        let host = self.current_host()?;
        let key_alias = self.options.text(Keyword::HostKeyAlias).unwrap_or(&host);
        let connection = Connection {
            host: &host,
            original: &self.request.destination.host,
            key_alias,
            user: self.user(),
        };
        let tokens = connection.tokens(self.options, self.request.release, self.world);
        let command = expand::tokens(command, &tokens)?;
        if !so_far || self.commands == Commands::Skip {
            return Ok(false);
        }
        let code = self.world.execute(&command);
        code.map(|code| code == 0).map_err(|error| Fault::Exec { command, why: error.to_string() })
    }

    /// The host as far as lines before have settled it.
    fn current_host(&self) -> Result<String, Fault> {
        let named = self.options.text(Keyword::HostName).filter(|_| self.pass == Pass::First);
        match named {
            Some(name) => {
                let tokens = expand::Tokens::default().with('h', self.host);
                Ok(expand::tokens(name, &tokens)?)
            }
            None => Ok(self.host.to_owned()),
        }
    }

    fn user(&self) -> &str {
        self.options.text(Keyword::User).unwrap_or(&self.world.user().name)
    }
}

/// The words of a `Match` line. Criterion and value stand apart by blanks or an equals sign.
struct Words(VecDeque<String>);

impl Words {
    fn criterion(&mut self) -> Option<String> {
        let word = self.0.pop_front().filter(|word| !word.is_empty())?;
        match word.split_once('=') {
            Some((name, value)) => {
                let value = value.to_owned();
                self.0.push_front(value);
                Some(name.to_owned())
            }
            None => Some(word),
        }
    }

    /// What a criterion is held against. Releases before 9.9 let the equals sign stand by itself.
    fn value(&mut self, release: Release) -> Option<String> {
        let value = self.0.pop_front()?;
        match value.strip_prefix('=') {
            Some("") if release < Release::V10_0 => self.0.pop_front(),
            Some(value) if release < Release::V10_0 => Some(value.to_owned()),
            _ => Some(value),
        }
    }
}
