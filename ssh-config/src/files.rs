//! Reads the files and the command line, line by line, and keeps what counts.

use std::io;
use std::path::{Path, PathBuf};

use crate::connection::Connection;
use crate::criteria::{Commands, Pass, Subject};
use crate::error::{Error, Notice, Place, Reason};
use crate::expand;
use crate::fault::Fault;
use crate::forward::{Dynamic, Forward, Side};
use crate::keyword::{Keyword, Meaning};
use crate::line::Line;
use crate::mention::Mention;
use crate::options::{Options, Origin};
use crate::pattern::{self, Found};
use crate::read;
use crate::release::Release;
use crate::request::{Files, Request, Setting};
use crate::value::Value;
use crate::world::World;

/// How deep files may include each other.
const DEPTH: usize = 16;

/// A pass over the files.
pub(crate) struct Reading<'a> {
    pub(crate) request: &'a Request,
    pub(crate) world: &'a dyn World,
    /// What is set so far.
    pub(crate) options: &'a mut Options,
    /// What was passed over.
    pub(crate) notices: &'a mut Vec<Notice>,
    /// The host that `Host` is held against.
    pub(crate) host: &'a str,
    pub(crate) pass: Pass,
    /// Whether a line asks for a second pass.
    pub(crate) wants_final: bool,
}

/// Where a file comes from, and how it is read.
#[derive(Debug, Clone, Copy)]
struct Manner {
    origin: Origin,
    check: Check,
    /// Whether lines that open blocks can make lines count.
    commands: Commands,
    depth: usize,
}

/// Whether others than the user and root may have written a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Writers,
    Nothing,
}

/// Whether lines count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Yes,
    No,
}

impl From<bool> for Count {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Reading<'_> {
    /// Reads what the command line sets.
    ///
    /// # Errors
    /// Where a setting is wrong.
    pub(crate) fn command_line(&mut self) -> Result<(), Error> {
        for setting in &self.request.settings {
            let done = match setting {
                Setting::Line(text) => self.option(text),
                Setting::Word(keyword, text) => {
                    let words = vec![text.clone()];
                    let line = Line { keyword: keyword.to_string(), rest: text, words };
                    self.set(*keyword, line, Count::Yes, Origin::User, &|| Place::CommandLine)
                }
                Setting::Forward(keyword, text) => self.forward(*keyword, text),
            };
            done.map_err(|fault| Error::Line { place: Place::CommandLine, fault })?;
        }
        Ok(())
    }

    /// Reads the files.
    ///
    /// # Errors
    /// Where a file cannot be read, can be written by others, or has a line that is wrong.
    pub(crate) fn files(&mut self) -> Result<(), Error> {
        let manner = Manner {
            origin: Origin::User,
            check: Check::Nothing,
            commands: Commands::Run,
            depth: 0,
        };
        match &self.request.files {
            Files::None => Ok(()),
            Files::Only(path) => self.file(path, Count::Yes, manner),
            Files::Usual => {
                let own = self.world.user().home.join(".ssh/config");
                self.usual(&own, Manner { check: Check::Writers, ..manner })?;
                let system = Manner { origin: Origin::System, ..manner };
                self.usual(Path::new("/etc/ssh/ssh_config"), system)
            }
        }
    }

