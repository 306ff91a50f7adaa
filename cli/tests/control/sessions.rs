//! Programs at the server, run by way of a master.

use std::io::{Read, Write};
use std::process::Stdio;
use std::thread;

use crate::adit::{Adit, run};
use crate::stage::Stage;

#[test]
fn many_clients_at_once_have_one_connection_and_each_its_own_exit_code() {
    let stage = Stage::new();
    let master = stage.master(&[]);
    thread::scope(|scope| {
        for number in 0..20_u8 {
            let stage = &stage;
            scope.spawn(move || {
                let command = format!("echo out {number}; echo err {number} >&2; exit {number}");
                let left = stage.run(&[], &[&command], b"");
                assert_eq!(left.code, i32::from(number), "{}", left.stderr);
                assert_eq!(left.stdout, format!("out {number}\n").into_bytes());
                // The files that the user's shell reads first may say something too.
                let said = left.stderr;
                assert!(said.ends_with(&format!("err {number}\n")), "{said}");
            });
        }
    });
    stage.run(&[], &["exit 255"], b"").expect(255, &[]);
    assert_eq!(stage.server.connections(), 1);
    drop(master);
}

#[test]
fn all_octets_pass_both_ways_and_early_ends_are_kept_apart() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let octets: Vec<u8> =
        (0..4_000_000_u32).map(|it| it.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let left = stage.run(&[], &["cat"], &octets);
    left.expect(0, &[]);
    assert!(left.stdout == octets, "{} octets came back", left.stdout.len());
    // The program does not read what it is sent, and the other way round.
    stage.run(&[], &["exit 3"], &octets).expect(3, &[]);
    let left = stage.run(&["-n"], &["cat; echo done"], b"not read");
    assert_eq!((left.code, left.stdout), (0, b"done\n".to_vec()));
    // Nobody reads what the program says.
    let mut client = stage.ssh(&[], &["yes"]);
    let mut child = client.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait().unwrap();
}

#[test]
fn shells_subsystems_and_variables_go_by_the_master() {
    let stage = Stage::with("AcceptEnv MINE\nSubsystem hello echo hi");
    let _master = stage.master(&[]);
    let left = stage.run(&[], &[], b"echo from the shell; exit 7\n");
    assert_eq!(left.code, 7, "{}", left.stderr);
    assert!(String::from_utf8(left.stdout).unwrap().contains("from the shell"));
    let left = stage.run(&["-s"], &["hello"], b"");
    assert_eq!((left.code, left.stdout), (0, b"hi\n".to_vec()));
    let left = stage.run(&["-o", "SetEnv=MINE=yours"], &["echo $MINE"], b"");
    assert_eq!((left.code, left.stdout), (0, b"yours\n".to_vec()));
    stage.run(&["-s"], &["nothing"], b"").expect(255, &["the server refuses the subsystem"]);
    assert_eq!(stage.server.connections(), 1);
}

#[test]
fn a_client_that_is_killed_ends_its_program() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let gone = stage.server.file("gone");
    let script = format!("trap 'touch {gone}' EXIT; echo runs; cat >/dev/null");
    let mut client = stage.ssh(&[], &[&script]).stdin(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 5];
    client.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
    crate::stage::wait_until("the program goes on", || std::path::Path::new(&gone).exists());
    stage.run(&[], &["true"], b"").expect(0, &[]);
}

#[test]
fn stdio_is_joined_to_a_target_by_the_master() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let echo = crate::service::echo(b" and more").to_string();
    let left = run(stage.ssh(&["-W", &echo], &[]), b"said");
    assert_eq!((left.code, left.stdout), (0, b"said and more".to_vec()));
    let nobody = crate::service::nobody().to_string();
    stage.run(&["-W", &nobody], &[], b"").expect(255, &["cannot reach", "hint: "]);
    assert_eq!(stage.server.connections(), 1);
}

#[test]
fn a_client_without_a_program_stays_until_the_master_ends() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let client = Adit::start(stage.ssh(&["-N"], &[]));
    crate::stage::wait_until("the client is not told of", || {
        String::from_utf8(stage.order("channels", &[]).stdout).unwrap().contains("tunnels only")
    });
    stage.order("exit", &[]).expect(0, &[]);
    client.end().expect(255, &["the master of the connection has ended"]);
    stage.server.wait();
}

#[test]
fn the_first_call_is_the_master_of_those_that_come_while_it_lasts() {
    let stage = Stage::new();
    let mut first =
        stage.ssh(&["-o", "ControlMaster=auto"], &["cat"]).stdin(Stdio::piped()).spawn().unwrap();
    stage.wait_for_socket();
    let left = stage.run(&["-o", "ControlMaster=auto"], &["echo second"], b"");
    assert_eq!((left.code, left.stdout), (0, b"second\n".to_vec()));
    let mut second = stage.ssh(&[], &["cat; exit 4"]).stdin(Stdio::piped()).spawn().unwrap();
    crate::stage::wait_until("the second does not run", || {
        String::from_utf8(stage.order("channels", &[]).stdout)
            .unwrap()
            .contains("command cat; exit 4")
    });
    let (mut said, mut heard) = (second.stdin.take().unwrap(), second.stdout.take().unwrap());
    said.write_all(b"1234567").unwrap();
    heard.read_exact(&mut [0; 7]).unwrap();
    let told = String::from_utf8(stage.order("channels", &[]).stdout).unwrap();
    assert!(told.contains("exit 4  (7 bytes forth, 7 bytes back, "), "{told}");
    // The connection lasts as long as somebody uses it.
    first.stdin.take().unwrap().write_all(b"first").unwrap();
    drop(said);
    assert_eq!(second.wait().unwrap().code(), Some(4));
    assert_eq!(first.wait_with_output().unwrap().stdout, b"first");
    assert!(!std::path::Path::new(&stage.socket).exists());
    assert_eq!(stage.server.connections(), 1);
    stage.server.wait();
}
