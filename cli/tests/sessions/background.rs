//! `-f`, `-N` and `-E`.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::adit::PATIENCE;
use crate::caller::{BOTH, Caller, server};

#[test]
fn a_program_in_the_background_goes_on_when_the_caller_has_ended() {
    let server = server();
    for caller in BOTH {
        let file = server.file("behind");
        let command = format!("sleep 1; echo behind | tee {file}");
        let begun = Instant::now();
        let mut call = caller.call(&server, &["-f"], &[&command]).spawn().unwrap();
        assert_eq!(call.wait().unwrap().code(), Some(0), "{caller:?}");
        assert!(fs::metadata(&file).is_err(), "{caller:?} waited {:?}", begun.elapsed());
        // The output is still that of the caller, and ends with the program.
        let mut said = String::new();
        call.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "behind\n", "{caller:?}");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn tunnels_in_the_background_are_open_when_the_caller_ends() {
    let server = server();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tunnel = format!("{port}:{}", server.address);
    let mut call = Caller::Adit.call(&server, &["-f", "-N", "-L", &tunnel], &[]);
    assert_eq!(call.status().unwrap().code(), Some(0));
    let mut greeting = [0; 8];
    TcpStream::connect(("127.0.0.1", port)).unwrap().read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");
    let behind = running_with(&tunnel);
    kill_process(behind, Signal::TERM).unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20));
    }
}

/// The process that was called with this word, which no other test uses.
fn running_with(word: &str) -> Pid {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let found = processes.filter_map(|process| {
        let pid: i32 = process.file_name().to_str()?.parse().ok()?;
        let words = fs::read(process.path().join("cmdline")).ok()?;
        words.split(|it| *it == 0).any(|it| it == word.as_bytes()).then_some(pid)
    });
    Pid::from_raw(found.max().unwrap()).unwrap()
}

#[test]
fn a_background_that_is_not_reached_has_the_exit_code_of_what_failed_there() {
    let server = server();
    let left =
        Caller::Adit.call(&server, &["-f", "-l", "nobody-here"], &["true"]).output().unwrap();
    assert_eq!(left.status.code(), Some(255));
    let said = String::from_utf8(left.stderr).unwrap();
    assert_eq!(said.matches("refused the login").count(), 1, "{said}");
}

#[test]
fn with_a_log_file_standard_error_is_the_programs_alone() {
    let server = server();
    for caller in BOTH {
        let log = server.file("calls");
        let call = caller.call(&server, &["-E", &log, "-vv"], &["echo theirs >&2"]).output();
        assert_eq!(call.unwrap().stderr, b"theirs\n", "{caller:?}");
        assert!(!fs::read(&log).unwrap().is_empty(), "{caller:?}");
        fs::remove_file(&log).unwrap();
    }
}

#[test]
fn nothing_is_said_by_q() {
    let server = server();
    for caller in BOTH {
        let left = caller.call(&server, &["-q", "-l", "nobody-here"], &["true"]).output().unwrap();
        assert_eq!((left.status.code(), left.stderr), (Some(255), Vec::new()), "{caller:?}");
    }
}

#[test]
fn a_signal_ends_it_with_its_exit_code() {
    let server = server();
    for (caller, signal) in BOTH.into_iter().zip([Signal::TERM, Signal::HUP]) {
        let mut call = caller.call(&server, &[], &["echo ready; sleep 60"]).spawn().unwrap();
        call.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        kill_process(Pid::from_child(&call), signal).unwrap();
        assert_eq!(call.wait().unwrap().code(), Some(255), "{caller:?}");
    }
}
