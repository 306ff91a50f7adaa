//! `--connections`: several connections to one server, used as one.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ChildStdout;

use rustix::process::Signal;

use crate::adit::{Adit, PATIENCE, command};
use crate::server::{Server, keygen, open};
use crate::service::echo;

/// The program with a tunnel, and the lines of JSON that it says.
struct Striped {
    adit: Adit,
    lines: BufReader<ChildStdout>,
    entry: SocketAddr,
}

impl Striped {
    fn start(server: &Server, target: SocketAddr, more: &[&str]) -> Self {
        let spec = format!("127.0.0.1:0:{target}");
        let words = [more, &["--json", "-L", &spec]].concat();
        let mut adit = Adit::start(command(&open(&[server], &words)));
        let entry = adit.listening();
        let lines = BufReader::new(adit.child.stdout.take().unwrap());
        let mut striped = Self { adit, lines, entry };
        assert!(striped.line().contains("\"local\""));
        striped
    }

    /// The next line for programs.
    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "it has ended");
        line
    }

    /// The number of the connection that is open, or lost, next.
    fn next(&mut self, state: &str) -> usize {
        let line = self.line();
        let number = line.split_once("\"number\":").unwrap().1;
        let number = number.split([',', '}']).next().unwrap().parse().unwrap();
        let expected =
            format!("{{\"kind\":\"connection\",\"number\":{number},\"state\":\"{state}\"}}\n");
        assert_eq!(line, expected);
        number
    }

    /// A tunnelled connection, through which something has gone.
    fn enter(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.entry).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(answers(&mut stream));
        stream
    }
}

/// Whether what is sent comes back.
fn answers(stream: &mut TcpStream) -> bool {
    let mut back = [0; 5];
    let sent = stream.write_all(b"there").and_then(|()| stream.read_exact(&mut back));
    match sent {
        Ok(()) => back == *b"there",
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer"),
        Err(_) => false,
    }
}

/// Three connections with a tunnelled one each, in their order, and their numbers.
fn three(striped: &mut Striped) -> (Vec<TcpStream>, [usize; 3]) {
    let first = striped.enter();
    let (second, two) = (striped.enter(), striped.next("open"));
    let (third, three) = (striped.enter(), striped.next("open"));
    (vec![first, second, third], [1, two, three])
}

fn alive(streams: &mut [TcpStream]) -> Vec<bool> {
    streams.iter_mut().map(answers).collect()
}

#[test]
fn each_of_several_goes_by_its_own_connection_and_a_loss_is_that_of_one() {
    let server = Server::sshd("");
    let mut striped = Striped::start(&server, echo(b""), &["--connections", "3"]);
    assert_eq!(server.connections(), 1, "those that nobody needs are not opened");
    let (mut streams, numbers) = three(&mut striped);
    assert_eq!(server.connections(), 3);
    streams.extend((0..3).map(|_| striped.enter()));
    assert_eq!(server.connections(), 3, "there are no more than that");
    server.end_one(1);
    assert_eq!(striped.next("lost"), numbers[1]);
    let going = alive(&mut streams);
    assert_eq!(going[..3], [true, false, true]);
    assert_eq!(going.iter().filter(|it| **it).count(), 4, "each had two: {going:?}");
    striped.enter();
    assert_eq!(server.connections(), 3, "it is not opened again");
    striped.adit.signal(Signal::TERM);
    let lost = format!("warning: connection {} of 3: ", numbers[1]);
    striped.adit.end().expect(0, &[&lost]);
}

#[test]
fn the_others_go_on_without_the_first_and_the_last_is_the_end() {
    let server = Server::sshd("");
    let mut striped = Striped::start(&server, echo(b""), &["--connections", "3"]);
    let (mut streams, _) = three(&mut striped);
    server.end_one(0);
    while answers(&mut streams[0]) {}
    assert_eq!(alive(&mut streams[1..]), [true, true]);
    striped.enter();
    server.end_one(1);
    striped.next("lost");
    striped.enter();
    server.end_one(2);
    striped.adit.end().expect(15, &["the other connections go on: 2", "no connection left"]);
}

#[test]
fn remote_tunnels_go_by_the_first_connection_and_end_with_it() {
    let server = Server::sshd("");
    let more = ["--connections", "2", "-R", "127.0.0.1:0:127.0.0.1:9"];
    let mut striped = Striped::start(&server, echo(b""), &more);
    assert!(striped.line().contains("\"remote\""));
    let _streams = [striped.enter(), striped.enter()];
    striped.next("open");
    server.end_one(0);
    striped.adit.end().expect(15, &[]);
}

#[test]
fn what_is_lost_is_opened_again_where_that_is_asked_for() {
    let server = Server::sshd("");
    let more = ["--connections", "2", "--reconnect"];
    let mut striped = Striped::start(&server, echo(b""), &more);
    let mut streams = [striped.enter(), striped.enter()];
    let number = striped.next("open");
    server.end_one(1);
    assert_eq!(striped.next("lost"), number);
    assert_eq!(striped.next("open"), number);
    assert_eq!(alive(&mut streams), [true, false]);
    assert_eq!(server.connections(), 3);
    server.end_one(0);
    while answers(&mut streams[0]) {}
    let _through_the_other = striped.enter();
    striped.adit.signal(Signal::TERM);
    striped.adit.end().expect(0, &["trying again"]);
}

#[test]
fn a_server_with_another_host_key_gets_no_further_connection() {
    let server = Server::sshd("");
    let other = server.file("other");
    keygen(other.as_ref());
    let words = ["--connections", "2"];
    let striped = Striped::start(&server, echo(b""), &words);
    // It is known as well: it is the first connection that says which key it has to be.
    let known = fs::read_to_string(server.file("known_hosts")).unwrap();
    let key = fs::read_to_string(format!("{other}.pub")).unwrap();
    let also = format!("{known}[127.0.0.1]:{} {key}", server.address.port());
    fs::write(server.file("known_hosts"), also).unwrap();
    let config = fs::read_to_string(server.file("sshd_config")).unwrap();
    let own = format!("HostKey {}", server.file("host"));
    assert!(config.contains(&own));
    fs::write(server.file("sshd_config"), config.replace(&own, &format!("HostKey {other}")))
        .unwrap();
    let mut streams = [striped.enter(), striped.enter(), striped.enter()];
    assert_eq!(alive(&mut streams), [true; 3]);
    striped.adit.signal(Signal::TERM);
    let words = "connection 2 of 2: it shows another host key than to the connection before";
    striped.adit.end().expect(0, &[words]);
    assert_eq!(server.connections(), 2);
}

#[test]
fn bulk_keeps_off_the_connection_of_what_is_interactive() {
    let server = Server::sshd("");
    let target = echo(b"");
    let spec = format!("127.0.0.1:0:{target}");
    let more = ["--connections", "2", "--class", "interactive", "-L", &spec, "--class", "bulk"];
    let mut striped = Striped::start(&server, target, &more);
    let second = striped.line();
    let port = second.split_once("\"port\":").unwrap().1.split(',').next().unwrap();
    let interactive = striped.entry;
    striped.entry = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let mut bulk = [striped.enter(), striped.enter()];
    striped.next("open");
    striped.entry = interactive;
    let mut strokes = [striped.enter(), striped.enter()];
    server.end_one(1);
    striped.next("lost");
    assert_eq!(alive(&mut strokes), [true; 2]);
    assert_eq!(alive(&mut bulk), [false; 2]);
}
