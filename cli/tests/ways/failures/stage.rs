//! Where a failure is brought about.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::server::{Server, keygen, user};

/// Where a failure is brought about: servers and files that last as long as it, and plain names
/// for what is different each time.
pub(super) struct Stage {
    folder: TempDir,
    names: Vec<(String, &'static str)>,
    servers: Vec<Server>,
    listeners: Vec<TcpListener>,
    kept: Vec<socket2::Socket>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let names =
            vec![(folder.path().display().to_string(), "DIR"), (format!("{}@", user()), "USER@")];
        Self { folder, names, servers: Vec::new(), listeners: Vec::new(), kept: Vec::new() }
    }

    /// What was told, with plain names.
    pub(super) fn plain(&self, told: &str) -> String {
        self.names.iter().fold(told.to_owned(), |text, (what, name)| text.replace(what, name))
    }

    /// Gives a plain name.
    pub(super) fn name(&mut self, what: impl ToString, name: &'static str) {
        self.names.insert(0, (what.to_string(), name));
    }

    /// A path in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and yields its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// A key of its own, and the path of its private half.
    pub(super) fn key(&mut self, name: &'static str, plain: &'static str) -> String {
        let path = self.path(name);
        keygen(&path);
        self.name_key(&path.with_extension("pub").display().to_string(), plain);
        path.display().to_string()
    }

    /// Gives the fingerprint of a public key a name.
    pub(super) fn name_key(&mut self, public: &str, plain: &'static str) {
        let told = Command::new("ssh-keygen").args(["-lf", public]).output().unwrap().stdout;
        let told = String::from_utf8(told).unwrap();
        self.name(told.split(' ').nth(1).unwrap(), plain);
    }

    /// The machine's `sshd`.
    pub(super) fn sshd(&mut self, extra: &str) -> usize {
        self.add(Server::sshd(extra))
    }

    /// `adit serve`.
    pub(super) fn adit(&mut self, permits: &[String]) -> usize {
        self.add(Server::adit(permits))
    }

    fn add(&mut self, server: Server) -> usize {
        let number = self.servers.len();
        let (port, key) = [("PORT", "HOSTKEY"), ("PORT2", "HOSTKEY2")][number];
        self.name_key(&server.file("host.pub"), key);
        self.name_key(&server.file("user.pub"), "KEY");
        self.name(server.address.port(), port);
        self.name(server.file("user"), "USERKEY");
        self.name(server.file("known_hosts"), "KNOWN");
        self.servers.push(server);
        number
    }

    pub(super) fn server(&self, number: usize) -> &Server {
        &self.servers[number]
    }

    /// The words to enter a server, which is known, by the key that it lets in. The first value of
    /// a setting wins, and so `more` comes first.
    pub(super) fn enter(&self, server: usize, more: &[&str]) -> Vec<String> {
        let server = self.server(server);
        fs::write(server.file("known_hosts"), server.known()).unwrap();
        let known = format!("-oUserKnownHostsFile={}", server.file("known_hosts"));
        let key = server.file("user");
        let mut words: Vec<&str> = more.to_vec();
        words.extend(["-i", &key, &known]);
        let mut words = at(server.address, &words);
        if let Some(host) = words.last_mut() {
            *host = format!("{}@{host}", user());
        }
        words
    }

    /// Keeps a socket as long as itself.
    pub(super) fn keep(&mut self, socket: socket2::Socket) {
        self.kept.push(socket);
    }

    /// A port of loopback that is taken.
    pub(super) fn taken(&mut self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        self.name(address.port(), "TAKEN");
        self.listeners.push(listener);
        address
    }

    /// A port of loopback on which nobody listens.
    pub(super) fn closed(&mut self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        self.name(address.port(), "CLOSED");
        address
    }
}

/// The words to go to an address, where nobody is asked and nobody is known.
pub(super) fn at(address: SocketAddr, more: &[&str]) -> Vec<String> {
    let port = address.port().to_string();
    let mut words: Vec<&str> = more.to_vec();
    words.extend(["-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oUserKnownHostsFile=none"]);
    words.extend(["-oGlobalKnownHostsFile=none", "-oIdentityAgent=none", "-oIdentitiesOnly=yes"]);
    let host = address.ip().to_string();
    words.extend(["-oIdentityFile=none", "-p", &port, &host]);
    words.into_iter().map(str::to_owned).collect()
}
