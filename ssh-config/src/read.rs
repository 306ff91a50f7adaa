//! From the words of a line to the value of its keyword.

use std::collections::VecDeque;

use crate::algorithms::Kind;
use crate::expand;
use crate::fault::Fault;
use crate::forward::{Dynamic, Forward, Side};
use crate::jump::Jump;
use crate::keyword::Keyword;
use crate::line::Line;
use crate::number;
use crate::qos::{Qos, Service};
use crate::release::Release;
use crate::request::Request;
use crate::syntax::{self, Choices, FLAG, KEYS_TO_AGENT, Syntax};
use crate::value::{Alias, Device, Escape, KeysToAgent, Persist, Rekey, Value};
use crate::world::World;

/// Reads the value of a keyword; yields nothing where the line is good but sets nothing.
///
/// # Errors
/// Where the keyword does not take what the line says.
pub(crate) fn value(
    keyword: Keyword,
    line: Line<'_>,
    request: &Request,
    world: &dyn World,
) -> Result<Option<Value>, Fault> {
    let words = line.words.into();
    let mut reader = Reader { keyword, rest: line.rest, words, request, world };
    let value = reader.value(keyword.syntax())?;
    match reader.words.pop_front() {
        Some(word) => Err(Fault::Extra { keyword: keyword.to_string(), word }),
        None => Ok(value),
    }
}

struct Reader<'a> {
    keyword: Keyword,
    rest: &'a str,
    words: VecDeque<String>,
    request: &'a Request,
    world: &'a dyn World,
}

