//! Cases: files, and command lines of ssh that read them.

use std::fs;
use std::path::Path;

use adit_ssh_config::destination::Destination;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::{Files, Request, Session, Setting};

use crate::rooted::HOME;

/// Files, and command lines that read them.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) files: Vec<File>,
    /// The words after `ssh -G`.
    pub(crate) runs: Vec<Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct File {
    /// Below `~/`, `/etc/ssh/`, or `/etc/hosts`.
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) text: String,
}

/// All cases of `tests/cases`: a case begins with `== name`, a file with `-- path` and perhaps its
/// mode, and `$` is a command line. `<tab>`, `<space>` and `<home>` stand for what they say.
pub(crate) fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| parse(&fs::read_to_string(path).unwrap())).collect()
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: name.to_owned(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with its name");
        if let Some(file) = line.strip_prefix("-- ") {
            let (path, mode) = match file.rsplit_once(' ') {
                Some((path, mode)) if mode.chars().all(|it| it.is_ascii_digit()) => (path, mode),
                _ => (file, "644"),
            };
            let mode = u32::from_str_radix(mode, 8).unwrap();
            case.files.push(File { path: path.to_owned(), mode, text: String::new() });
        } else if let Some(words) = line.strip_prefix("$ ") {
            case.runs.push(split(words));
        } else if let Some(file) = case.files.last_mut().filter(|_| case.runs.is_empty()) {
            let line = line.replace("<tab>", "\t").replace("<space>", " ");
            file.text.push_str(&line.replace("<home>", HOME));
            file.text.push('\n');
        }
    }
    cases
}

/// Words with blanks between, or in double quotes.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in text.split('"').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// What a command line of ssh asks for; nothing where its destination is none.
pub(crate) fn request(words: &[String], home: &Path) -> Option<Request> {
    let mut words = words.iter();
    let mut settings = Vec::new();
    let mut files = Files::Usual;
    let mut session = Session::Shell;
    let destination = loop {
        let word = words.next().expect("a destination");
        let mut value = || words.next().expect("a value").clone();
        match word.as_str() {
            "-o" => settings.push(Setting::Line(value())),
            "-p" => settings.push(Setting::Word(Keyword::Port, value())),
            "-l" => settings.push(Setting::Word(Keyword::User, value())),
            "-J" => settings.push(Setting::Word(Keyword::ProxyJump, value())),
            "-L" => settings.push(Setting::Forward(Keyword::LocalForward, value())),
            "-R" => settings.push(Setting::Forward(Keyword::RemoteForward, value())),
            "-D" => settings.push(Setting::Forward(Keyword::DynamicForward, value())),
            "-N" => {
                settings.push(Setting::Line("SessionType=none".to_owned()));
                settings.push(Setting::Line("RequestTTY=no".to_owned()));
                session = Session::None;
            }
            "-W" => {
                value();
                settings.push(Setting::Line("SessionType=none".to_owned()));
                settings.push(Setting::Line("RequestTTY=no".to_owned()));
                session = Session::Stdio;
            }
            "-F" => {
                files = match value().as_str() {
                    "none" => Files::None,
                    path => Files::Only(path.replace('~', &home.to_string_lossy()).into()),
                }
            }
            destination => break destination,
        }
    };
    let command: Vec<_> = words.cloned().collect();
    if !command.is_empty() {
        session = Session::Command(command.join(" "));
    }
    let mut request = Request::new(Destination::parse(destination)?);
    request.settings = settings;
    request.files = files;
    request.session = session;
    Some(request)
}
