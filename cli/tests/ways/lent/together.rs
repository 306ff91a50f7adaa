//! X11, the agent and every kind of tunnel in one connection, at the same time, while bulk runs.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::thread;

use crate::adit::{Adit, PATIENCE, command};
use crate::agents::Agent;
use crate::lent::display::Display;
use crate::lent::{ssh, x11};
use crate::server::Server;
use crate::service::echo;

/// How often everything is used while the bulk goes on.
const ROUNDS: usize = 5;

/// How much goes through a tunnel each time.
const SIZE: usize = 300_000;

/// Bulk on standard output until something is read; meanwhile the display and the agent are used.
const PROGRAM: &str = "\
cat /dev/zero & bulk=$!
{ while kill -0 $bulk; do
    xdpyinfo >/dev/null && echo the display is there >&2
    ssh-add -l >/dev/null && echo the agent is there >&2
done; } 2>&1 >/dev/null | grep --line-buffered there >&2 &
read -r line; kill $bulk; wait; exit 5";

/// Something of everything that was sent comes back, and the last words.
fn is_carried(mut stream: impl Read + Write + Send, halves: impl FnOnce() -> Halves) {
    let (mut writer, end) = halves();
    let sending = thread::spawn(move || {
        writer.write_all(&vec![7; SIZE]).unwrap();
        end();
    });
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    sending.join().unwrap();
    assert_eq!((heard.len(), heard.ends_with(b"!")), (SIZE + 1, true));
}

/// What is written, and what ends it.
type Halves = (Box<dyn Write + Send>, Box<dyn FnOnce() + Send>);

fn through_tcp(stream: TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (writer, ender) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
    is_carried(stream, || {
        (Box::new(writer), Box::new(move || ender.shutdown(Shutdown::Write).unwrap()))
    });
}

fn through_unix(path: &str) {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (writer, ender) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
    is_carried(stream, || {
        (Box::new(writer), Box::new(move || ender.shutdown(Shutdown::Write).unwrap()))
    });
}

fn through_socks(proxy: SocketAddr, target: SocketAddr) {
    let SocketAddr::V4(target) = target else { panic!("{target}") };
    let mut stream = TcpStream::connect(proxy).unwrap();
    let mut request = vec![4, 1];
    request.extend(target.port().to_be_bytes());
    request.extend(target.ip().octets());
    request.push(0);
    stream.write_all(&request).unwrap();
    let mut reply = [0; 8];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(reply[..2], [0, 90]);
    through_tcp(stream);
}

#[test]
fn everything_goes_through_one_connection_while_bulk_runs() {
    let name = "everything_goes_through_one_connection_while_bulk_runs";
    let Some(display) = Display::start(name) else { return };
    let server = x11::sshd("yes");
    all_at_once(&display, &server);
    assert_eq!(server.connections(), 1);
}

#[test]
fn everything_goes_through_one_connection_to_a_gateway_while_bulk_runs() {
    let name = "everything_goes_through_one_connection_to_a_gateway_while_bulk_runs";
    let Some(display) = Display::start(name) else { return };
    all_at_once(&display, &Server::gateway("\"exec\", \"x11\", \"agent\""));
}

fn all_at_once(display: &Display, server: &Server) {
    let agent = Agent::start(server);
    agent.add(&[&server.file("user")]);
    let target = echo(b"!");
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let (near, far) = (server.file("near"), server.file("far"));
    let (local, remote) = (format!("{near}:{target}"), format!("{far}:{target}"));
    let dynamic = proxy.to_string();
    let tunnels = ["-A", "-Y", "-L", &local, "-R", &remote, "-D", &dynamic];
    let strict = ["-oExitOnForwardFailure=yes"];
    let mut command =
        display.lend(command(&ssh(&[server], &[&tunnels[..], &strict].concat(), PROGRAM)));
    command.env("SSH_AUTH_SOCK", &agent.socket).stdin(Stdio::piped());
    let mut adit = Adit::start(command);
    let mut stdout = adit.child.stdout.take().unwrap();
    let bulk = thread::spawn(move || {
        let (mut bytes, mut total) = (vec![0; 65_536], 0);
        loop {
            match stdout.read(&mut bytes).unwrap() {
                0 => return total,
                len => total += len,
            }
        }
    });
    for _ in 0..ROUNDS {
        adit.expect("the display is there");
        adit.expect("the agent is there");
        let kinds: [Box<dyn FnOnce() + Send>; 4] = [
            Box::new({
                let near = near.clone();
                move || through_unix(&near)
            }),
            Box::new({
                let far = far.clone();
                move || through_unix(&far)
            }),
            Box::new(move || through_socks(proxy, target)),
            Box::new(move || through_socks(proxy, target)),
        ];
        let running: Vec<_> = kinds.into_iter().map(thread::spawn).collect();
        running.into_iter().for_each(|it| it.join().unwrap());
    }
    writeln!(adit.child.stdin.take().unwrap(), "enough").unwrap();
    let total = bulk.join().unwrap();
    let left = adit.end();
    left.expect(5, &[]);
    assert!(total > 10 << 20, "{total}");
}
