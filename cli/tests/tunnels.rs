//! The program as its users have it: `adit serve` and `adit open`, processes and sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[path = "tunnels/reconnect.rs"]
mod reconnect;
#[path = "tunnels/remote.rs"]
mod remote;

/// How long anything may take that should come at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process of the program, ended with the test.
struct Adit {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Adit {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// Waits for a line with these words, and yields what follows them.
    fn expect(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let len = self.stderr.read_line(&mut line).unwrap();
            self.said.push_str(&line);
            assert!(len > 0, "it ended before it said \"{words}\":\n{}", self.said);
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim().to_owned();
            }
        }
    }

    /// The address in the line that says where it listens.
    fn listening(&mut self) -> SocketAddr {
        let rest = self.expect("listening on ");
        rest.split([' ', ',']).next().unwrap().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end, and yields the exit code and all that was said.
    fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, format!("{}{rest}", self.said))
    }
}

impl Drop for Adit {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    let (first, more) = arguments.split_at(arguments.len().min(1));
    command.args(first);
    if first == ["open"] {
        // The files of whoever runs the tests are no part of them.
        command.arg("-Fnone");
    }
    command.args(more).env_remove("SSH_AUTH_SOCK").env_remove("ADIT_LOG").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
fn run(arguments: &[&str]) -> (i32, String) {
    Adit::start(arguments).end()
}

/// A gateway and what is needed to come in.
struct Gateway {
    folder: TempDir,
    process: Adit,
    address: SocketAddr,
}

impl Gateway {
    fn start(permits: &[&str]) -> Self {
        let permits: Vec<_> = permits.iter().flat_map(|it| ["--permit", it]).collect();
        Self::start_with(&permits)
    }

    /// With these words beside those that it cannot do without.
    fn start_with(more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        keygen(&folder.path().join("user"));
        fs::copy(file("user.pub"), file("authorized_keys")).unwrap();
        fs::set_permissions(file("authorized_keys"), fs::Permissions::from_mode(0o600)).unwrap();
        let (host_key, authorized_keys) = (file("host"), file("authorized_keys"));
        let mut words = vec!["serve", "--listen", "127.0.0.1:0"];
        words.extend(["--host-key", &host_key, "--authorized-keys", &authorized_keys]);
        words.extend(more);
        let mut process = Adit::start(&words);
        let address = process.listening();
        Self { folder, process, address }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The words of `adit open`, with `more` before the destination.
    fn words(&self, more: &[&str]) -> Vec<String> {
        let mut words = vec!["open".to_owned()];
        // The first value of a setting wins.
        words.extend(more.iter().copied().map(str::to_owned));
        words.extend([
            "-p".to_owned(),
            self.address.port().to_string(),
            "-i".to_owned(),
            self.path("user"),
            "-oBatchMode=yes".to_owned(),
            "-oStrictHostKeyChecking=accept-new".to_owned(),
            format!("-oUserKnownHostsFile={}", self.path("known_hosts")),
            "-oGlobalKnownHostsFile=none".to_owned(),
        ]);
        words.push("me@127.0.0.1".to_owned());
        words
    }

    fn open(&self, more: &[&str]) -> Adit {
        let words = self.words(more);
        Adit::start(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status()
        .unwrap_or_else(|error| panic!("ssh-keygen is needed (openssh-client): {error}"));
    assert!(made.success());
}

/// A service that sends back what it gets, and ends when its client has.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    address
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends much, ends, and gets all of it back and then the end.
fn exchange(mut stream: impl Read + Write + Send + 'static, finish: impl FnOnce()) {
    let sent: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut received = vec![0; sent.len()];
    for (sent, received) in sent.chunks(65_536).zip(received.chunks_mut(65_536)) {
        stream.write_all(sent).unwrap();
        stream.read_exact(received).unwrap();
    }
    finish();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert!(sent == received, "what came back is not what was sent");
}

#[test]
fn a_local_tunnel_carries_data_and_ends() {
    let target = echo();
    let gateway = Gateway::start(&[&target.to_string()]);
    let mut open = gateway.open(&["-L", &format!("127.0.0.1:0:{target}")]);
    let stream = connect(open.listening());
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
    open.signal(Signal::INT);
    assert_eq!(open.end().0, 0);
}

#[test]
fn unix_sockets_are_carried_on_both_ends() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("service");
    let listener = UnixListener::bind(&target).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
    });
    let gateway = Gateway::start(&[&target.display().to_string()]);
    let entry = gateway.path("entry");
    let mut open = gateway.open(&["-L", &format!("{entry}:{}", target.display())]);
    open.expect("listening on ");
    let mode = fs::metadata(&entry).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others could connect");
    let stream = UnixStream::connect(&entry).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
    open.signal(Signal::TERM);
    assert_eq!(open.end().0, 0);
    assert!(!Path::new(&entry).exists(), "the socket was left behind");
}

#[test]
fn a_dynamic_tunnel_goes_where_each_connection_says() {
    let target = echo();
    let gateway = Gateway::start(&[&target.to_string()]);
    let mut open = gateway.open(&["-D", "127.0.0.1:0"]);
    let entry = open.listening();
    let ask = |port: u16| {
        let mut stream = connect(entry);
        let [high, low] = port.to_be_bytes();
        stream.write_all(&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, high, low]).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        (stream, answer[3])
    };
    let (stream, code) = ask(target.port());
    assert_eq!(code, 0, "succeeded");
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
    let (_, code) = ask(1);
    assert_eq!(code, 2, "not allowed");
}

