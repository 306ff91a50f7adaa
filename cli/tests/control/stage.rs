//! A server, and a master of a connection to it.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::adit::{Adit, Left, PATIENCE, command, run};
use crate::server::{Server, settings, user};

/// A server, and a place for the socket of a master.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) socket: String,
}

impl Stage {
    /// The machine's `sshd`.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// The machine's `sshd` with these lines of configuration.
    pub(crate) fn with(extra: &str) -> Self {
        let server = Server::sshd(&format!("MaxSessions 100\n{extra}"));
        std::fs::write(server.file("known_hosts"), server.known()).unwrap();
        let socket = server.file("master");
        Self { server, socket }
    }

    /// The words of `ssh(1)` with these options before all others, and this command.
    pub(crate) fn words(&self, options: &[&str], command: &[&str]) -> Vec<String> {
        let mut words: Vec<String> = options.iter().map(|it| (*it).to_owned()).collect();
        words.extend(
            ["-F", "none", "-S", &self.socket, "-i", &self.server.file("user")].map(str::to_owned),
        );
        words.extend(settings(&self.server.file("known_hosts")));
        words.extend(["-p".to_owned(), self.server.address.port().to_string()]);
        words.push(format!("{}@127.0.0.1", user()));
        words.extend(command.iter().map(|it| (*it).to_owned()));
        words
    }

    /// A call of `adit ssh`.
    pub(crate) fn ssh(&self, options: &[&str], words: &[&str]) -> Command {
        command(&[&["ssh".to_owned()][..], &self.words(options, words)].concat())
    }

    /// A call of `adit ssh` to its end.
    pub(crate) fn run(&self, options: &[&str], words: &[&str], input: &[u8]) -> Left {
        run(self.ssh(options, words), input)
    }

    /// An order to the master.
    pub(crate) fn order(&self, order: &str, more: &[&str]) -> Left {
        self.run(&[&["-O", order], more].concat(), &[], b"")
    }

    /// A master without a session, which is there when this returns.
    pub(crate) fn master(&self, more: &[&str]) -> Adit {
        let master = Adit::start(self.ssh(&[&["-M", "-N"], more].concat(), &[]));
        self.wait_for_socket();
        master
    }

    /// Waits until a master listens. It is made where nobody finds it before, so there is no
    /// event to wait for.
    pub(crate) fn wait_for_socket(&self) {
        wait_until("there is no master", || UnixStream::connect(&self.socket).is_ok());
    }
}

/// Waits for something that does not tell when it happens.
pub(crate) fn wait_until(complaint: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < PATIENCE, "{complaint}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// An address where nobody listens yet.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}
