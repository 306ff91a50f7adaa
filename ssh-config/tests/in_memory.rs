//! Settings in a world without a machine.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where it cannot go on"
)]

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use adit_ssh_config::config::Config;
use adit_ssh_config::destination::Destination;
use adit_ssh_config::error::{Error, Reason};
use adit_ssh_config::fault::{Expansion, Fault};
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::{Request, Setting};
use adit_ssh_config::world::{Source, User, World, Writers};
use proptest::prelude::*;

/// Files, and an address.
struct Memory {
    user: User,
    files: BTreeMap<PathBuf, Source>,
}

impl Memory {
    fn new(config: &[u8]) -> Self {
        let user = User { name: "me".to_owned(), id: 1000, home: "/home/me".into() };
        let source = Source { octets: config.to_vec(), owner: 1000, writers: Writers::Owner };
        Self { user, files: BTreeMap::from([("/home/me/.ssh/config".into(), source)]) }
    }

    fn source(&mut self) -> &mut Source {
        self.files.get_mut(Path::new("/home/me/.ssh/config")).unwrap()
    }
}

impl World for Memory {
    fn user(&self) -> &User {
        &self.user
    }
    fn home_of(&self, _: &str) -> Option<PathBuf> {
        None
    }
    fn host_name(&self) -> String {
        "box".to_owned()
    }
    fn variable(&self, name: &str) -> Option<String> {
        (name == "SET").then(|| "%h".to_owned())
    }
    fn read(&self, path: &Path) -> io::Result<Source> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn glob(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        Ok(self.files.keys().filter(|path| **path == *pattern).cloned().collect())
    }
    fn execute(&self, _: &str) -> io::Result<i32> {
        Err(io::Error::other("there is no shell"))
    }
    fn resolve(&self, _: &str) -> Option<String> {
        None
    }
    fn local_addresses(&self) -> io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([192, 0, 2, 7])])
    }
    fn service(&self, _: &str) -> Option<u16> {
        None
    }
}

fn request() -> Request {
    Request::new(Destination::parse("web").unwrap())
}

fn read(config: &str) -> Result<Config, Error> {
    Config::read(&request(), &Memory::new(config.as_bytes()))
}

#[test]
fn networks_of_this_host_are_matched() {
    let config = read("Match localnetwork 192.0.2.0/24\n Port 1\nMatch all\n Port 2\n").unwrap();
    assert_eq!(config.port(), 1);
    let config = read("Match !localnetwork 192.0.2.0/24\n Port 1\nMatch all\n Port 2\n").unwrap();
    assert_eq!(config.port(), 2);
}

#[test]
fn paths_of_keys_are_expanded_when_they_are_asked_for() {
    let world = Memory::new(b"IdentityFile ~/.ssh/%h-${SET}\nHostName %h.example\n");
    let config = Config::read(&request(), &world).unwrap();
    let path = &config.list(Keyword::IdentityFile)[0];
    assert_eq!(path, "~/.ssh/%h-${SET}");
    // What a variable holds is not looked into again.
    let expanded = config.expanded(Keyword::IdentityFile, path, &world).unwrap();
    assert_eq!(expanded, "/home/me/.ssh/web.example-%h");
    let refused = config.expanded(Keyword::ProxyCommand, "nc %d", &world).unwrap_err();
    assert!(matches!(refused, Error::Expansion { fault: Expansion::Token('d'), .. }), "{refused}");
}

#[test]
fn comments_may_be_in_any_encoding() {
    let mut world = Memory::new(b"# caf\xe9\nPort 3\n");
    assert_eq!(Config::read(&request(), &world).unwrap().port(), 3);
    world.source().octets = b"Port 3\nUser caf\xe9\n".to_vec();
    let refused = Config::read(&request(), &world).unwrap_err();
    assert_eq!(refused.to_string(), "/home/me/.ssh/config line 2: the line is not UTF-8");
}

#[test]
fn a_file_that_others_can_change_is_refused() {
    let mut world = Memory::new(b"Port 3\n");
    world.source().owner = 0;
    assert!(Config::read(&request(), &world).is_ok());
    world.source().owner = 1001;
    assert!(matches!(Config::read(&request(), &world), Err(Error::Writable(_))));
    world.source().owner = 1000;
    world.source().writers = Writers::Others;
    assert!(matches!(Config::read(&request(), &world), Err(Error::Writable(_))));
}

#[test]
fn what_is_passed_over_is_told_once() {
    let text =
        "IgnoreUnknown Fnord\nFnord x\nCipher y\nRSAAuthentication z\nMatch final\n Port 1\n";
    let config = read(text).unwrap();
    let told: Vec<_> = config.notices().iter().map(|notice| notice.why).collect();
    assert_eq!(told, [Reason::Ignored, Reason::Past, Reason::Unsupported]);
    let told = config.notices()[2].to_string();
    assert_eq!(told, "/home/me/.ssh/config line 4: RSAAuthentication is not supported");
}

#[test]
fn a_command_that_cannot_be_run_is_an_error() {
    let refused = read("Match exec \"test %h\"\n").unwrap_err();
    assert!(matches!(refused, Error::Line { fault: Fault::Exec { .. }, .. }), "{refused}");
    // Where the lines before do not count, nor do criteria, nothing is run.
    assert!(read("Match host other exec true\n").is_ok());
    assert!(read("Host other\n Include config.d\nHost *\n").is_ok());
}

#[test]
fn words_of_the_command_line_keep_their_characters() {
    let mut request = request();
    let path = "a \"b\" #c";
    request.settings = vec![Setting::Word(Keyword::IdentityFile, path.to_owned())];
    let config = Config::read(&request, &Memory::new(b"")).unwrap();
    assert_eq!(config.list(Keyword::IdentityFile), [path]);
}

/// Lines made of what files are made of, which get further than arbitrary bytes.
fn lines() -> impl Strategy<Value = String> {
    let keyword = prop::sample::select(Keyword::ALL).prop_map(|keyword| keyword.to_string());
    let keyword =
        prop_oneof![8 => keyword, 1 => Just("Host".to_owned()), 1 => Just("Match".to_owned())];
    let value = prop_oneof![
        "[ -~]{0,12}",
        "[0-9a-z:/,.%\\[\\]@+^*!-]{0,12}",
        prop::sample::select(vec!["yes", "no", "none", "*", "all", "final", "1:a:2", "user *"])
            .prop_map(str::to_owned),
    ];
    let line = (keyword, value).prop_map(|(keyword, value)| format!("{keyword} {value}\n"));
    prop::collection::vec(line, 0..4).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn no_bytes_end_the_program(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Config::read(&request(), &Memory::new(&octets)).map(|it| it.to_string());
    }

    #[test]
    fn no_lines_end_the_program(text in lines()) {
        let _ = read(&text).map(|it| it.to_string());
    }
}