impl Reader<'_> {
    fn value(&mut self, syntax: Syntax) -> Result<Option<Value>, Fault> {
        let value = match syntax {
            Syntax::Choice(choices) => self.choice(choices)?,
            Syntax::Time => return self.time(),
            Syntax::Number => Value::Number(self.parsed("a number", number::plain)?),
            Syntax::Port => Value::Number(self.port()?),
            Syntax::Text => Value::Text(self.word()?),
            Syntax::Command => self.command(),
            Syntax::Algorithms(kind) => self.algorithms(kind)?,
            Syntax::Files => Value::List(self.list(|_| true, "words, or none alone")?),
            Syntax::Domains => Value::List(self.domains()?),
            Syntax::Aliases => Value::Aliases(self.aliases()?),
            Syntax::LocalForward => self.forward(Dynamic::No, Side::Local)?,
            Syntax::RemoteForward => self.forward(Dynamic::No, Side::Remote)?,
            Syntax::DynamicForward => self.forward(Dynamic::Yes, Side::Local)?,
            Syntax::RemoteOpen => self.remote_open()?,
            Syntax::SendEnv => Value::List(self.names()?),
            Syntax::SetEnv => Value::List(self.variables()?),
            Syntax::ChannelTimeout => {
                Value::List(self.list(is_channel_timeout, "type=time, or none alone")?)
            }
            Syntax::KeystrokeTiming => self.keystroke_timing()?,
            Syntax::Revoked => self.revoked()?,
            Syntax::KeysToAgent => self.keys_to_agent()?,
            Syntax::ForwardAgent => {
                let word = self.word()?;
                match syntax::choose(FLAG, &word) {
                    Some(choice) => Value::Choice(choice),
                    None => self.socket(word)?,
                }
            }
            Syntax::Agent => {
                let word = self.word()?;
                self.socket(word)?
            }
            Syntax::Device => Value::Device(self.parsed("any, a number or two of them", device)?),
            Syntax::Persist => Value::Persist(self.parsed("yes, no or a time", persist)?),
            Syntax::Escape => {
                Value::Escape(self.parsed("a character, ^ and a letter, or none", escape)?)
            }
            Syntax::Qos => self.qos()?,
            Syntax::Rekey => self.rekey()?,
            Syntax::Mask => Value::Mask(self.parsed("a mask in octal up to 0777", number::mask)?),
            Syntax::Jump => self.jump()?,
        };
        Ok(Some(value))
    }

    /// The next word, which must not be empty.
    fn word(&mut self) -> Result<String, Fault> {
        let word = self.words.pop_front().filter(|word| !word.is_empty());
        word.ok_or_else(|| Fault::Missing(self.keyword.to_string()))
    }

    fn refuse(&self, value: impl Into<String>, expected: &'static str) -> Fault {
        Fault::Value { keyword: self.keyword, value: value.into(), expected }
    }

    fn parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Fault> {
        let word = self.word()?;
        parse(&word).ok_or_else(|| self.refuse(word, expected))
    }

    fn choice(&mut self, choices: Choices) -> Result<Value, Fault> {
        self.parsed(syntax::expected(choices), |word| syntax::choose(choices, word))
            .map(Value::Choice)
    }

    fn time(&mut self) -> Result<Option<Value>, Fault> {
        let parse = |word: &str| match word {
            "none" => Some(None),
            _ => number::seconds(word).map(Some),
        };
        let seconds = self.parsed("a time, for instance 30, 90s or 1h30m, or none", parse)?;
        Ok(seconds.map(Value::Seconds))
    }

    fn port(&mut self) -> Result<u32, Fault> {
        let world = self.world;
        let port = |word: &str| number::port(word).or_else(|| world.service(word));
        self.parsed("a port from 1 to 65535", |word| port(word).filter(|it| *it != 0))
            .map(u32::from)
    }

    /// The rest of the line, quotes and all.
    fn command(&mut self) -> Value {
        self.words.clear();
        Value::Text(self.rest.trim_start_matches(AFTER_KEYWORD).to_owned())
    }

    fn algorithms(&mut self, kind: Kind) -> Result<Value, Fault> {
        let word = self.word()?;
        match self.request.algorithms.list(kind) {
            Some(list) if !list.admits(&word, kind) => {
                Err(self.refuse(word, "algorithms, with commas between"))
            }
            _ => Ok(Value::Text(word)),
        }
    }

    /// All words, or `none` alone. Each must be good.
    fn list(
        &mut self,
        good: impl Fn(&str) -> bool,
        expected: &'static str,
    ) -> Result<Vec<String>, Fault> {
        let words: Vec<String> = self.words.drain(..).collect();
        let none = |word: &String| word.eq_ignore_ascii_case("none");
        if words.is_empty() {
            return Err(Fault::Missing(self.keyword.to_string()));
        }
        if words.len() > 1 && words.iter().any(none) {
            return Err(self.refuse("none", expected));
        }
        match words.iter().find(|word| word.is_empty() || !none(word) && !good(word)) {
            Some(bad) => Err(self.refuse(bad, expected)),
            None => Ok(words),
        }
    }

    fn domains(&mut self) -> Result<Vec<String>, Fault> {
        let domains = self.list(is_domain, "names of domains, or none alone")?;
        let plain = |name: String| name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase();
        Ok(domains.into_iter().map(plain).collect())
    }

    fn aliases(&mut self) -> Result<Vec<Alias>, Fault> {
        let good =
            |word: &str| word == "*" || word.split_once(':').is_some_and(|(_, to)| !to.is_empty());
        let words = self.list(good, "pairs of patterns like *.a.example:*.b.example, or none")?;
        let pair = |word: String| match word.to_ascii_lowercase().split_once(':') {
            Some((from, to)) => Alias { from: from.to_owned(), to: to.to_owned() },
            None => Alias { from: word.clone(), to: word },
        };
        let pairs = words.into_iter().filter(|word| !word.eq_ignore_ascii_case("none"));
        Ok(pairs.map(pair).collect())
    }

    fn forward(&mut self, dynamic: Dynamic, side: Side) -> Result<Value, Fault> {
        let listen = self.word()?;
        let target = match (dynamic, side) {
            (Dynamic::Yes, _) => None,
            (Dynamic::No, Side::Remote) => self.words.pop_front().filter(|it| !it.is_empty()),
            (Dynamic::No, Side::Local) => Some(self.word()?),
        };
        let (text, dynamic) = match target {
            Some(target) => (format!("{listen}:{target}"), Dynamic::No),
            None => (listen, Dynamic::Yes),
        };
        let expanded = expand::variables(&text, self.world)?;
        Forward::parse(&expanded, dynamic, side, self.world)
            .map(|forward| Value::Forwards(vec![forward]))
            .ok_or_else(|| self.refuse(text, "[bind:]port or a socket, and host:port or a socket"))
    }

    fn remote_open(&mut self) -> Result<Value, Fault> {
        let world = self.world;
        let port = |text: &str| {
            text == "*"
                || number::port(text).or_else(|| world.service(text)).is_some_and(|it| it > 0)
        };
        let expected = "targets as host:port, or any or none alone";
        let good = |word: &str| {
            word.eq_ignore_ascii_case("any")
                || word.rsplit_once(':').is_some_and(|(host, at)| !host.is_empty() && port(at))
        };
        let words = self.list(good, expected)?;
        if words.len() > 1 && words.iter().any(|word| word.eq_ignore_ascii_case("any")) {
            return Err(self.refuse("any", expected));
        }
        Ok(Value::List(words))
    }

    fn names(&mut self) -> Result<Vec<String>, Fault> {
        let words: Vec<String> = self.words.drain(..).collect();
        if words.is_empty() {
            return Err(Fault::Missing(self.keyword.to_string()));
        }
        match words.iter().find(|word| word.is_empty() || word.contains('=')) {
            Some(bad) => Err(self.refuse(bad, "names of variables")),
            None => Ok(words),
        }
    }

    fn variables(&mut self) -> Result<Vec<String>, Fault> {
        let mut variables: Vec<String> = Vec::new();
        for word in self.words.drain(..) {
            let Some((name, _)) = word.split_once('=') else {
                return Err(Fault::Value {
                    keyword: self.keyword,
                    value: word,
                    expected: "variables as NAME=value",
                });
            };
            let same = |it: &String| it.split_once('=').is_some_and(|(its, _)| its == name);
            if !variables.iter().any(same) {
                variables.push(word);
            }
        }
        if variables.is_empty() {
            return Err(Fault::Missing(self.keyword.to_string()));
        }
        Ok(variables)
    }

    fn keystroke_timing(&mut self) -> Result<Value, Fault> {
        let milliseconds = |word: &str| match word {
            "yes" | "true" => Some("yes".to_owned()),
            "no" | "false" => Some("no".to_owned()),
            _ => {
                let number = number::plain(word.strip_prefix("interval:")?)?;
                let told = if number == 20 { "yes".to_owned() } else { number.to_string() };
                (1..=1000).contains(&number).then_some(told)
            }
        };
        self.parsed("yes, no or interval:milliseconds", milliseconds).map(Value::Text)
    }

    /// Files, of which releases before 10.6 take one only.
    fn revoked(&mut self) -> Result<Value, Fault> {
        match self.request.release >= Release::V10_6 {
            true => Ok(Value::List(self.list(|_| true, "files, or none alone")?)),
            false => Ok(Value::List(vec![self.word()?])),
        }
    }

    fn keys_to_agent(&mut self) -> Result<Value, Fault> {
        let expected = "yes, no, ask, confirm, a time, or confirm and a time";
        let word = self.word()?;
        let time = self.words.pop_front();
        let seconds = |text: &str| number::seconds(text).ok_or_else(|| self.refuse(text, expected));
        let value = match (syntax::choose(KEYS_TO_AGENT, &word), time) {
            (Some("confirm"), Some(time)) => {
                KeysToAgent { mode: "confirm", seconds: seconds(&time)? }
            }
            (Some(mode), None) => KeysToAgent { mode, seconds: 0 },
            (None, None) => KeysToAgent { mode: "true", seconds: seconds(&word)? },
            (_, Some(time)) => return Err(self.refuse(time, expected)),
        };
        Ok(Value::KeysToAgent(value))
    }

    /// The path of an agent's socket, in which variables are set, or `$NAME`.
    fn socket(&self, word: String) -> Result<Value, Fault> {
        expand::variables(&word, self.world)?;
        let name = word.strip_prefix('$').filter(|name| !name.starts_with('{'));
        match name {
            Some(name) if !expand::is_name(name) => {
                Err(self.refuse(word, "a path, SSH_AUTH_SOCK, $NAME or none"))
            }
            _ => Ok(Value::Text(word)),
        }
    }

    fn qos(&mut self) -> Result<Value, Fault> {
        // These say nothing any more: networks take them for DSCP classes.
        let old = ["lowdelay", "throughput", "reliability"];
        let newer = self.request.release >= Release::V10_0;
        let service = |word: &str| match old.contains(&word.to_ascii_lowercase().as_str()) {
            true if newer => Some(Service::System),
            _ => Service::parse(word, self.request.release),
        };
        let expected = "one or two names or numbers of types of service";
        let interactive = self.parsed(expected, service)?;
        let bulk = match self.words.is_empty() {
            true => interactive,
            false => self.parsed(expected, service)?,
        };
        Ok(Value::Qos(Qos { interactive, bulk }))
    }

    fn rekey(&mut self) -> Result<Value, Fault> {
        let bytes = self.parsed("bytes, of which 16 at least, or default", Rekey::parse_bytes)?;
        let seconds = match self.words.is_empty() {
            true => None,
            false => self.parsed("a time or none after the bytes", Rekey::parse_seconds)?,
        };
        Ok(Value::Rekey(Rekey { bytes: Some(bytes), seconds }))
    }

    fn jump(&mut self) -> Result<Value, Fault> {
        self.words.clear();
        let text = self.rest.trim_start_matches(AFTER_KEYWORD);
        Jump::parse(text)
            .map(Value::Jump)
            .ok_or_else(|| self.refuse(text, "hosts as [user@]host[:port], with commas between"))
    }
}

