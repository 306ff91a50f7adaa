//! A folder with a configuration, and a gateway that goes by it.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use adit_tests::footprint::Footprint;
use adit_tests::keys::{Keys, Type};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A rule that allows to open everything.
pub(crate) const ALL: &str = "[[rule]]\nname = \"all\"\naction = \"allow\"\n";

/// A folder with a configuration, a host key, and the key of a user, `ann`.
pub(crate) struct House {
    folder: TempDir,
}

/// A gateway that runs, ended with the test.
pub(crate) struct Gateway {
    child: Child,
    stderr: Box<dyn BufRead + Send>,
    pub(crate) address: SocketAddr,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["host", "ann"] {
            Keys::generate(folder.path(), name, Type::Ed25519);
        }
        let house = Self { folder };
        house.configure(ALL);
        house
    }

    pub(crate) fn at(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.at().join(name).display().to_string()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at().join(name)).unwrap()
    }

    /// The flow log, which is whole when the gateway has ended: it has a thread of its own.
    pub(crate) fn flows(&self, gateway: Gateway) -> String {
        gateway.signal(Signal::TERM);
        assert_eq!(gateway.end(), 0);
        self.read("flow.jsonl")
    }

    /// Writes the configuration, in which `ann` has her key, with more after that. What whoever runs
    /// the tests has shells do is no part of them: her home is this folder.
    pub(crate) fn configure(&self, more: &str) {
        self.configure_key(&self.home(), more);
    }

    /// The option of a key by which this folder is the home of what is run for it.
    pub(crate) fn home(&self) -> String {
        format!("environment=\"HOME={}\"", self.at().display())
    }

    /// As [`Self::configure`], with these options before her key.
    pub(crate) fn configure_key(&self, options: &str, more: &str) {
        let text = format!(
            "listen = [\"127.0.0.1:0\"]\nhost-keys = [\"host\"]\nflow-log = \"flow.jsonl\"\n\
             stop-grace = \"20s\"\n[[user]]\nname = \"ann\"\nkeys = ['''{options} {}''']\n{more}",
            self.read("ann.pub").trim_end(),
        );
        // Another process must not read a half of it.
        fs::write(self.at().join("new"), text).unwrap();
        fs::rename(self.at().join("new"), self.at().join("adit-serve.toml")).unwrap();
    }

    pub(crate) fn serve(&self) -> Gateway {
        Gateway::start(adit(&["serve", "--config", &self.path("adit-serve.toml")]))
    }

    /// The machine's `ssh` with a key of this folder, and with no words yet on what to do.
    pub(crate) fn ssh(&self, gateway: &Gateway, key: &str) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-p", &gateway.address.port().to_string()]);
        command.args(["-i", &self.path(key)]);
        for option in [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=accept-new",
            "GlobalKnownHostsFile=none",
            "ExitOnForwardFailure=yes",
        ] {
            command.args(["-o", option]);
        }
        command.args(["-o", &format!("UserKnownHostsFile={}", self.path("known_hosts"))]);
        command.env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
        command
    }
}

impl Gateway {
    /// What these words start.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = Box::new(BufReader::new(child.stderr.take().unwrap()));
        let mut gateway = Self { child, stderr, address: ([0, 0, 0, 0], 0).into() };
        gateway.address = gateway.expect("listening on ").parse().unwrap();
        gateway
    }

    /// Waits for a line with these words, and yields what follows them.
    pub(crate) fn expect(&mut self, words: &str) -> String {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let len = self.stderr.read_line(&mut line).unwrap();
            said.push_str(&line);
            assert!(len > 0, "it ended before it said \"{words}\":\n{said}");
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Reads all that it says from now on, which is more than a pipe has room for, and forgets it.
    pub(crate) fn drain(&mut self) {
        let mut stderr = std::mem::replace(&mut self.stderr, Box::new(io::empty()));
        thread::spawn(move || io::copy(&mut stderr, &mut io::sink()));
    }

    /// What its process holds.
    pub(crate) fn footprint(&self) -> Footprint {
        Footprint::of(self.child.id())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end, and yields the exit code.
    pub(crate) fn end(mut self) -> i32 {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program.
pub(crate) fn adit(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.args(words).env_remove("SSH_AUTH_SOCK").env_remove("ADIT_LOG").stdin(Stdio::null());
    command
}

/// What a program says, and how it ends: the code, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// A service that says hello and ends.
pub(crate) fn hello() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // Whoever connected may have gone.
            let _ = stream.unwrap().write_all(b"hello");
        }
    });
    address
}
