//! Remote tunnels of the program, and of the machine's own `ssh` and `sshd`.

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::process::{ChildStdout, Command};
use std::time::Instant;

use super::*;

/// A process that listens at a server, and what it says to programs.
struct Open {
    process: Adit,
    stdout: BufReader<ChildStdout>,
}

impl Open {
    fn start(gateway: &Gateway, more: &[&str]) -> Self {
        let words = gateway.words(&[&["--json"], more].concat());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut child =
            command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { process: Adit { child, stderr, said: String::new() }, stdout }
    }

    /// The next line of JSON.
    fn ready(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// The port of the next tunnel that is ready.
    fn port(&mut self) -> u16 {
        self.ready().get("port").unwrap().as_u64().unwrap().try_into().unwrap()
    }
}

pub(super) fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn carries(port: u16) {
    let stream = connect(local(port));
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
}

/// Whether a socket is removed, soon: the gateway learns of its client's end after it.
fn is_removed(path: &str) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return true,
            // Nobody listens there any more, and it is about to go.
            Err(_) => thread::yield_now(),
            Ok(mut stream) => {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // However it ends.
                let _ = stream.read(&mut [0]);
            }
        }
    }
    false
}

/// Whether nobody listens there any more, soon. A connection to a listener that is about to close
/// ends with it.
fn is_closed(port: u16) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match TcpStream::connect(local(port)) {
            Err(error) => return error.kind() == ErrorKind::ConnectionRefused,
            Ok(mut stream) => {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // However it ends.
                let _ = stream.read(&mut [0]);
            }
        }
    }
    false
}

/// Asks a SOCKS 5 proxy for a port of this machine; yields its answer.
fn socks(proxy: u16, port: u16) -> (TcpStream, u8) {
    let mut stream = connect(local(proxy));
    let [high, low] = port.to_be_bytes();
    stream.write_all(&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, high, low]).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    (stream, answer[3])
}

#[test]
fn tunnels_of_every_kind_share_a_connection_and_are_told_to_programs() {
    let target = echo();
    let to = target.to_string();
    let gateway = Gateway::start_with(&["--permit", &to, "--permit-listen", "*"]);
    let spec = format!("127.0.0.1:0:{to}");
    let remote = format!("0:{to}");
    let mut open = Open::start(
        &gateway,
        &["-L", &spec, "-D", "127.0.0.1:0", "-R", &remote, "-R", &remote, "-R", "0"],
    );
    let told: Vec<_> = (0..5).map(|_| open.ready()).collect();
    let kinds: Vec<_> = told.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["local", "dynamic", "remote", "remote", "remote-dynamic"]);
    assert_eq!((&told[2]["listen"], &told[2]["target"]), (&remote[..1].into(), &to.clone().into()));
    let ports: Vec<u16> =
        told.iter().map(|it| it["port"].as_u64().unwrap().try_into().unwrap()).collect();
    assert_ne!(ports[2], ports[3], "port 0 is a port each time");
    thread::scope(|scope| {
        for port in [ports[0], ports[2], ports[3]] {
            scope.spawn(move || carries(port));
        }
        for port in [ports[1], ports[4]] {
            let (stream, answer) = socks(port, target.port());
            assert_eq!(answer, 0);
            let other = stream.try_clone().unwrap();
            exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
        }
    });
    open.process.expect(&format!("the server listens on {} -> {to}", ports[2]));
    open.process.signal(Signal::TERM);
    let (code, said) = open.process.end();
    assert_eq!(code, 0, "{said}");
    for port in &ports[2..] {
        assert!(is_closed(*port), "{port} is still open at the server");
    }
}

