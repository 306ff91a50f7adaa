//! SIGTERM, while something runs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use rustix::process::Signal;

use crate::house::House;

#[test]
fn a_transfer_under_way_ends_by_itself_and_has_its_line() {
    let house = House::new();
    let mut gateway = house.serve();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let mut ssh = house.ssh(&gateway, "ann");
    ssh.args(["-W", &target, "ann@127.0.0.1"]).stdout(Stdio::piped()).stdin(Stdio::piped());
    let mut ssh = ssh.spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"first ").unwrap();
    let mut first = [0; 6];
    let mut out = ssh.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    gateway.signal(Signal::TERM);
    gateway.expect("stopping");
    let address = gateway.address;
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    let rest = vec![7; 3_000_000];
    let sent = rest.clone();
    let sender = std::thread::spawn(move || stream.write_all(&sent).unwrap());
    // Its end is that of what it reads, too.
    drop(ssh.stdin.take());
    let mut received = Vec::new();
    out.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert!(received == rest, "{} of {} bytes came", received.len(), rest.len());
    assert!(ssh.wait().unwrap().success());
    assert_eq!(gateway.end(), 0);
    let flows = house.read("flow.jsonl");
    assert!(flows.contains("\"bytes_to_client\":3000006"), "{flows}");
    assert_eq!(flows.lines().count(), 1);
}
