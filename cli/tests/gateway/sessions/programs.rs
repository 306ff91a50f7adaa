//! Programs without a terminal: their streams, their ends, and what they find.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::house::Gateway;
use crate::sessions::{SESSIONS, exec, house, is_gone, me, ssh};

#[test]
fn a_command_has_its_streams_and_its_status() {
    let house = house();
    let gateway = house.serve();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let (code, out, errors) = exec(&house, &gateway, "cat; echo errors >&2; exit 7", &bytes);
    assert_eq!((code, errors.as_str()), (7, "errors\n"));
    assert!(out == bytes, "{} of {} bytes", out.len(), bytes.len());
    let flow = house.flows(gateway);
    let line: serde_json::Value = serde_json::from_str(flow.lines().last().unwrap()).unwrap();
    assert_eq!((&line["direction"], &line["exit_status"]), (&"session".into(), &7.into()));
    assert_eq!(line["target"], "exec cat; echo errors >&2; exit 7");
    assert_eq!(line["account"], me());
    assert_eq!(
        (&line["bytes_from_client"], &line["bytes_to_client"]),
        (&100_000.into(), &100_007.into(),)
    );
}

#[test]
fn a_shell_runs_what_comes_as_a_login_shell() {
    let house = house();
    let gateway = house.serve();
    let mut ssh = house.ssh(&gateway, "ann");
    ssh.args(["-o", "LogLevel=ERROR", "-T", "ann@127.0.0.1"]);
    let mut child = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"echo \"name $0\"; pwd; exit 3\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{out}");
    assert!(out.contains("name -"), "{out}");
}

