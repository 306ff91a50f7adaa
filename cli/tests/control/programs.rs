//! Programs that call `ssh`, and share a connection by its options, as ansible has them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::server::user;
use crate::stage::Stage;

/// The options by which ansible calls ssh, but for those that the stage has.
const ANSIBLE: [&str; 6] = ["-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-tt"];

#[test]
fn git_and_rsync_and_calls_like_those_of_ansible_have_one_connection() {
    let stage = Stage::new();
    let folder = stage.server.file("");
    let call = |options: &[&str]| {
        let mut words = stage.words(options, &[]);
        // The destination is theirs.
        words.pop();
        format!("{} ssh {}", env!("CARGO_BIN_EXE_adit"), words.join(" "))
    };
    let shared = call(&["-o", "ControlMaster=auto", "-o", "ControlPersist=60s"]);
    let run = |command: &mut Command| {
        let output = command.current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    fs::create_dir(format!("{folder}/from")).unwrap();
    fs::write(format!("{folder}/from/file"), vec![7; 3_000_000]).unwrap();
    let at = |path: &str| format!("{}@127.0.0.1:{folder}{path}", user());
    run(Command::new("rsync").args(["-a", "-e", &shared, &at("from/"), "by_rsync"]));
    run(Command::new("rsync").args(["-a", "-e", &shared, "from/", &at("back/")]));
    for copy in ["by_rsync", "back"] {
        assert_eq!(fs::read(format!("{folder}/{copy}/file")).unwrap().len(), 3_000_000);
    }
    run(Command::new("git").args(["init", "-q", "--bare", "repository"]));
    let mut clone = Command::new("git");
    run(clone.args(["clone", "-q", &at("repository"), "clone"]).env("GIT_SSH_COMMAND", &shared));
    assert!(Path::new(&format!("{folder}/clone/.git")).exists());
    for number in 0..5 {
        let command = format!("/bin/sh -c 'echo task {number} && exit {number}'");
        let left = stage.run(&ANSIBLE, &[&command], b"");
        assert_eq!(left.code, number, "{}", left.stderr);
        assert_eq!(left.stdout, format!("task {number}\r\n").into_bytes());
    }
    assert_eq!(stage.server.connections(), 1);
    stage.order("exit", &[]).expect(0, &[]);
    stage.server.wait();
}

#[test]
fn a_call_that_goes_to_the_background_may_be_the_master() {
    let stage = Stage::new();
    stage.run(&["-f", "-N", "-M"], &[], b"").expect(0, &[]);
    stage.order("check", &[]).expect(0, &["Master running"]);
    stage.run(&[], &["exit 4"], b"").expect(4, &[]);
    // One that persists, too, by a call that goes to the background itself.
    stage.order("exit", &[]).expect(0, &[]);
    stage.server.wait();
    let options = ["-f", "-o", "ControlMaster=auto", "-o", "ControlPersist=yes"];
    let left = stage.run(&options, &["echo behind"], b"");
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"behind\n");
    stage.order("check", &[]).expect(0, &["Master running"]);
    stage.order("exit", &[]).expect(0, &[]);
    stage.server.wait();
}
