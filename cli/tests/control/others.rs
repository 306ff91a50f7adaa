//! Sockets of other programs at the path, and other programs at the socket.

use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use crate::server::{settings, user};
use crate::stage::Stage;

/// The machine's own `ssh`, with the same words.
fn openssh(stage: &Stage, options: &[&str], words: &[&str]) -> Command {
    let mut ssh = Command::new("/usr/bin/ssh");
    ssh.args(options).args(["-F", "none", "-S", &stage.socket, "-i", &stage.server.file("user")]);
    ssh.args(settings(&stage.server.file("known_hosts")));
    ssh.args(["-p", &stage.server.address.port().to_string(), &format!("{}@127.0.0.1", user())]);
    ssh.args(words).stdin(Stdio::null());
    ssh
}

#[test]
fn the_master_of_openssh_is_recognised_and_left_alone() {
    let stage = Stage::new();
    let mut master = openssh(&stage, &["-M", "-N"], &[]).spawn().unwrap();
    stage.wait_for_socket();
    let left = stage.run(&["-o", "ControlMaster=auto"], &["exit 6"], b"");
    left.expect(6, &["the connection is not shared", "master of OpenSSH", "hint: "]);
    assert_eq!(stage.server.connections(), 2);
    stage.order("exit", &[]).expect(255, &["master of OpenSSH"]);
    let check = openssh(&stage, &["-O", "check"], &[]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    openssh(&stage, &["-O", "exit"], &[]).output().unwrap();
    master.wait().unwrap();
}

#[test]
fn openssh_leaves_the_master_of_adit_alone() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let ran = openssh(&stage, &["-o", "ControlMaster=auto"], &["exit 8"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(8), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(stage.server.connections(), 2);
    stage.order("check", &[]).expect(0, &[]);
}

#[test]
fn a_socket_of_another_program_is_left_alone() {
    let stage = Stage::new();
    let other = UnixListener::bind(&stage.socket).unwrap();
    let left = stage.run(&["-o", "ControlMaster=auto"], &["exit 7"], b"");
    left.expect(7, &["the connection is not shared", "another program"]);
    drop(other);
    std::fs::remove_file(&stage.socket).unwrap();
    std::fs::write(&stage.socket, "a file").unwrap();
    let left = stage.run(&["-o", "ControlMaster=auto"], &["exit 9"], b"");
    left.expect(9, &["is no socket"]);
    assert_eq!(std::fs::read(&stage.socket).unwrap(), b"a file");
}

#[test]
fn a_path_that_is_too_long_is_told_before_anything_is_connected() {
    let mut stage = Stage::new();
    stage.socket = format!("/tmp/{}", "x".repeat(100));
    stage.run(&[], &["true"], b"").expect(255, &["has 105 bytes", "hint: ", "%C"]);
    assert_eq!(stage.server.connections(), 0);
}