#[test]
fn sockets_are_entered_at_the_server_and_reached_from_here() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (entry, target) = (file("entry"), file("target"));
    let service = UnixListener::bind(&target).unwrap();
    thread::spawn(move || {
        for stream in service.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    let gateway = Gateway::start_with(&["--permit-listen", &entry, "--permit-listen", "*"]);
    let from_port = format!("0:{target}");
    let from_socket = format!("{entry}:{}", echo());
    let mut open = Open::start(&gateway, &["-R", &from_port, "-R", &from_socket]);
    carries(open.port());
    assert_eq!(open.ready()["port"], serde_json::Value::Null);
    let mode = fs::metadata(&entry).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others could connect");
    let stream = UnixStream::connect(&entry).unwrap();
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
    open.process.signal(Signal::INT);
    assert_eq!(open.process.end().0, 0);
    assert!(is_removed(&entry), "the socket was left behind");
}

#[test]
fn a_proxy_at_the_server_reaches_what_is_permitted_here() {
    let (target, other) = (echo(), echo());
    let gateway = Gateway::start_with(&["--permit-listen", "*"]);
    let permit = format!("-oPermitRemoteOpen={target}");
    let mut open = Open::start(&gateway, &[&permit, "-R", "0"]);
    let proxy = open.port();
    assert_eq!(socks(proxy, target.port()).1, 0, "succeeded");
    assert_eq!(socks(proxy, other.port()).1, 2, "not allowed");
}

#[test]
fn a_listener_that_is_refused_is_told_with_what_its_cause_may_be() {
    let target = echo();
    let gateway = Gateway::start_with(&["--permit-listen", "*"]);
    let run = |more: &[&str]| {
        let words = gateway.words(more);
        run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (low, all) = (format!("80:{target}"), format!("*:0:{target}"));
    for (refused, hint) in [(&low, "administrators"), (&all, "the server may forbid")] {
        let (code, said) = run(&["-R", refused]);
        assert_eq!(code, 14, "{said}");
        assert!(said.contains("the server does not listen on") && said.contains(hint), "{said}");
    }
    let good = format!("0:{target}");
    let (code, said) = run(&["-oExitOnForwardFailure=yes", "-R", &low, "-R", &good]);
    assert_eq!(code, 14, "{said}");
    let mut open = Open::start(&gateway, &["-R", &low, "-R", &good]);
    carries(open.port());
    open.process.expect("warning: the server does not listen on 80");
}

#[test]
fn a_stopped_client_loses_its_port_to_the_same_key_within_a_second() {
    let target = echo();
    let gateway = Gateway::start_with(&["--permit-listen", "*"]);
    let mut dead = Open::start(&gateway, &["-R", &format!("0:{target}")]);
    let port = dead.port();
    let again = format!("{port}:{target}");
    let mut refused = Open::start(&gateway, &["-R", &again]);
    refused.process.expect("the server does not listen on");
    dead.process.signal(Signal::STOP);
    let start = Instant::now();
    let mut open = Open::start(&gateway, &["-R", &again]);
    assert_eq!(open.port(), port);
    let waited = start.elapsed();
    assert!(waited < Duration::from_secs(2), "{waited:?}, of which the login is a part");
    carries(port);
}

#[test]
fn ssh_has_the_gateway_listen() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("s").display().to_string();
    let (target, gateway) =
        (echo(), Gateway::start_with(&["--permit-listen", "*", "--permit-listen", &socket]));
    let ssh = |more: &[&str]| {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-N", "-oBatchMode=yes", "-oStrictHostKeyChecking=no"]);
        command.args(["-oUserKnownHostsFile=/dev/null", "-oExitOnForwardFailure=yes", "-i"]);
        command.arg(gateway.path("user")).arg("-p").arg(gateway.address.port().to_string());
        command.args(more).arg("me@127.0.0.1").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("ssh is needed: {error}"));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Adit { child, stderr, said: String::new() }
    };
    let (port, path) = (format!("0:{target}"), format!("{socket}:{target}"));
    let mut first = ssh(&["-R", &port, "-R", &path, "-R", "0"]);
    let mut allocated =
        || first.expect("Allocated port ").split(' ').next().unwrap().parse::<u16>().unwrap();
    carries(allocated());
    let (stream, answer) = socks(allocated(), target.port());
    assert_eq!(answer, 0);
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
    let stream = UnixStream::connect(&socket).unwrap();
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
    drop(first);
    let (code, said) = ssh(&["-R", &format!("1023:{target}")]).end();
    assert_eq!(code, 255, "{said}");
    assert!(said.contains("remote port forwarding failed"), "{said}");
}

/// The machine's own `sshd`, one process for each connection to a port.
pub(super) fn sshd(folder: &Path, extra: &str) -> SocketAddr {
    const SSHD: &str = "/usr/sbin/sshd";
    assert!(Path::new(SSHD).exists(), "{SSHD} is needed: apt-get install openssh-server");
    if rustix::process::getuid().is_root() {
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let file = |name: &str| folder.join(name).display().to_string();
    keygen(&folder.join("host_key"));
    keygen(&folder.join("user"));
    let config = format!(
        "UsePAM no\nStrictModes no\nPidFile none\nHostKey {}\nAuthorizedKeysFile {}\n{extra}\n",
        file("host_key"),
        file("user.pub")
    );
    fs::write(file("sshd_config"), config).unwrap();
    let (listener, config) = (TcpListener::bind(("127.0.0.1", 0)).unwrap(), file("sshd_config"));
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let [input, output] = [stream.try_clone().unwrap(), stream].map(OwnedFd::from);
            let mut command = Command::new(SSHD);
            command.args(["-i", "-f", &config]).stdin(input).stdout(output).stderr(Stdio::null());
            // It ends with its connection.
            let mut child = command.spawn().unwrap();
            thread::spawn(move || child.wait());
        }
    });
    address
}

#[test]
fn sshd_listens_and_its_silence_on_addresses_is_made_up_for() {
    let folder = TempDir::new().unwrap();
    let (target, address) = (echo(), sshd(folder.path(), "PermitListen *:*\n"));
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap();
    let port = address.port().to_string();
    let key = folder.path().join("user").display().to_string();
    let to = format!("{}@127.0.0.1", user.trim());
    let (loopback, all) = (format!("0:{target}"), format!("*:0:{target}"));
    let mut words = vec!["open", "-R", &loopback, "-R", &all, "-p", &port, "-i", &key];
    words.extend(["-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=none"]);
    words.extend(["-oGlobalKnownHostsFile=none", &to]);
    let mut open = Adit::start(&words);
    let mut listens =
        || open.expect("the server listens on ").split(' ').next().unwrap().to_owned();
    carries(listens().parse().unwrap());
    let all = listens();
    carries(all.strip_prefix("*:").unwrap().parse().unwrap());
    open.expect("note: the server may listen on");
    open.signal(Signal::TERM);
    assert_eq!(open.end().0, 0);
}
