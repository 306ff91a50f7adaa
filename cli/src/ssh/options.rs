//! The words of `ssh(1)`: options, destination and command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use adit_forward::target::Target;
use adit_ssh_config::destination::Destination;

use crate::control::order::Order;
use crate::failure::{Exit, Failure};
use crate::open;
use crate::ssh::words::{self, Words};

/// What the words of `ssh(1)` say.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// What sets what a keyword sets.
    pub(super) words: Words,
    /// What is to be done other than to connect.
    pub(super) instead: Option<Instead>,
    /// `-F`.
    pub(super) file: Option<PathBuf>,
    /// `-E`.
    pub(super) log_file: Option<PathBuf>,
    /// `-W`.
    pub(super) stdio: Option<Target>,
    /// `-O`.
    pub(super) control: Option<String>,
    /// `--like`.
    pub(super) like: Option<String>,
    /// `--log`.
    pub(super) log: Option<String>,
    /// `--log-format`.
    pub(super) log_format: Option<String>,
    /// `--background`, which only adit itself says: somebody waits in front.
    pub(super) is_behind: bool,
    /// `--master`, which only adit itself says: the connection is for others.
    pub(super) is_master: bool,
    /// The server.
    pub(super) destination: Option<Destination>,
    /// The command, with spaces between its words.
    pub(super) command: Vec<u8>,
}

/// What is to be done other than to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Instead {
    /// `-G`: the settings are printed.
    Print,
    /// `-Q`: algorithms are listed.
    Query(String),
    /// `-V`: the version is told.
    Version,
    /// `--help`.
    Help,
}

/// The words that are left.
struct Rest {
    words: std::vec::IntoIter<OsString>,
    /// Letters of a word whose first ones were taken.
    letters: Option<Vec<u8>>,
}

/// What comes next.
enum Next {
    Letter(char),
    Long(String),
    /// What follows is no option: it was said so.
    Terminated,
    /// What follows is no option.
    Words,
}

/// An order that ssh knows beside those of adit: to be refused where it is given, not here.
const PROXY: &str = "proxy";

/// Options with a value that set nothing that a keyword sets, or more than that.
const VALUED: &str = "EFOQWo";

