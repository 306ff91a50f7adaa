//! Connections that are lost, and come back.

use std::sync::{Arc, Mutex};

use super::remote::{local, sshd};
use super::*;

/// The path to a server, which can be frozen and cut.
#[derive(Clone)]
struct Wire {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// Whoever connects is led on, or turned away.
struct State {
    to: Option<SocketAddr>,
    /// Both ends of what is led on, in pairs.
    led: Vec<[TcpStream; 2]>,
    frozen: Vec<[TcpStream; 2]>,
}

impl Wire {
    fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let state = State { to: Some(to), led: Vec::new(), frozen: Vec::new() };
        let wire =
            Self { address: listener.local_addr().unwrap(), state: Arc::new(Mutex::new(state)) };
        let state = Arc::clone(&wire.state);
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let mut state = state.lock().unwrap();
                let Some(to) = state.to else { continue };
                let far = TcpStream::connect(to).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    lead(from.try_clone().unwrap(), to.try_clone().unwrap());
                }
                state.led.push([near, far]);
            }
        });
        wire
    }

    /// What is led on says nothing more, to neither side, and is not closed; what connects from
    /// now on is led on.
    fn freeze(&self) {
        let mut state = self.state.lock().unwrap();
        for [near, far] in std::mem::take(&mut state.led) {
            for end in [&near, &far] {
                // The thread that reads it is told that there is nothing, and stops.
                end.shutdown(Shutdown::Read).unwrap();
            }
            state.frozen.push([near, far]);
        }
    }

    /// What was frozen is over for the server.
    fn thaw(&self) {
        for [near, far] in std::mem::take(&mut self.state.lock().unwrap().frozen) {
            // The client may have gone already.
            let _ = far.shutdown(Shutdown::Both);
            drop(near);
        }
    }

    /// Cuts what is led on, and turns away what comes.
    fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.to = None;
        for end in std::mem::take(&mut state.led).iter().flatten() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Leads on what comes.
    fn mend(&self, to: SocketAddr) {
        self.state.lock().unwrap().to = Some(to);
    }
}

/// Carries one direction, and lets the other side go on when it ends: a path that dies says
/// nothing.
fn lead(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || std::io::copy(&mut from, &mut to));
}

/// Has the client notice within two seconds that nothing comes any more.
const WATCHFUL: [&str; 3] = ["--reconnect", "-oServerAliveInterval=1", "-oServerAliveCountMax=1"];

/// `adit open` to the gateway, over the wire.
fn open(gateway: &Gateway, wire: &Wire, more: &[&str]) -> Adit {
    let [own, port] = [gateway.address, wire.address].map(|address| address.port().to_string());
    let words = gateway.words(more).into_iter();
    let words: Vec<_> = words.map(|word| if word == own { port.clone() } else { word }).collect();
    Adit::start(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn carries(address: SocketAddr) {
    let stream = connect(address);
    let other = stream.try_clone().unwrap();
    exchange(stream, move || other.shutdown(Shutdown::Write).unwrap());
}

#[test]
fn a_remote_tunnel_comes_back_at_its_port_though_the_path_died_without_a_word() {
    let target = echo();
    let gateway = Gateway::start_with(&["--permit-listen", "*"]);
    let wire = Wire::new(gateway.address);
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let spec = format!("{free}:{target}");
    let mut adit = open(&gateway, &wire, &[&WATCHFUL[..], &["-R", &spec]].concat());
    adit.expect("the server listens on");
    carries(local(free));
    wire.freeze();
    adit.expect("no sign of life");
    adit.expect("trying again");
    adit.expect("the server listens on");
    carries(local(free));
    assert!(!adit.said.contains("does not listen"), "it was refused first:\n{}", adit.said);
    adit.signal(Signal::TERM);
    let (code, said) = adit.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn with_sshd_the_cause_is_told_and_the_port_asked_for_until_it_is_free() {
    let folder = TempDir::new().unwrap();
    let (target, server) = (echo(), sshd(folder.path(), ""));
    let wire = Wire::new(server);
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let (spec, port) = (format!("{free}:{target}"), wire.address.port().to_string());
    let key = folder.path().join("user").display().to_string();
    let to = format!("{}@127.0.0.1", user.trim());
    let mut words = vec!["open", "-R", &spec, "-p", &port, "-i", &key];
    words.extend(WATCHFUL);
    words.extend(["-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=none"]);
    words.extend(["-oGlobalKnownHostsFile=none", &to]);
    let mut adit = Adit::start(&words);
    adit.expect("the server listens on");
    wire.freeze();
    adit.expect("no sign of life");
    adit.expect("the server does not listen on");
    adit.expect("perhaps by a former connection of yours");
    wire.thaw();
    adit.expect("the server listens on");
    carries(local(free));
}

#[test]
fn a_local_tunnel_stays_open_and_who_comes_meanwhile_waits() {
    let target = echo();
    let gateway = Gateway::start(&[&target.to_string()]);
    let wire = Wire::new(gateway.address);
    let spec = format!("127.0.0.1:0:{target}");
    let mut adit = open(&gateway, &wire, &["--reconnect", "-L", &spec]);
    let address = adit.listening();
    carries(address);
    let mut held = connect(address);
    held.write_all(b"x").unwrap();
    held.read_exact(&mut [0]).unwrap();
    wire.cut();
    adit.expect("trying again");
    let error = held.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "no clean end");
    let waiting = connect(address);
    wire.mend(gateway.address);
    let other = waiting.try_clone().unwrap();
    exchange(waiting, move || other.shutdown(Shutdown::Write).unwrap());
    assert_eq!(adit.said.matches("listening on").count(), 1, "{}", adit.said);
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let target = echo();
    let gateway = Gateway::start(&[&target.to_string()]);
    let wire = Wire::new(gateway.address);
    wire.cut();
    let spec = format!("127.0.0.1:0:{target}");
    let mut adit = open(&gateway, &wire, &["--reconnect", "-L", &spec]);
    adit.expect("trying again");
    wire.mend(gateway.address);
    carries(adit.listening());
}

#[test]
fn what_waiting_does_not_mend_is_the_end() {
    let gateway = Gateway::start(&[]);
    let run = |more: &[&str]| {
        let words = gateway.words(&[&["--reconnect"], more].concat());
        run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let strict = ["-oUserKnownHostsFile=none", "-oStrictHostKeyChecking=yes", "-D", "127.0.0.1:0"];
    assert_eq!(run(&strict).0, 12);
    keygen(Path::new(&gateway.path("stranger")));
    fs::rename(gateway.path("stranger"), gateway.path("user")).unwrap();
    assert_eq!(run(&["-D", "127.0.0.1:0"]).0, 13);
}
