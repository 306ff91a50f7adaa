//! `ProxyCommand`: a command that leads to the server.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::adit::{Adit, PATIENCE, command, run};
use crate::server::{Server, open};
use crate::service::echo;

/// Waits until a file has a line, and yields it.
fn line_of(file: &str) -> String {
    let begun = Instant::now();
    loop {
        match fs::read_to_string(file) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => thread::sleep(Duration::from_millis(10)),
        }
        assert!(begun.elapsed() < PATIENCE, "{file} was not written");
    }
}

/// Whether a process runs, or waits to be reaped.
fn is_there(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[test]
fn a_command_leads_to_the_server() {
    let sshd = Server::sshd("");
    let target = echo(b"!").to_string();
    let note = sshd.file("note");
    // %h, %n and %p are replaced, and what the command says is passed through.
    let way = format!(
        "-oProxyCommand=sh -c 'echo %h %p %n 100%% >{note}; echo said >&2; exec {}'",
        sshd.command()
    );
    let left = run(command(&open(&[&sshd], &["-W", &target, &way])), b"hello");
    left.expect(0, &["said"]);
    assert_eq!(left.stdout, b"hello!");
    let port = sshd.address.port();
    assert_eq!(line_of(&note), format!("127.0.0.1 {port} 127.0.0.1 100%"));
}

#[test]
fn a_command_that_dies_is_told_with_its_status() {
    let server = Server::adit(&[]);
    let left =
        run(command(&open(&[&server], &["-W", "h:1", "-oProxyCommand=sh -c 'exit 7'"])), b"");
    left.expect(10, &["the proxy command `sh -c 'exit 7'` ended: exit status: 7", "hint: "]);
    let missing = "-oProxyCommand=/no/such/program";
    run(command(&open(&[&server], &["-W", "h:1", missing])), b"").expect(10, &["status: 127"]);
}

#[test]
fn a_command_that_hangs_is_given_up_and_gone() {
    let server = Server::adit(&[]);
    let pid = server.file("pid");
    let way = format!("-oProxyCommand=sh -c 'trap \"\" HUP; echo $$ >{pid}; exec sleep 1000'");
    let begun = Instant::now();
    let words = open(&[&server], &["-W", "h:1", &way, "-oConnectTimeout=2"]);
    run(command(&words), b"").expect(11, &["127.0.0.1: "]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(!is_there(&line_of(&pid)), "the command was left behind");
}

#[test]
fn a_command_that_writes_garbage_is_told() {
    let server = Server::adit(&[]);
    let way = "-oProxyCommand=head -c 1000000 /dev/zero";
    run(command(&open(&[&server], &["-W", "h:1", way])), b"").expect(11, &["127.0.0.1: "]);
}

#[test]
fn a_signal_in_the_middle_of_the_opening_ends_it_and_the_command() {
    let server = Server::adit(&[]);
    let pid = server.file("pid");
    let way = format!("-oProxyCommand=sh -c 'trap \"\" HUP; echo $$ >{pid}; exec sleep 1000'");
    for signal in [Signal::INT, Signal::TERM] {
        let child = Adit::start(command(&open(&[&server], &["-W", "h:1", &way])));
        let sleeper = line_of(&pid);
        let begun = Instant::now();
        child.signal(signal);
        child.end().expect(0, &[]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(!is_there(&sleeper), "the command was left behind");
        fs::remove_file(&pid).unwrap();
    }
}

#[test]
fn a_command_that_dies_later_takes_the_tunnels_with_it() {
    let sshd = Server::sshd("");
    let pid = sshd.file("pid");
    let way = format!("-oProxyCommand=sh -c 'echo $$ >{pid}; exec {}'", sshd.command());
    let mut child = Adit::start(command(&open(&[&sshd], &["-L", "127.0.0.1:0:localhost:1", &way])));
    child.listening();
    let number: i32 = line_of(&pid).parse().unwrap();
    let process = rustix::process::Pid::from_raw(number).unwrap();
    rustix::process::kill_process(process, Signal::KILL).unwrap();
    child.end().expect(15, &["the proxy command", "signal: 9"]);
}

#[test]
fn commands_that_could_do_harm_or_cannot_be_are_refused() {
    let server = Server::adit(&[]);
    let cases = [
        ("-oProxyCommand=nc %x", "unknown token \"%x\""),
        ("-oProxyUseFdpass=yes", "no open connection"),
    ];
    for (option, words) in cases {
        let more = ["-W", "h:1", option, "-oProxyCommand=nc %h %p"];
        run(command(&open(&[&server], &more)), b"").expect(2, &[words]);
    }
    let mut words = open(&[&server], &["-W", "h:1", "-oProxyCommand=nc %h %p"]);
    *words.last_mut().unwrap() = "`touch /tmp/x`".to_owned().replace(' ', "${IFS}");
    run(command(&words), b"").expect(2, &["is no destination"]);
}

#[test]
fn no_command_is_none() {
    let target = echo(b"!").to_string();
    let server = Server::adit(std::slice::from_ref(&target));
    let more = ["-W", &target, "-oProxyCommand=none", "-oProxyJump=nowhere.invalid"];
    let left = run(command(&open(&[&server], &more)), b"straight");
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"straight!");
}
