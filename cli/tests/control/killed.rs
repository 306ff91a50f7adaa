//! A master that is killed in mid-use.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;

use crate::adit::Adit;
use crate::stage::{Stage, wait_until};

#[test]
fn its_clients_say_so_and_its_socket_is_in_nobodys_way() {
    let stage = Stage::new();
    let master = stage.master(&[]);
    let mut client = stage.ssh(&[], &["echo runs; cat"]);
    client.stdin(Stdio::piped());
    let mut client = Adit::start(client);
    client.child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    master.signal(Signal::KILL);
    client.end().expect(255, &["the master of the connection has ended", "hint: "]);
    assert!(Path::new(&stage.socket).exists(), "it had no time to remove it");
    stage.order("check", &[]).expect(255, &["the master has gone and left its socket"]);
    // Without a word on masters the connection is made, and the file stays.
    stage.run(&[], &["exit 5"], b"").expect(5, &[]);
    let mut next = Adit::start(stage.ssh(&["-o", "ControlMaster=auto", "-N"], &[]));
    stage.wait_for_socket();
    let told = stage.order("check", &[]);
    told.expect(0, &[&format!("pid={}", next.child.id())]);
    assert!(next.child.try_wait().unwrap().is_none());
}

#[test]
fn a_lost_connection_is_told_to_the_clients_with_its_cause() {
    let mut stage = Stage::new();
    let master = stage.master(&[]);
    let mut client = stage.ssh(&[], &["echo runs; cat"]);
    client.stdin(Stdio::piped());
    let mut client = Adit::start(client);
    client.child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    stage.server.kill();
    let left = client.end();
    assert_eq!(left.code, 255, "{}", left.stderr);
    assert!(!left.stderr.is_empty());
    let left = master.end();
    assert_eq!(left.code, 255, "{}", left.stderr);
    wait_until("the socket stays", || !Path::new(&stage.socket).exists());
}
