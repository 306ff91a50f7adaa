//! `-W`: standard input and output joined to one target.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::thread;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::process::Signal;

use crate::adit::{Adit, PATIENCE, command, run};
use crate::server::{Server, open, user};
use crate::service::{echo, nobody, resetter, silence, speaker};

/// Much, of all values of a byte, without a period that a block could have.
fn much() -> Vec<u8> {
    (0..12_500_000_u32)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

fn to(target: impl ToString) -> (Server, String) {
    let target = target.to_string();
    (Server::adit(std::slice::from_ref(&target)), target)
}

#[test]
fn fifty_megabytes_come_back_and_each_direction_ends_for_itself() {
    let (server, target) = to(echo(b"the end"));
    let mut sent = much();
    let left = run(command(&open(&[&server], &["-W", &target])), &sent);
    left.expect(0, &[]);
    assert_eq!(left.stderr, "");
    sent.extend(b"the end");
    assert!(left.stdout == sent, "{} of {} bytes came back", left.stdout.len(), sent.len());
}

#[test]
fn a_target_that_ends_first_is_still_told_all() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("service");
    let listener = UnixListener::bind(&path).unwrap();
    let service = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        heard
    });
    let (server, target) = to(path.display());
    let mut child =
        command(&open(&[&server], &["-W", &target])).stdin(Stdio::piped()).spawn().unwrap();
    let mut said = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut said).unwrap();
    assert_eq!(said, b"");
    let sent = much();
    child.stdin.take().unwrap().write_all(&sent).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert!(service.join().unwrap() == sent, "not all was heard");
}

#[test]
fn the_end_of_the_target_is_told_while_the_input_goes_on() {
    let (server, target) = to(speaker(b"all I have to say"));
    let mut child =
        command(&open(&[&server], &["-W", &target])).stdin(Stdio::piped()).spawn().unwrap();
    let input = child.stdin.take().unwrap();
    let mut said = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut said).unwrap();
    assert_eq!(said, b"all I have to say");
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_socket_and_a_file_are_as_good_as_pipes_and_keep_their_flags() {
    let (server, target) = to(echo(b"!"));
    let words = open(&[&server], &["-W", &target]);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let kept = theirs.try_clone().unwrap();
    let theirs = OwnedFd::from(theirs);
    let mut socket = command(&words);
    socket.stdin(theirs.try_clone().unwrap()).stdout(theirs);
    let child = Adit::start(socket);
    ours.write_all(b"hello").unwrap();
    ours.read_exact(&mut [0; 5]).unwrap();
    assert!(!fcntl_getfl(&kept).unwrap().contains(OFlags::NONBLOCK), "others would notice");
    drop(kept);
    ours.shutdown(Shutdown::Write).unwrap();
    let mut last = Vec::new();
    ours.read_to_end(&mut last).unwrap();
    assert_eq!(last, b"!");
    child.end().expect(0, &[]);

    let file = server.file("input");
    std::fs::write(&file, b"from a file").unwrap();
    let out = server.file("output");
    let mut files = command(&words);
    files.stdin(File::open(&file).unwrap()).stdout(File::create(&out).unwrap());
    Adit::start(files).end().expect(0, &[]);
    assert_eq!(std::fs::read(&out).unwrap(), b"from a file!");
}

#[test]
fn a_descriptor_that_does_not_block_is_waited_for() {
    let (server, target) = to(echo(b"!"));
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let theirs = OwnedFd::from(theirs);
    let mut socket = command(&open(&[&server], &["-W", &target]));
    socket.stdin(theirs.try_clone().unwrap()).stdout(theirs);
    let child = Adit::start(socket);
    let sent = vec![7; 3_000_000];
    let (mut writer, expected) = (ours.try_clone().unwrap(), sent.len() + 1);
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut heard = Vec::new();
    { ours }.read_to_end(&mut heard).unwrap();
    writing.join().unwrap();
    assert_eq!(heard.len(), expected);
    child.end().expect(0, &[]);
}

#[test]
fn a_target_that_is_not_reached_is_told_with_its_cause_and_nothing_on_standard_output() {
    let refuses = nobody().to_string();
    let server = Server::adit(std::slice::from_ref(&refuses));
    let cases = [(refuses.as_str(), "connection refused"), ("127.0.0.1:1", "not allowed")];
    for (target, cause) in cases {
        let left = run(command(&open(&[&server], &["-W", target])), b"");
        left.expect(14, &[&format!("cannot reach {target}: {cause}"), "hint: "]);
        assert_eq!(left.stdout, b"");
    }
    run(command(&open(&[&server], &["-W", "host"])), b"").expect(2, &["-W host: "]);
    run(command(&open(&[&server], &["-W", "h:1", "-L", "1:h:1"])), b"").expect(2, &["cannot be"]);
}

#[test]
fn a_reset_is_no_clean_end() {
    let (server, target) = to(resetter(b"half an ans"));
    let mut open = command(&open(&[&server], &["-W", &target]));
    open.stdin(Stdio::piped());
    let mut child = Adit::start(open);
    let mut heard = [0; 11];
    child.child.stdout.as_mut().unwrap().read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"half an ans");
    // A reset overtakes what is under way, so it comes only now.
    child.child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    let left = child.end();
    left.expect(15, &[&target, "reset"]);
    assert_eq!(left.stdout, b"");
}

#[test]
fn an_output_that_nobody_reads_is_told() {
    let (server, target) = to(echo(b""));
    let mut child =
        command(&open(&[&server], &["-W", &target])).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"x").unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    // The input goes on, and what comes back cannot be written any more.
    let writing = thread::spawn(move || while input.write_all(&[0; 65_536]).is_ok() {});
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("standard output was closed"), "{said}");
}

#[test]
fn a_server_that_dies_is_a_lost_connection() {
    let (mut server, target) = to(echo(b""));
    let mut open = command(&open(&[&server], &["-W", &target]));
    let mut child = Adit::start({
        open.stdin(Stdio::piped());
        open
    });
    child.child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child.child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    server.kill();
    child.end().expect(15, &["127.0.0.1: the connection failed"]);
}

#[test]
fn a_signal_ends_it_whatever_the_input_does() {
    let (server, target) = to(speaker(b"hello"));
    let (silent, quiet) = to(silence());
    for (server, target) in [(&server, &target), (&silent, &quiet)] {
        let mut open = command(&open(&[server], &["-W", target]));
        open.stdin(Stdio::piped());
        let child = Adit::start(open);
        child.signal(Signal::TERM);
        // It may come before the program listens for it.
        let code = child.end().code;
        assert!(code == 0 || code == -1, "{code}");
    }
}

#[test]
fn it_serves_ssh_as_a_proxy_command() {
    let sshd = Server::sshd("");
    let gateway = Server::adit(&[sshd.address.to_string()]);
    let way = open(&[&gateway], &["-W", "%h:%p"]).join(" ");
    std::fs::write(sshd.file("known"), sshd.known()).unwrap();
    let output = Command::new("ssh")
        .args(["-F", "none", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes"])
        .arg(format!("-oUserKnownHostsFile={}", sshd.file("known")))
        .arg(format!("-oProxyCommand={} {way}", env!("CARGO_BIN_EXE_adit")))
        .args(["-i", &sshd.file("user"), "-p", &sshd.address.port().to_string()])
        .arg(format!("{}@127.0.0.1", user()))
        .arg("head -c 5000000 /dev/zero; echo done >&2; exit 7")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert_eq!(output.stdout.len(), 5_000_000);
    assert_eq!(said, "done\n", "nothing else is said");
}