/// What may stand between a keyword and the rest of its line.
const AFTER_KEYWORD: [char; 5] = [' ', '\t', '\r', '\n', '='];

fn is_domain(text: &str) -> bool {
    let good = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
    let first = |it: char| it.is_ascii_alphanumeric() || it == '_';
    text.starts_with(first) && text.chars().all(good) && !text.contains("..")
}

fn is_channel_timeout(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(kind, time)| !kind.is_empty() && number::seconds(time).is_some())
}

fn device(text: &str) -> Option<Device> {
    let number = |text: &str| match text.eq_ignore_ascii_case("any") {
        true => Some(None),
        false => number::plain(text).map(Some),
    };
    let (local, remote) = text.split_once(':').unwrap_or((text, "any"));
    Some(Device { local: number(local)?, remote: number(remote)? })
}

fn persist(text: &str) -> Option<Persist> {
    match text {
        "no" | "false" => Some(Persist::No),
        "yes" | "true" => Some(Persist::Yes),
        _ => number::seconds(text).map(Persist::Seconds),
    }
}

fn escape(text: &str) -> Option<Escape> {
    match text.as_bytes() {
        b"none" => Some(Escape::None),
        [octet] => Some(Escape::Octet(*octet)),
        [b'^', letter @ 64..=127] => Some(Escape::Octet(letter & 31)),
        _ => None,
    }
}
