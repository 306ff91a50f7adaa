//! `-O`.

use std::net::TcpStream;
use std::path::Path;

use crate::adit::run;
use crate::stage::{Stage, free, wait_until};

#[test]
fn a_master_says_that_it_is_there_and_ends_when_it_is_told_to() {
    let stage = Stage::new();
    stage
        .order("check", &[])
        .expect(255, &["no master is running at", "there is no socket", "hint: "]);
    let master = stage.master(&[]);
    let told = stage.order("check", &[]);
    told.expect(0, &[&format!("Master running (pid={})", master.child.id())]);
    assert!(told.stdout.is_empty());
    stage.order("exit", &[]).expect(0, &["Exit request sent."]);
    assert_eq!(master.end().code, 0);
    assert!(!Path::new(&stage.socket).exists());
    stage.server.wait();
    stage.order("check", &[]).expect(255, &["no master is running at"]);
}

#[test]
fn a_master_that_is_stopped_takes_nobody_new_and_ends_with_what_it_has() {
    let stage = Stage::new();
    let master = stage.master(&[]);
    let mut client =
        stage.ssh(&[], &["cat; exit 9"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("it does not run", || {
        String::from_utf8(stage.order("channels", &[]).stdout).unwrap().contains("command cat")
    });
    stage.order("stop", &[]).expect(0, &["Stop listening request sent."]);
    wait_until("the socket stays", || !Path::new(&stage.socket).exists());
    assert_eq!(stage.run(&[], &["true"], b"").code, 0);
    assert_eq!(stage.server.connections(), 2, "the last one had to go by itself");
    drop(client.stdin.take());
    assert_eq!(client.wait().unwrap().code(), Some(9));
    assert_eq!(master.end().code, 0);
}

#[test]
fn what_the_connection_is_and_carries_is_told() {
    let stage = Stage::new();
    let echo = crate::service::echo(b"");
    let _master = stage.master(&[]);
    let entry = free();
    let spec = format!("{entry}:{echo}");
    stage.order("forward", &["-L", &spec]).expect(0, &[]);
    let mut app = TcpStream::connect(entry).unwrap();
    std::io::Write::write_all(&mut app, b"12345").unwrap();
    std::io::Read::read_exact(&mut app, &mut [0; 5]).unwrap();
    let told = String::from_utf8(stage.order("channels", &[]).stdout).unwrap();
    let tunnel = format!("tunnel   local           -L {spec}  (listening on {entry})");
    for words in [&*tunnel, &format!("-> {echo}  (5 bytes forth, 5 bytes back")] {
        assert!(told.contains(words), "{words} is missing in:\n{told}");
    }
    let told = String::from_utf8(stage.order("conninfo", &[]).stdout).unwrap();
    let port = stage.server.address.port();
    for words in [
        "cipher",
        "key exchange",
        "server              SSH-2.0-OpenSSH",
        "received",
        &format!("127.0.0.1 port {port}"),
        &stage.socket,
    ] {
        assert!(told.contains(words), "{words} is missing in:\n{told}");
    }
}

#[test]
fn an_order_that_is_none_is_told_with_those_that_there_are() {
    let stage = Stage::new();
    stage
        .order("dance", &[])
        .expect(255, &["there is no such order", "hint: one of check, forward"]);
    let words = ["ssh", "-F", "none", "-O", "check", "127.0.0.1"].map(str::to_owned);
    run(crate::adit::command(&words), b"").expect(255, &["-O needs a ControlPath"]);
}
