//! What lines have set so far.

use std::collections::BTreeMap;

use crate::fault::Fault;
use crate::jump::Jump;
use crate::keyword::Keyword;
use crate::mention::Mention;
use crate::pattern;
use crate::value::{Rekey, Value};

/// What lines have set so far. For most keywords the first line wins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Options {
    values: BTreeMap<Keyword, Value>,
    /// Keys and certificates that were named, by whom: each counts once for the user and once for
    /// the system.
    named: Vec<(Keyword, Origin, String)>,
    /// Where each keyword was set first.
    mentions: BTreeMap<Keyword, Mention>,
}

/// Whose word a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The user's, on the command line too.
    User,
    /// The system's.
    System,
}

/// The most keys, certificates, and files of known hosts.
const KEYS: usize = 100;
const HOSTS_FILES: usize = 32;

impl Options {
    /// Takes the value of a line that counts.
    ///
    /// # Errors
    /// Where the keyword has too many values.
    pub(crate) fn apply(
        &mut self,
        keyword: Keyword,
        value: Value,
        origin: Origin,
    ) -> Result<(), Fault> {
        match (keyword, value) {
            (Keyword::IdentityFile | Keyword::CertificateFile, Value::Text(path)) => {
                return self.name(keyword, origin, path);
            }
            (Keyword::SendEnv, Value::List(names)) => self.send(names),
            (Keyword::RekeyLimit, Value::Rekey(rekey)) => self.rekey(rekey),
            (_, Value::Forwards(forwards)) => {
                let all = self.values.entry(keyword).or_insert(Value::Forwards(Vec::new()));
                if let Value::Forwards(all) = all {
                    let new =
                        forwards.into_iter().filter(|it| !all.contains(it)).collect::<Vec<_>>();
                    all.extend(new);
                }
            }
            // Of several only the first is kept, in all releases.
            (Keyword::LogVerbose, Value::List(mut words)) => {
                words.truncate(1);
                self.values.entry(keyword).or_insert(Value::List(words));
            }
            // Only one of the two counts, whichever comes first.
            (Keyword::ProxyCommand, _) if self.has(Keyword::ProxyJump) => {}
            (Keyword::ProxyJump, _) if self.has(Keyword::ProxyCommand) => {}
            (Keyword::UserKnownHostsFile | Keyword::GlobalKnownHostsFile, Value::List(files))
                if files.len() > HOSTS_FILES =>
            {
                return Err(Fault::TooMany { keyword, limit: HOSTS_FILES });
            }
            (_, value) => {
                self.values.entry(keyword).or_insert(value);
            }
        }
        Ok(())
    }

    fn name(&mut self, keyword: Keyword, origin: Origin, path: String) -> Result<(), Fault> {
        let all = self.values.entry(keyword).or_insert(Value::List(Vec::new()));
        let Value::List(all) = all else { return Ok(()) };
        if all.len() >= KEYS {
            return Err(Fault::TooMany { keyword, limit: KEYS });
        }
        let name = (keyword, origin, path);
        if !self.named.contains(&name) {
            all.push(name.2.clone());
            self.named.push(name);
        }
        Ok(())
    }

    /// Names add up; `-` and a pattern takes names away again.
    fn send(&mut self, names: Vec<String>) {
        let all = self.values.entry(Keyword::SendEnv).or_insert(Value::List(Vec::new()));
        let Value::List(all) = all else { return };
        for name in names {
            match name.strip_prefix('-') {
                Some(pattern) => all.retain(|it| !pattern::matches(it, pattern)),
                None => all.push(name),
            }
        }
    }

    fn rekey(&mut self, new: Rekey) {
        let rekey = self.values.entry(Keyword::RekeyLimit).or_insert(Value::Rekey(new));
        if let Value::Rekey(rekey) = rekey {
            rekey.seconds = rekey.seconds.or(new.seconds);
        }
    }

    /// Keeps where a keyword was set, unless it was before, or what was said there came to nothing.
    pub(crate) fn mention(&mut self, keyword: Keyword, mention: impl FnOnce() -> Mention) {
        if self.has(keyword) {
            self.mentions.entry(keyword).or_insert_with(mention);
        }
    }

    /// Where a keyword was set first; nothing where it has its default.
    pub(crate) fn mentioned(&self, keyword: Keyword) -> Option<&Mention> {
        self.mentions.get(&keyword)
    }

    /// Whether a keyword has a value.
    pub(crate) fn has(&self, keyword: Keyword) -> bool {
        self.values.contains_key(&keyword)
    }

    /// The value of a keyword.
    pub(crate) fn get(&self, keyword: Keyword) -> Option<&Value> {
        self.values.get(&keyword)
    }

    /// The value of a keyword, to be changed.
    pub(crate) fn get_mut(&mut self, keyword: Keyword) -> Option<&mut Value> {
        self.values.get_mut(&keyword)
    }

    /// Sets a value, whatever was set before.
    pub(crate) fn set(&mut self, keyword: Keyword, value: Value) {
        self.values.insert(keyword, value);
    }

    /// Takes a value away.
    pub(crate) fn remove(&mut self, keyword: Keyword) {
        self.values.remove(&keyword);
    }

    /// A value that is a text.
    pub(crate) fn text(&self, keyword: Keyword) -> Option<&str> {
        match self.get(keyword) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A value that is one of some words.
    pub(crate) fn choice(&self, keyword: Keyword) -> Option<&'static str> {
        match self.get(keyword) {
            Some(Value::Choice(choice)) => Some(choice),
            _ => None,
        }
    }

    /// A value that is a number.
    pub(crate) fn number(&self, keyword: Keyword) -> Option<u32> {
        match self.get(keyword) {
            Some(Value::Number(number) | Value::Seconds(number)) => Some(*number),
            _ => None,
        }
    }

    /// A value that is a list.
    pub(crate) fn list(&self, keyword: Keyword) -> Option<&[String]> {
        match self.get(keyword) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// The last host on the way, where there is one.
    pub(crate) fn jump_host(&self) -> Option<&str> {
        match self.get(Keyword::ProxyJump) {
            Some(Value::Jump(Jump::Over { last, .. })) => Some(&last.host),
            _ => None,
        }
    }

    /// Whether the host is connected to from here, not by a command or over other hosts.
    pub(crate) fn is_direct(&self) -> bool {
        self.jump_host().is_none() && self.text(Keyword::ProxyCommand).is_none_or(is_none)
    }
}

/// Whether a text says that there is nothing.
pub(crate) fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}