#[test]
fn every_exit_status_arrives_by_one_connection() {
    let house = house();
    let gateway = house.serve();
    let path = house.path("control");
    let control = ["-S", path.as_str()];
    let mut master = ssh(&house, &gateway, &["-M", "-S", &path], "echo ready; cat");
    let mut master = master.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(master.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    for statuses in (0..=255).collect::<Vec<_>>().chunks(8) {
        let begin = |status: &i32| {
            ssh(&house, &gateway, &control, &format!("exit {status}")).spawn().unwrap()
        };
        let running: Vec<_> = statuses.iter().map(begin).collect();
        for (mut ssh, status) in running.into_iter().zip(statuses) {
            assert_eq!(ssh.wait().unwrap().code(), Some(*status));
        }
    }
    drop(master.stdin.take());
    assert!(master.wait().unwrap().success());
}

#[test]
fn a_hundred_mebibytes_go_in_and_come_out_of_both_ends() {
    const LEN: usize = 100 << 20;
    let house = house();
    let gateway = house.serve();
    let mut ssh = ssh(&house, &gateway, &[], "tee /dev/stderr");
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ssh.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let pattern: Vec<u8> =
        (0..1 << 18).flat_map(|at: u32| at.wrapping_mul(7919).to_le_bytes()).collect();
    let sent = pattern.clone();
    let writer = thread::spawn(move || {
        (0..LEN / sent.len()).for_each(|_| stdin.write_all(&sent).unwrap());
    });
    let read = |mut from: Box<dyn Read + Send>, pattern: Vec<u8>| {
        thread::spawn(move || {
            let mut piece = vec![0; pattern.len()];
            for at in 0..LEN / pattern.len() {
                from.read_exact(&mut piece).unwrap();
                assert!(piece == pattern, "mebibyte {at}");
            }
            assert_eq!(from.read(&mut piece).unwrap(), 0);
        })
    };
    let out = read(Box::new(child.stdout.take().unwrap()), pattern.clone());
    let errors = read(Box::new(child.stderr.take().unwrap()), pattern);
    for thread in [writer, out, errors] {
        thread.join().unwrap();
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_program_may_close_its_ends_early_and_ends_as_it_ends() {
    let house = house();
    let gateway = house.serve();
    let much = vec![b'x'; 8 << 20];
    let (code, out, _) = exec(&house, &gateway, "exec <&-; sleep 0.2; echo done; exit 5", &much);
    assert_eq!((code, out.as_slice()), (5, b"done\n".as_slice()));
    let (code, ..) = exec(&house, &gateway, "exec >&- 2>&-; sleep 0.2; exit 9", b"");
    assert_eq!(code, 9);
}

#[test]
fn a_child_that_is_left_behind_holds_the_channel_by_its_descriptors_alone() {
    let house = house();
    let gateway = house.serve();
    let began = Instant::now();
    let (code, out, _) = exec(&house, &gateway, "(sleep 1; echo late) & exit 4", b"");
    assert_eq!((code, out.as_slice()), (4, b"late\n".as_slice()), "as with sshd");
    assert!(began.elapsed() >= Duration::from_secs(1));
    let line = "sleep 1000 <&- >&- 2>&- & echo $!; exit 4";
    let (code, out, _) = exec(&house, &gateway, line, b"");
    assert_eq!(code, 4);
    // It was told that the session is over.
    is_gone(String::from_utf8(out).unwrap().trim());
    let line = "trap '' HUP; sleep 1000 <&- >&- 2>&- & echo $!; exit 4";
    let (_, out, _) = exec(&house, &gateway, line, b"");
    thread::sleep(Duration::from_secs(2));
    let process = String::from_utf8(out).unwrap().trim().to_owned();
    let ended = Command::new("kill").args(["-9", &process]).status().unwrap();
    assert!(ended.success(), "who does not want to hear of it stays");
}

/// What a program says first: the numbers of itself and a child that ignores SIGHUP.
fn begin(child: &mut std::process::Child) -> Vec<String> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    vec![lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap()]
}

const STUBBORN: &str = "trap '' HUP; sleep 1000 & echo $$; echo $!; wait";

#[test]
fn the_process_group_ends_with_the_client() {
    let house = house();
    let gateway = house.serve();
    let mut ssh = ssh(&house, &gateway, &[], STUBBORN);
    let mut ssh = ssh.stdout(Stdio::piped()).spawn().unwrap();
    let processes = begin(&mut ssh);
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    processes.iter().for_each(|process| is_gone(process));
}

#[test]
fn the_process_group_ends_with_the_gateway() {
    let house = house();
    let mut gateway = house.serve();
    let mut ssh = ssh(&house, &gateway, &[], STUBBORN);
    let mut ssh = ssh.stdout(Stdio::piped()).spawn().unwrap();
    let processes = begin(&mut ssh);
    gateway.signal(Signal::TERM);
    gateway.expect("stopping");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.end(), 0);
    processes.iter().for_each(|process| is_gone(process));
    ssh.wait().unwrap();
}

#[test]
fn nothing_of_the_gateway_is_in_a_program() {
    let house = house();
    let mut serve = Command::new("sh");
    // What the gateway was started with is no business of programs either.
    serve.args(["-c", "exec \"$@\" 9</dev/null", "sh", env!("CARGO_BIN_EXE_adit"), "serve"]);
    serve.args(["--config", &house.path("adit-serve.toml")]);
    serve.env("ADIT_PROXY", "user:secret").env("LD_LIBRARY_PATH", "/nowhere").stdin(Stdio::null());
    let gateway = Gateway::start(serve);
    // Not in a pipe: until it has started all of it the shell has its ends open too.
    let line = "ls -C -w 0 /proc/$$/fd; tr '\\0' '\\n' </proc/$$/environ; \
        grep SigBlk /proc/self/status; ulimit -Hc";
    let (code, out, errors) = exec(&house, &gateway, line, b"");
    let out = String::from_utf8(out).unwrap();
    assert_eq!(code, 0, "{out}{errors}");
    assert!(out.starts_with("0  1  2\n"), "{out}");
    assert!(!out.contains("secret") && !out.contains("/nowhere") && !out.contains("ADIT"), "{out}");
    assert!(out.contains("SSH_CONNECTION=127.0.0.1 "), "{out}");
    assert!(out.contains("SigBlk:\t0000000000000000"), "{out}");
    let hard = Command::new("sh").args(["-c", "ulimit -Hc"]).output().unwrap();
    assert!(out.ends_with(&String::from_utf8(hard.stdout).unwrap()), "{out}");
}

#[test]
fn a_gateway_reads_who_may_have_what_again() {
    let house = house();
    let mut gateway = house.serve();
    assert_eq!(exec(&house, &gateway, "exit 3", b"").0, 3);
    house.configure(&format!("account = \"{}\"\n{}", me(), SESSIONS.replace("\"exec\", ", "")));
    gateway.signal(Signal::HUP);
    gateway.expect("was read again");
    let (code, _, errors) = exec(&house, &gateway, "exit 3", b"");
    assert_eq!(code, 255, "{errors}");
}