    /// Reads a file that need not be there.
    fn usual(&mut self, path: &Path, manner: Manner) -> Result<(), Error> {
        match self.file(path, Count::Yes, manner) {
            Err(Error::Unreadable { path: missing, source })
                if missing == path && is_missing(source.kind()) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    /// Reads a file: its first lines count as told, until a line opens a block.
    fn file(&mut self, path: &Path, count: Count, manner: Manner) -> Result<(), Error> {
        let source = match self.world.read(path) {
            Ok(source) => source,
            // To ssh a folder is a file without lines.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Ok(()),
            Err(source) => return Err(Error::Unreadable { path: path.to_owned(), source }),
        };
        if manner.check == Check::Writers && !source.is_trusted_by(self.world.user()) {
            return Err(Error::Writable(path.to_owned()));
        }
        let mut count = count;
        for (before, octets) in source.octets.split(|octet| *octet == b'\n').enumerate() {
            let place = || Place::File { path: path.to_owned(), line: before + 1 };
            self.line(octets, &mut count, manner, &place)?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        octets: &[u8],
        count: &mut Count,
        manner: Manner,
        place: &dyn Fn() -> Place,
    ) -> Result<(), Error> {
        let at = |fault| Error::Line { place: place(), fault };
        let text = match std::str::from_utf8(octets) {
            Ok(text) => text,
            // Comments may be in any encoding.
            Err(_) if octets.trim_ascii_start().starts_with(b"#") => return Ok(()),
            Err(_) => return Err(at(Fault::Encoding)),
        };
        let Some(line) = Line::parse(text).map_err(at)? else { return Ok(()) };
        match Meaning::of(&line.keyword, self.request.release) {
            Some(Meaning::Sets(keyword)) => {
                self.set(keyword, line, *count, manner.origin, place).map_err(at)
            }
            Some(Meaning::Host) => {
                let opens = self.host(&line.words).map_err(at)?;
                *count = Count::from(opens && manner.commands == Commands::Run);
                Ok(())
            }
            Some(Meaning::Match) => {
                let holds = self.criteria(line.words, manner.commands).map_err(at)?;
                *count = Count::from(holds && manner.commands == Commands::Run);
                Ok(())
            }
            Some(Meaning::Include) => self.include(&line.words, *count, manner, place),
            other => {
                let why = self.passed_over(&line.keyword, other).map_err(at)?;
                self.notices.push(Notice { place: place(), keyword: line.keyword, why });
                Ok(())
            }
        }
    }

    /// Why a line that sets nothing is passed over.
    fn passed_over(&self, keyword: &str, meaning: Option<Meaning>) -> Result<Reason, Fault> {
        let ignored = self.options.text(Keyword::IgnoreUnknown).unwrap_or_default();
        match meaning {
            Some(Meaning::Past) => Ok(Reason::Past),
            Some(_) => Ok(Reason::Unsupported),
            None if pattern::host_list(keyword, ignored) == Found::Yes => Ok(Reason::Ignored),
            None => Err(Fault::Unknown(keyword.to_owned())),
        }
    }

    fn set(
        &mut self,
        keyword: Keyword,
        line: Line<'_>,
        count: Count,
        origin: Origin,
        place: &dyn Fn() -> Place,
    ) -> Result<(), Fault> {
        let words = line.rest;
        let value = read::value(keyword, line, self.request, self.world)?;
        match value {
            Some(Value::Text(why))
                if keyword == Keyword::RefuseConnection && count == Count::Yes =>
            {
                Err(Fault::Refused(why))
            }
            Some(value) if count == Count::Yes => {
                self.options.apply(keyword, value, origin)?;
                let mention = || Mention { place: place(), words: words.to_owned() };
                self.options.mention(keyword, mention);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether a `Host` line means the host.
    fn host(&self, patterns: &[String]) -> Result<bool, Fault> {
        let mut found = false;
        for text in patterns {
            if text.is_empty() {
                return Err(Fault::EmptyPattern);
            }
            match text.strip_prefix('!') {
                Some(text) if pattern::matches(self.host, text) => return Ok(false),
                Some(_) => {}
                None => found |= pattern::matches(self.host, text),
            }
        }
        Ok(found)
    }

    /// Whether the criteria of a `Match` line hold.
    fn criteria(&mut self, words: Vec<String>, commands: Commands) -> Result<bool, Fault> {
        let subject = Subject {
            request: self.request,
            options: self.options,
            host: self.host,
            pass: self.pass,
            commands,
            world: self.world,
        };
        let verdict = subject.judge(words)?;
        self.wants_final |= verdict.wants_final;
        Ok(verdict.holds)
    }

    fn include(
        &mut self,
        patterns: &[String],
        count: Count,
        manner: Manner,
        place: &dyn Fn() -> Place,
    ) -> Result<(), Error> {
        let at = |fault| Error::Line { place: place(), fault };
        let commands = if count == Count::Yes { manner.commands } else { Commands::Skip };
        let inner = Manner { check: Check::Writers, commands, depth: manner.depth + 1, ..manner };
        for pattern in patterns {
            for path in self.included(pattern, manner.origin).map_err(at)? {
                if inner.depth > DEPTH {
                    return Err(at(Fault::Depth { path, limit: DEPTH }));
                }
                // Blocks that the file opens end with it.
                self.file(&path, count, inner)?;
            }
        }
        Ok(())
    }

    /// The files that a path of `Include` means.
    fn included(&self, text: &str, origin: Origin) -> Result<Vec<PathBuf>, Fault> {
        let path = self.include_path(text)?;
        if path.is_empty() {
            return Err(Fault::Missing("include".to_owned()));
        }
        if path.starts_with('~') && origin == Origin::System {
            return Err(Fault::HomeOfSystem(path));
        }
        let path = match origin {
            _ if path.starts_with(['/', '~']) => path,
            Origin::User => format!("~/.ssh/{path}"),
            Origin::System => format!("/etc/ssh/{path}"),
        };
        let pattern = expand::home(&path, self.world)?;
        self.world.glob(&pattern).map_err(|why| Fault::Glob { path, why })
    }

    /// Since 9.9 paths have variables and tokens.
    fn include_path(&self, text: &str) -> Result<String, Fault> {
        if self.request.release < Release::V10_0 {
            return Ok(text.to_owned());
        }
        let user = &self.world.user().name;
        let connection = Connection {
            host: self.host,
            original: &self.request.destination.host,
            key_alias: self.options.text(Keyword::HostKeyAlias).unwrap_or(self.host),
            user: self.options.text(Keyword::User).unwrap_or(user),
        };
        let tokens = connection.tokens(self.options, self.request.release, self.world);
        Ok(expand::both(text, &tokens, self.world)?)
    }

    /// A line of `-o`.
    fn option(&mut self, text: &str) -> Result<(), Fault> {
        let Some(line) = Line::parse(text)? else { return Ok(()) };
        match Meaning::of(&line.keyword, self.request.release) {
            Some(Meaning::Sets(keyword)) => {
                self.set(keyword, line, Count::Yes, Origin::User, &|| Place::CommandLine)
            }
            Some(Meaning::Host) => Err(Fault::FilesOnly("Host")),
            Some(Meaning::Match) => Err(Fault::FilesOnly("Match")),
            Some(Meaning::Include) => Err(Fault::FilesOnly("Include")),
            other => {
                let why = self.passed_over(&line.keyword, other)?;
                let keyword = line.keyword;
                self.notices.push(Notice { place: Place::CommandLine, keyword, why });
                Ok(())
            }
        }
    }

    /// A tunnel of `-L`, `-R` or `-D`.
    fn forward(&mut self, keyword: Keyword, text: &str) -> Result<(), Fault> {
        let expanded = expand::variables(text, self.world)?;
        let read = |dynamic, side| Forward::parse(&expanded, dynamic, side, self.world);
        let forward = match keyword {
            Keyword::DynamicForward => read(Dynamic::Yes, Side::Local),
            Keyword::RemoteForward => {
                read(Dynamic::No, Side::Remote).or_else(|| read(Dynamic::Yes, Side::Remote))
            }
            _ => read(Dynamic::No, Side::Local),
        };
        let forward = forward.ok_or_else(|| Fault::Value {
            keyword,
            value: text.to_owned(),
            expected: "[bind:]port or a socket, and host:port or a socket",
        })?;
        self.options.apply(keyword, Value::Forwards(vec![forward]), Origin::User)?;
        let mention = || Mention { place: Place::CommandLine, words: text.to_owned() };
        self.options.mention(keyword, mention);
        Ok(())
    }
}

fn is_missing(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
