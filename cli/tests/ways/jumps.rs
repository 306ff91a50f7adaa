//! `-J`: servers on the way to the one that is meant.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::adit::{Adit, PATIENCE, command, run};
use crate::server::{Server, keygen, open};
use crate::service::{echo, nobody, silence};

fn three(extra: [&str; 3]) -> [Server; 3] {
    extra.map(Server::sshd)
}

#[test]
fn three_hops_with_keys_of_their_own_lead_to_a_target() {
    let servers @ [first, second, third] = &three([""; 3]);
    let target = echo(b"!").to_string();
    let words = open(&[first, second, third], &["-W", &target]);
    let left = run(command(&words), b"through three");
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"through three!");
    for server in servers {
        server.wait();
        let log = server.log();
        assert!(log.contains("Accepted publickey"), "{log}");
        assert!(log.contains("Received disconnect from"), "the end is to be told: {log}");
        assert!(!log.contains("auth-agent"), "the agent is not forwarded: {log}");
    }
}

#[test]
fn local_and_dynamic_tunnels_go_through_hops_too() {
    let target = echo(b"!");
    let last = Server::adit(&[target.to_string()]);
    let (sshd, adit) = (Server::sshd(""), Server::adit(&[last.address.to_string()]));
    let local = format!("127.0.0.1:0:{target}");
    let more = ["-L", &local, "-D", "127.0.0.1:0"];
    let mut tunnels = Adit::start(command(&open(&[&sshd, &adit, &last], &more)));
    for asks in [false, true] {
        let mut stream = TcpStream::connect(tunnels.listening()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        if asks {
            let [high, low] = target.port().to_be_bytes();
            stream.write_all(&[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, high, low]).unwrap();
            stream.read_exact(&mut [0; 12]).unwrap();
        }
        stream.write_all(b"hello").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"hello!");
    }
    tunnels.signal(Signal::INT);
    tunnels.end().expect(0, &[]);
}

#[test]
fn a_wrong_host_key_on_the_way_is_a_full_stop_that_names_the_hop() {
    let [first, second, third] = three([""; 3]);
    let words = open(&[&first, &second, &third], &["-W", "127.0.0.1:1"]);
    let other = Path::new(&second.file("other")).to_owned();
    keygen(&other);
    let key = fs::read_to_string(other.with_extension("pub")).unwrap();
    let wrong = format!("[127.0.0.1]:{} {key}", second.address.port());
    fs::write(third.file("known_hosts"), [first.known(), wrong, third.known()].concat()).unwrap();
    run(command(&words), b"").expect(12, &["hop 2 of 3 (127.0.0.1): the host key of", "changed"]);
    // Whoever says that any key of the destination will do has said nothing of the hops.
    let mut loose = vec!["open".to_owned(), "-oStrictHostKeyChecking=no".to_owned()];
    loose.extend(words.into_iter().skip(1));
    run(command(&loose), b"").expect(12, &["hop 2 of 3"]);
    assert!(!second.log().contains("Accepted"), "{}", second.log());
    assert_eq!(third.log(), "", "it was spoken to");
}

#[test]
fn a_hop_that_does_not_forward_or_let_in_is_named() {
    let [first, second, third] = three(["", "AllowTcpForwarding no", ""]);
    let words = open(&[&first, &second, &third], &["-W", "127.0.0.1:1"]);
    let told =
        ["hop 3 of 3 (127.0.0.1): cannot connect", "hop 2 of 3 (127.0.0.1) answers: not allowed"];
    run(command(&words), b"").expect(10, &[told[0], told[1], "hint: "]);
    fs::write(second.file("authorized_keys"), "").unwrap();
    run(command(&words), b"").expect(13, &["hop 2 of 3 (127.0.0.1) refused the login"]);
}

/// Words for a destination behind a hop that is no server of ours.
fn behind(hop: &Server, host: &str, port: u16) -> Vec<String> {
    let mut words = open(&[hop], &["-W", "127.0.0.1:1", "-J", &hop.hop(), "-oConnectTimeout=2"]);
    let at = words.iter().rposition(|word| word == "-p").unwrap();
    words.splice(at.., ["-p".to_owned(), port.to_string(), host.to_owned()]);
    words
}

#[test]
fn a_hop_behind_which_nobody_answers_is_named() {
    let hop = Server::sshd("");
    let (closed, silent) = (nobody().port(), silence().port());
    let refused = "hop 2 of 2 (localhost): cannot connect to localhost:";
    let by = "hop 1 of 2 (127.0.0.1) answers: connection refused";
    run(command(&behind(&hop, "localhost", closed)), b"").expect(10, &[refused, by]);
    let begun = Instant::now();
    let words = behind(&hop, "127.0.0.1", silent);
    run(command(&words), b"").expect(11, &["hop 2 of 2 (127.0.0.1): "]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn names_are_looked_up_by_the_hop_before() {
    let hop = Server::sshd("");
    let left = run(command(&behind(&hop, "nowhere.invalid", 22)), b"");
    left.expect(10, &["hop 1 of 2 (127.0.0.1) answers: ", "nowhere.invalid:22"]);
    hop.wait();
    let log = hop.log();
    assert!(log.contains("target nowhere.invalid port 22"), "{log}");
}

#[test]
fn a_hop_that_dies_is_named_and_takes_all_with_it() {
    let mut first = Server::sshd("");
    let last = Server::adit(&[]);
    let mut tunnels =
        Adit::start(command(&open(&[&first, &last], &["-L", "127.0.0.1:0:localhost:1"])));
    tunnels.listening();
    first.kill();
    tunnels.end().expect(15, &["hop 1 of 2 (127.0.0.1): the connection failed"]);
}

#[test]
fn a_server_behind_a_hop_that_dies_is_named() {
    let first = Server::sshd("");
    let mut last = Server::adit(&[]);
    let mut tunnels =
        Adit::start(command(&open(&[&first, &last], &["-L", "127.0.0.1:0:localhost:1"])));
    tunnels.listening();
    last.kill();
    tunnels.end().expect(15, &["hop 2 of 2 (127.0.0.1): the connection failed"]);
}

#[test]
fn jumps_that_are_none_are_refused_before_anything_is_done() {
    let server = Server::adit(&[]);
    for jump in ["a,,b", "a:0", "-oProxyCommand=x"] {
        let left = run(command(&open(&[&server], &["-W", "h:1", &format!("-J{jump}")])), b"");
        left.expect(2, &["proxyjump takes hosts as [user@]host[:port]", "hint: "]);
    }
}
