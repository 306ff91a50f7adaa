//! `ControlMaster ask`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::adit::Adit;
use crate::stage::Stage;

#[test]
fn the_user_is_asked_by_a_program_and_may_refuse() {
    let stage = Stage::new();
    let (answer, asked) = (stage.server.file("answer"), stage.server.file("asked"));
    let program = stage.server.file("ask");
    fs::write(&program, format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >>{asked}\ncat {answer}\n"))
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&answer, "yes\n").unwrap();
    let mut master = stage.ssh(&["-o", "ControlMaster=ask", "-N"], &[]);
    master.env("SSH_ASKPASS", &program).env("DISPLAY", ":0");
    let _master = Adit::start(master);
    stage.wait_for_socket();
    stage.run(&[], &["exit 3"], b"").expect(3, &[]);
    fs::write(&answer, "no\n").unwrap();
    stage
        .run(&[], &["exit 3"], b"")
        .expect(255, &["the master's user does not allow it", "hint: "]);
    stage.order("forward", &["-R", "127.0.0.1:0:host:1"]).expect(255, &["does not allow it"]);
    stage.order("exit", &[]).expect(255, &["does not allow it"]);
    stage.order("check", &[]).expect(0, &[]);
    let asked = fs::read_to_string(asked).unwrap();
    let questions: Vec<&str> = asked.lines().collect();
    let session = "Allow shared connection to 127.0.0.1? ";
    assert_eq!(questions[..2], [session, session]);
    assert_eq!(questions[2], "Open -R 127.0.0.1:0:host:1 on 127.0.0.1? ");
}
