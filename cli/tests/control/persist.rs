//! `ControlPersist`.

use std::path::Path;

use crate::stage::{Stage, wait_until};

fn pid(told: &str) -> i32 {
    let (_, rest) = told.split_once("pid=").unwrap();
    rest.split(')').next().unwrap().parse().unwrap()
}

#[test]
fn a_master_stays_in_the_background_for_the_next_and_ends_when_it_was_idle() {
    let stage = Stage::new();
    let options = ["-o", "ControlMaster=auto", "-o", "ControlPersist=2"];
    for number in 1..4 {
        let left = stage.run(&options, &[&format!("echo {number}; exit {number}")], b"");
        left.expect(number, &[]);
        assert_eq!(left.stdout, format!("{number}\n").into_bytes());
    }
    assert_eq!(stage.server.connections(), 1);
    let told = stage.order("check", &[]);
    told.expect(0, &["Master running"]);
    assert!(Path::new(&format!("/proc/{}", pid(&told.stderr))).exists());
    // It ends by itself, and its connection with it.
    stage.server.wait();
    wait_until("the socket stays", || !Path::new(&stage.socket).exists());
}

#[test]
fn it_lasts_until_it_is_told_to_end_and_has_no_terminal_and_no_streams_of_the_first_call() {
    let stage = Stage::new();
    let options = ["-o", "ControlMaster=auto", "-o", "ControlPersist=yes"];
    // The call ends, though who reads its output waits for all that have it.
    let left = stage.run(&options, &["true"], b"");
    left.expect(0, &[]);
    assert!(left.stderr.is_empty(), "{}", left.stderr);
    let pid = pid(&stage.order("check", &[]).stderr);
    for descriptor in 0..3 {
        let at = std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap();
        assert_eq!(at, Path::new("/dev/null"), "{descriptor}");
    }
    stage.order("exit", &[]).expect(0, &[]);
    stage.server.wait();
}

#[test]
fn a_login_that_fails_is_told_once_and_nothing_stays() {
    let stage = Stage::new();
    let options = [
        "-o",
        "ControlMaster=auto",
        "-o",
        "ControlPersist=yes",
        "-o",
        "IdentityFile=none",
        "-o",
        "IdentitiesOnly=yes",
        "-l",
        "nobody-at-all",
    ];
    let left = stage.run(&options, &["true"], b"");
    assert_eq!(left.code, 255, "{}", left.stderr);
    assert_eq!(left.stderr.matches("adit: ").count(), 1, "{}", left.stderr);
    assert!(!Path::new(&stage.socket).exists());
}
