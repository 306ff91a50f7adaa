//! Servers: the machine's own `sshd`, and `adit serve`.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use crate::adit::{Adit, command};

/// Where `sshd` is.
const SSHD: &str = "/usr/sbin/sshd";

/// A server with keys of its own, and a key that may log in.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) address: SocketAddr,
    running: Running,
}

enum Running {
    /// One process for each connection.
    Sshd {
        over: Arc<AtomicBool>,
        children: Arc<Mutex<Vec<Child>>>,
    },
    Adit(Adit),
}

impl Server {
    /// The machine's `sshd`, with `extra` lines of configuration. One process serves one
    /// connection, on a port that is opened here, so that none is taken by another meanwhile.
    pub(crate) fn sshd(extra: &str) -> Self {
        assert!(Path::new(SSHD).exists(), "{SSHD} is needed: apt-get install openssh-server");
        if rustix::process::getuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let folder = keys();
        let config = sshd_config(folder.path(), extra);
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let children = Arc::new(Mutex::new(Vec::new()));
        let (ended, served) = (Arc::clone(&over), Arc::clone(&children));
        let log = folder.path().join("log");
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let stream = OwnedFd::from(stream.unwrap());
                let mut sshd = Command::new(SSHD);
                sshd.args(["-i", "-f"]).arg(&config).arg("-E").arg(&log);
                sshd.stdin(stream.try_clone().unwrap()).stdout(stream).stderr(Stdio::null());
                served.lock().unwrap().push(sshd.spawn().unwrap());
            }
        });
        Self { folder, address, running: Running::Sshd { over, children } }
    }

    /// `adit serve`, which permits these targets.
    pub(crate) fn adit(permits: &[String]) -> Self {
        let folder = keys();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut words = vec!["serve".to_owned(), "--listen".to_owned(), "127.0.0.1:0".to_owned()];
        words.extend(["--host-key".to_owned(), file("host")]);
        words.extend(["--authorized-keys".to_owned(), file("authorized_keys")]);
        for permit in permits {
            words.extend(["--permit".to_owned(), permit.clone()]);
        }
        let mut adit = Adit::start(command(&words));
        let address = adit.listening();
        Self { folder, address, running: Running::Adit(adit) }
    }

    /// `adit serve`, which permits all tunnels, and sessions that have these services; they are
    /// written as the configuration has them.
    pub(crate) fn gateway(services: &str) -> Self {
        let folder = keys();
        let user = user();
        let config = format!(
            "listen = [\"127.0.0.1:0\"]\nhost-keys = [\"host\"]\n\
             [[user]]\nname = \"{user}\"\nauthorized-keys = [\"authorized_keys\"]\n\
             [[rule]]\nname = \"sessions\"\naction = \"allow\"\nsessions = [{services}]\n\
             [[rule]]\nname = \"tunnels\"\naction = \"allow\"\n\
             [[rule]]\nname = \"sockets\"\naction = \"allow\"\ntargets = [\"{}/\"]\n",
            folder.path().display()
        );
        let path = folder.path().join("adit-serve.toml");
        fs::write(&path, config).unwrap();
        let words = ["serve".to_owned(), "--config".to_owned(), path.display().to_string()];
        let mut adit = Adit::start(command(&words));
        let address = adit.listening();
        Self { folder, address, running: Running::Adit(adit) }
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A command that is a connection to it, where it is `sshd`.
    pub(crate) fn command(&self) -> String {
        format!("{SSHD} -i -f {} -E {}", self.file("sshd_config"), self.file("log"))
    }

    /// Its line in a file of known hosts.
    pub(crate) fn known(&self) -> String {
        let key = fs::read_to_string(self.file("host.pub")).unwrap();
        format!("[127.0.0.1]:{} {key}", self.address.port())
    }

    /// How it is named as a hop.
    pub(crate) fn hop(&self) -> String {
        format!("{}@{}", user(), self.address)
    }

    /// Waits until each of its connections has ended, which is up to the other side.
    pub(crate) fn wait(&self) {
        if let Running::Sshd { children, .. } = &self.running {
            for child in &mut *children.lock().unwrap() {
                child.wait().unwrap();
            }
        }
    }

    /// How many connections there were so far, where it is `sshd`.
    pub(crate) fn connections(&self) -> usize {
        match &self.running {
            Running::Sshd { children, .. } => children.lock().unwrap().len(),
            Running::Adit(_) => panic!("adit does not tell"),
        }
    }

    /// Ends one of its connections without a word, where it is `sshd`; the first is 0.
    pub(crate) fn end_one(&self, number: usize) {
        match &self.running {
            Running::Sshd { children, .. } => children.lock().unwrap()[number].kill().unwrap(),
            Running::Adit(_) => panic!("adit has them all in one process"),
        }
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Ends it, and all connections to it, without a word.
    pub(crate) fn kill(&mut self) {
        match &mut self.running {
            Running::Sshd { children, .. } => {
                for child in &mut *children.lock().unwrap() {
                    child.kill().unwrap();
                }
            }
            Running::Adit(adit) => adit.child.kill().unwrap(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Running::Sshd { over, children } = &mut self.running {
            over.store(true, Ordering::SeqCst);
            // It wakes up to see that it is over.
            let _ = std::net::TcpStream::connect(self.address);
            for child in &mut *children.lock().unwrap() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// The words of `adit open` to the last of these servers through those before it, with `more`
/// before all others, since the first value of a setting wins.
pub(crate) fn open(servers: &[&Server], more: &[&str]) -> Vec<String> {
    let (last, jumps) = servers.split_last().unwrap();
    let mut words = vec!["open".to_owned()];
    words.extend(more.iter().copied().map(str::to_owned));
    if !jumps.is_empty() {
        let jumps: Vec<_> = jumps.iter().map(|server| server.hop()).collect();
        words.extend(["-J".to_owned(), jumps.join(",")]);
    }
    let known: Vec<_> = servers.iter().map(|server| server.known()).collect();
    let file = last.file("known_hosts");
    fs::write(&file, known.concat()).unwrap();
    for server in servers {
        words.extend(["-i".to_owned(), server.file("user")]);
    }
    words.extend(settings(&file));
    words.extend(["-p".to_owned(), last.address.port().to_string()]);
    words.push(format!("{}@127.0.0.1", user()));
    words
}

/// Settings that keep to this file of known hosts and ask nobody.
pub(crate) fn settings(known: &str) -> Vec<String> {
    vec![
        "-oBatchMode=yes".to_owned(),
        "-oStrictHostKeyChecking=yes".to_owned(),
        format!("-oUserKnownHostsFile={known}"),
        "-oGlobalKnownHostsFile=none".to_owned(),
    ]
}

/// The name of the user who runs the tests, by whom `sshd` knows it.
pub(crate) fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Before a key: a server's folder is the home of what is run for it. What whoever runs the tests has
/// shells do is no part of them.
pub(crate) fn home(folder: &Path) -> String {
    format!("environment=\"HOME={}\" ", folder.display())
}

fn keys() -> TempDir {
    let folder = TempDir::new().unwrap();
    let authorized = folder.path().join("authorized_keys");
    for name in ["host", "user"] {
        keygen(&folder.path().join(name));
    }
    let key = fs::read_to_string(folder.path().join("user.pub")).unwrap();
    fs::write(&authorized, home(folder.path()) + &key).unwrap();
    fs::set_permissions(authorized, fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

/// What is run has the home of [`home`] and cookies there, unless `extra` has a `SetEnv`: the first counts.
fn sshd_config(folder: &Path, extra: &str) -> PathBuf {
    let config = format!(
        "UsePAM no\nStrictModes no\nPidFile none\nLogLevel DEBUG1\nHostKey {0}/host\n\
         AuthorizedKeysFile {0}/authorized_keys\nPermitRootLogin prohibit-password\n{extra}\n\
         SetEnv HOME={0} XAUTHORITY={0}/.Xauthority\n",
        folder.display(),
    );
    let path = folder.join("sshd_config");
    fs::write(&path, config).unwrap();
    path
}

pub(crate) fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status()
        .unwrap_or_else(|error| panic!("ssh-keygen is needed (openssh-client): {error}"));
    assert!(made.success());
}