impl Options {
    /// Reads them as ssh does: letters may share a word, a value may stand in the same word or
    /// in the next, and options may follow the destination, up to the command.
    ///
    /// # Errors
    /// Where there is no such option, or a value or the destination is missing.
    pub(super) fn parse(words: Vec<OsString>) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut rest = Rest { words: words.into_iter(), letters: None };
        loop {
            match rest.next()? {
                Next::Letter(letter) => options.take(letter, &mut rest)?,
                Next::Long(name) => options.take_long(&name, &mut rest)?,
                end @ (Next::Terminated | Next::Words) => {
                    if options.destination.is_some() {
                        break;
                    }
                    let Some(destination) = rest.words.next() else { break };
                    options.name(text(destination)?)?;
                    if matches!(end, Next::Terminated) {
                        break;
                    }
                }
            }
            // Whoever asks for these wants nothing else.
            let asked = |it: &Instead| *it != Instead::Print;
            if options.instead.as_ref().is_some_and(asked) {
                return Ok(options);
            }
        }
        let command: Vec<OsString> = rest.words.collect();
        options.command = command.join(OsStr::new(" ")).into_vec();
        if options.destination.is_none() {
            return Err(wrong("no destination is named")
                .hint("write [user@]host, or ssh://[user@]host[:port]"));
        }
        let kind = options.words.session_type();
        if kind.as_deref() == Some("subsystem") && options.command.is_empty() {
            return Err(wrong("no subsystem is named").hint("for instance -s host sftp"));
        }
        Ok(options)
    }

    /// Takes the destination. What it says of user and port wins over what follows it.
    fn name(&mut self, text: String) -> Result<(), Failure> {
        let destination = Destination::parse(&text).ok_or_else(|| {
            wrong(&format!("\"{text}\" is no destination"))
                .hint("write [user@]host, or ssh://[user@]host[:port]")
        })?;
        if let Some(user) = &destination.user {
            self.words.value('l', user.clone())?;
        }
        if let Some(port) = destination.port {
            self.words.value('p', port.to_string())?;
        }
        self.destination = Some(destination);
        Ok(())
    }

    fn take(&mut self, letter: char, rest: &mut Rest) -> Result<(), Failure> {
        if words::takes_value(letter) || VALUED.contains(letter) {
            let value = rest.value(letter)?;
            return self.set(letter, value);
        }
        match letter {
            '1' => return Err(wrong("version 1 of the protocol is not supported any more")),
            '2' => {}
            'G' => self.instead = Some(Instead::Print),
            'V' => self.instead = Some(Instead::Version),
            'N' | 's' => self.words.kind(letter)?,
            'v' | 'q' => self.words.log(letter),
            // It would have messages go to the log of the system.
            'y' => {}
            _ if words::is_flag(letter) => self.words.flag(letter),
            _ => return Err(unknown(letter)),
        }
        Ok(())
    }

    fn set(&mut self, letter: char, value: OsString) -> Result<(), Failure> {
        match letter {
            'E' => self.log_file = Some(value.into()),
            'F' => self.file = Some(value.into()),
            'W' if self.stdio.is_some() => return Err(wrong("-W may be given once only")),
            'W' if self.control.is_some() => return Err(wrong("-W and -O do not go together")),
            'W' => {
                self.words.kind(letter)?;
                let target = open::specs("-W", &[text(value)?])?;
                self.stdio = target.into_iter().next();
            }
            'O' if self.stdio.is_some() => return Err(wrong("-W and -O do not go together")),
            'O' => {
                let command = text(value)?;
                if command != PROXY {
                    command.parse::<Order>()?;
                }
                self.control = Some(command);
            }
            'Q' => self.instead = Some(Instead::Query(text(value)?)),
            'o' => self.words.line(text(value)?),
            _ => self.words.value(letter, text(value)?)?,
        }
        Ok(())
    }

    fn take_long(&mut self, name: &str, rest: &mut Rest) -> Result<(), Failure> {
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        let mut value = || match value.clone() {
            Some(value) => Ok(value),
            None => rest.words.next().map_or_else(|| Err(missing(&format!("-{name}"))), text),
        };
        match name {
            "background" => self.is_behind = true,
            "master" => self.is_master = true,
            "help" => self.instead = Some(Instead::Help),
            "version" => self.instead = Some(Instead::Version),
            "like" => self.like = Some(value()?),
            "log" => self.log = Some(value()?),
            "log-format" => self.log_format = Some(value()?),
            _ => return Err(unknown('-')),
        }
        Ok(())
    }
}

impl Rest {
    fn next(&mut self) -> Result<Next, Failure> {
        if let Some(letters) = self.letters.take() {
            return Ok(self.letter(&letters));
        }
        let Some(word) = self.words.as_slice().first() else { return Ok(Next::Words) };
        let Some(letters) = word.as_bytes().strip_prefix(b"-").filter(|it| !it.is_empty()) else {
            return Ok(Next::Words);
        };
        let letters = letters.to_vec();
        self.words.next();
        Ok(match letters.strip_prefix(b"-") {
            Some(b"") => Next::Terminated,
            Some(long) => Next::Long(String::from_utf8_lossy(long).into_owned()),
            None => self.letter(&letters),
        })
    }

    /// The first of these letters; the others are kept.
    fn letter(&mut self, letters: &[u8]) -> Next {
        let Some((first, others)) = letters.split_first() else { return Next::Words };
        self.letters = Some(others.to_vec()).filter(|it| !it.is_empty());
        Next::Letter(char::from(*first))
    }

    /// The value of an option: what is left of the word, or the next one.
    fn value(&mut self, letter: char) -> Result<OsString, Failure> {
        match self.letters.take() {
            Some(rest) => Ok(OsString::from_vec(rest)),
            None => self.words.next().ok_or_else(|| missing(&letter.to_string())),
        }
    }
}

fn text(word: OsString) -> Result<String, Failure> {
    word.into_string().map_err(|word| wrong(&format!("\"{}\" is not utf-8", word.display())))
}

fn missing(option: &str) -> Failure {
    wrong(&format!("the option -{option} needs a value"))
}

fn unknown(letter: char) -> Failure {
    wrong(&format!("there is no option -{letter}")).hint("adit ssh --help tells all")
}

fn wrong(cause: &str) -> Failure {
    Failure::new(Exit::Usage, cause)
}
