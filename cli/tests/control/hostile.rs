//! Local programs that mean harm to a master, or do not know better.

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::adit::run;
use crate::stage::Stage;

/// The greeting of adit, with a version of the protocol.
fn hello(version: u8) -> Vec<u8> {
    [&[0, 0, 0, 12, 0, 0, 0, 1][..], b"adit", &[0, 0, 0, version]].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&length[..], &[0, 0, 0, kind], body].concat()
}

/// What the master says until it closes the connection.
fn answer(stage: &Stage, said: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(&stage.socket).unwrap();
    // It may close before it has read all.
    let _ = stream.write_all(said);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    assert!(heard.starts_with(&hello(1)), "{heard:?}");
    heard.split_off(16)
}

#[test]
fn nonsense_hurts_nobody_else() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let greeted = |more: Vec<u8>| [hello(1), more].concat();
    let session_without_descriptors = {
        let (kind, words, terminal, variables) = ([0; 4], [0; 4], [0; 4], [0; 4]);
        [kind, words, terminal, variables, [0; 4], [0; 4], [0, 0, 0, 1]].concat()
    };
    let cases = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 100_000],
        vec![],
        vec![0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4],
        greeted(vec![0xff; 8]),
        greeted(vec![0, 4, 0, 5, 0, 0, 0, 16]),
        greeted(vec![0, 0, 0, 200, 0, 0, 0, 16]),
        greeted(message(99, b"")),
        greeted(message(16, b"more than there should be")),
        greeted(message(17, &[0xff; 40])),
        greeted(message(17, b"\0\0\0\x01L\0\0\0\x05\xff\xfe\0\0\0")),
        greeted(message(32, &[0; 16])),
        greeted(message(23, &session_without_descriptors)),
        greeted(message(24, b"\0\0\0\x03h:1")),
    ];
    for case in cases {
        answer(&stage, &case);
    }
    let told = |said: Vec<u8>| String::from_utf8_lossy(&answer(&stage, &said)).into_owned();
    assert!(told(hello(9)).contains("version 1 of the protocol, and the client 9"));
    assert!(told(greeted(message(17, b"\0\0\0\x01L\0\0\0\x05x y z"))).contains("-L x y z"));
    stage.order("check", &[]).expect(0, &[]);
    stage.run(&[], &["exit 2"], b"").expect(2, &[]);
}

#[test]
fn descriptors_that_nobody_asked_for_are_not_kept() {
    let stage = Stage::new();
    let master = stage.master(&[]);
    let open = || std::fs::read_dir(format!("/proc/{}/fd", master.child.id())).unwrap().count();
    let mut streams = Vec::new();
    for number in 0..20 {
        let stream = UnixStream::connect(&stage.socket).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let many = vec![file.as_fd(); if number % 2 == 0 { 3 } else { 20 }];
        for _ in 0..4 {
            let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(20))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&many)));
            // It closes the connection in the middle.
            let _ = sendmsg(&stream, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL);
        }
        streams.push(stream);
    }
    for mut stream in streams {
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    crate::stage::wait_until("they are kept", || open() < 30);
    stage.order("check", &[]).expect(0, &[]);
}

#[test]
fn another_user_is_refused() {
    if !rustix::process::getuid().is_root() {
        eprintln!("not tried: only root can be another user");
        return;
    }
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let folder = std::path::Path::new(&stage.socket).parent().unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let check = || {
        let words = ["ssh", "-F", "none", "-S", &stage.socket, "-O", "check", "127.0.0.1"];
        let mut command = crate::adit::command(&words.map(str::to_owned));
        command.uid(65534).gid(65534).env("HOME", "/nonexistent");
        run(command, b"")
    };
    check().expect(255, &["ermission denied"]);
    // Also where the file lets everybody connect.
    std::fs::set_permissions(&stage.socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    check().expect(255, &["the master serves its own user only"]);
    stage.order("check", &[]).expect(0, &[]);
}
