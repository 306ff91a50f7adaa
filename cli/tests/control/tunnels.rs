//! Tunnels that come and go by `-O forward` and `-O cancel`, while bulk runs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::thread;

use crate::service::echo;
use crate::stage::{Stage, free, wait_until};

/// Says a word to a service that sends it back.
fn says(mut stream: impl Read + Write, word: &[u8]) {
    stream.write_all(word).unwrap();
    let mut heard = vec![0; word.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, word);
}

/// Asks a SOCKS 5 proxy for a target.
fn through_proxy(proxy: SocketAddr, target: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(proxy).unwrap();
    stream.write_all(&[5, 1, 0]).unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
    let [high, low] = target.port().to_be_bytes();
    stream.write_all(&[5, 1, 0, 1, 127, 0, 0, 1, high, low]).unwrap();
    let mut answer = [0; 10];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[1], 0);
    stream
}

fn loopback(port: &str) -> SocketAddr {
    format!("127.0.0.1:{}", port.trim()).parse().unwrap()
}

/// A program at the server that says more than anybody waits for.
struct Bulk(Child);

impl Bulk {
    fn new(stage: &Stage) -> Self {
        let mut child = stage.ssh(&[], &["cat /dev/zero"]).spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let mut chunk = vec![0; 1 << 20];
        output.read_exact(&mut chunk).unwrap();
        thread::spawn(move || while output.read(&mut chunk).is_ok_and(|it| it > 0) {});
        Self(child)
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Opens a tunnel by `-O forward`, and yields what it said.
fn forward(stage: &Stage, flag: &str, spec: &str) -> String {
    let left = stage.order("forward", &[flag, spec]);
    left.expect(0, &[]);
    assert!(left.stderr.is_empty(), "{}", left.stderr);
    String::from_utf8(left.stdout).unwrap()
}

#[test]
fn each_kind_of_tunnel_comes_and_goes_under_load() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let _bulk = Bulk::new(&stage);
    let echo = echo(b"");
    let path = stage.server.file("entry");
    let (entry, proxy) = (free(), free());
    for (flag, spec, dynamic) in [
        ("-L", format!("{entry}:{echo}"), None),
        ("-R", format!("127.0.0.1:0:{echo}"), None),
        ("-D", proxy.to_string(), Some(echo)),
        ("-R", "127.0.0.1:0".to_owned(), Some(echo)),
    ] {
        let told = forward(&stage, flag, &spec);
        let entered = match flag {
            "-L" => entry,
            "-D" => proxy,
            _ => loopback(&told),
        };
        let open = || match dynamic {
            Some(target) => through_proxy(entered, target),
            None => TcpStream::connect(entered).unwrap(),
        };
        says(open(), b"one");
        // To ask for it again is no fault.
        assert_eq!(forward(&stage, flag, &spec), told);
        let mut under_way = open();
        says(&mut under_way, b"two");
        stage.order("cancel", &[flag, &spec]).expect(0, &[]);
        wait_until("it still listens", || TcpStream::connect(entered).is_err());
        says(&mut under_way, b"three");
        let again = stage.order("cancel", &[flag, &spec]);
        again.expect(255, &[&format!("there is no tunnel {flag} {spec}"), "hint: "]);
    }
    for (flag, spec) in [("-L", format!("{path}:{echo}")), ("-R", format!("{path}:{echo}"))] {
        assert_eq!(forward(&stage, flag, &spec), "");
        says(UnixStream::connect(&path).unwrap(), b"four");
        stage.order("cancel", &[flag, &spec]).expect(0, &[]);
        wait_until("it still listens", || UnixStream::connect(&path).is_err());
        // sshd leaves the file.
        let _ = std::fs::remove_file(&path);
    }
    assert_eq!(stage.server.connections(), 1);
}

#[test]
fn what_cannot_be_opened_comes_back_with_its_cause() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let spec = format!("127.0.0.1:{}:host:1", taken.local_addr().unwrap().port());
    stage
        .order("forward", &["-L", &spec])
        .expect(255, &["cannot listen on", "hint: another program"]);
    stage
        .order("forward", &["-R", &spec])
        .expect(255, &["the server does not listen on", "hint: "]);
    stage.order("forward", &[]).expect(255, &["no tunnel is named", "hint: "]);
}

#[test]
fn tunnels_of_a_call_stay_with_the_master() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let echo = echo(b"");
    let entry = free();
    let spec = format!("{entry}:{echo}");
    stage.run(&["-L", &spec], &["true"], b"").expect(0, &[]);
    says(TcpStream::connect(entry).unwrap(), b"word");
    stage.order("cancel", &["-L", &spec]).expect(0, &[]);
}

#[test]
fn the_tunnels_of_the_master_itself_can_be_cancelled() {
    let stage = Stage::new();
    let echo = echo(b"");
    let entry = free();
    let spec = format!("{entry}:{echo}");
    let _master = stage.master(&["-L", &spec]);
    says(TcpStream::connect(entry).unwrap(), b"word");
    stage.order("cancel", &["-L", &spec]).expect(0, &[]);
    wait_until("it still listens", || TcpStream::connect(entry).is_err());
    let mut cat = stage.ssh(&[], &["cat"]).stdin(Stdio::piped()).spawn().unwrap();
    drop(cat.stdin.take());
    assert!(cat.wait().unwrap().success());
}