#[test]
fn a_target_that_is_not_permitted_or_refuses_is_a_reset_and_no_clean_end() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let gateway = Gateway::start(&[&closed.to_string()]);
    for target in [closed.to_string(), "127.0.0.1:1".to_owned()] {
        let mut open = gateway.open(&["-L", &format!("127.0.0.1:0:{target}")]);
        let mut stream = connect(open.listening());
        let error = stream.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{target}");
    }
}

#[test]
fn a_gateway_that_goes_takes_the_tunnel_with_it_and_the_cause_is_told() {
    let target = echo();
    let gateway = Gateway::start(&[&target.to_string()]);
    let mut open = gateway.open(&["-L", &format!("127.0.0.1:0:{target}")]);
    let mut stream = connect(open.listening());
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    gateway.process.signal(Signal::KILL);
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let (code, said) = open.end();
    assert_eq!(code, 15, "{said}");
    assert!(said.contains("127.0.0.1: the connection failed"), "{said}");
}

#[test]
fn each_kind_of_cause_has_its_exit_code_and_a_hint() {
    let gateway = Gateway::start(&[]);
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let held = TcpListener::bind(taken).unwrap();
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    keygen(Path::new(&gateway.path("stranger")));
    let (taken, closed) = (format!("{taken}:host:80"), format!("-p{closed}"));
    let stranger = gateway.path("stranger");
    let tunnel = "-L127.0.0.1:0:host:80";
    let open = |more: &[&str]| {
        let words = gateway.words(more);
        run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let words: Vec<&str> = vec!["open", &closed, tunnel, "127.0.0.1"];
    let cases = [
        (2, "hint: ", open(&[])),
        (2, "\"Fnord\"", open(&[tunnel, "-oFnord=yes"])),
        (2, "-L 1:2:", open(&["-L", "1:2:3:4:5"])),
        (10, "connection refused", run(&words)),
        (
            12,
            "is not known",
            open(&["-oUserKnownHostsFile=none", "-oStrictHostKeyChecking=yes", tunnel]),
        ),
        (
            13,
            "refused the login",
            run(&[
                "open",
                "-p",
                &gateway.address.port().to_string(),
                "-i",
                &stranger,
                "-oBatchMode=yes",
                "-oStrictHostKeyChecking=no",
                "-oUserKnownHostsFile=none",
                tunnel,
                "127.0.0.1",
            ]),
        ),
        (14, "cannot listen on", open(&["-L", &taken])),
    ];
    for (expected, words, (code, said)) in cases {
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(words), "{said}");
    }
    drop(held);
}

#[test]
fn the_demonstration_ends_well() {
    let output = command(&["demo", "--size", "4"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("fetched   4 MiB"), "{said}");
}
