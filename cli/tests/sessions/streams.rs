//! Streams: much at once, and ends that come early or late.

use std::io::{Read, Write};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::adit::PATIENCE;
use crate::caller::{BOTH, Caller, server};

/// 100 MiB.
const MUCH: usize = 100 * 1024 * 1024;

#[test]
fn much_goes_all_ways_at_once() {
    let server = server();
    let both = "cat & head -c 104857600 /dev/zero >&2; wait";
    // A job of a shell has no input unless it is told.
    let both = both.replace("cat &", "cat <&3 &");
    let command = format!("exec 3<&0; {both}");
    let mut call =
        Caller::Adit.call(&server, &[], &[&command]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = call.stdin.take().unwrap();
    let (mut output, mut error) = (call.stdout.take().unwrap(), call.stderr.take().unwrap());
    let chunk: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let sent = chunk.clone();
    let writing = thread::spawn(move || {
        for _ in 0..MUCH >> 20 {
            input.write_all(&sent).unwrap();
        }
    });
    let reading = thread::spawn(move || {
        let mut errors = Vec::new();
        error.read_to_end(&mut errors).unwrap();
        errors
    });
    let mut said = Vec::new();
    output.read_to_end(&mut said).unwrap();
    writing.join().unwrap();
    let errors = reading.join().unwrap();
    assert_eq!(call.wait().unwrap().code(), Some(0));
    assert!(said.len() == MUCH && said.chunks(1 << 20).all(|it| it == chunk), "{}", said.len());
    assert!(errors.len() == MUCH && errors.iter().all(|it| *it == 0), "{}", errors.len());
}

#[test]
fn output_that_nobody_reads_ends_the_program() {
    let server = server();
    // By itself it ends by a signal, and in a shell that shell tells how it ended.
    for command in ["exec yes", "yes; exit $?"] {
        let [theirs, ours] = BOTH.map(|caller| {
            let mut call = caller.call(&server, &[], &[command]).spawn().unwrap();
            let mut output = call.stdout.take().unwrap();
            output.read_exact(&mut [0; 2]).unwrap();
            drop(output);
            let left = call.wait_with_output().unwrap();
            (left.status.code(), String::from_utf8(left.stderr).unwrap())
        });
        assert_eq!(ours, theirs, "{command}");
    }
}

#[test]
fn a_program_that_reads_no_more_ends_while_input_is_open() {
    let server = server();
    for caller in BOTH {
        let mut call = caller.call(&server, &[], &["head -c 3"]);
        let mut call = call.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = call.stdin.take().unwrap();
        input.write_all(b"abcdef").unwrap();
        let left = call.wait_with_output().unwrap();
        drop(input);
        assert_eq!((left.status.code(), &*left.stdout), (Some(0), &b"abc"[..]), "{caller:?}");
    }
}

#[test]
fn what_a_child_that_is_left_behind_says_is_waited_for() {
    let server = server();
    for caller in BOTH {
        let begun = Instant::now();
        let command = "(sleep 1; echo late) & echo early; exit 6";
        let left = caller.call(&server, &[], &[command]).output().unwrap();
        assert_eq!(left.status.code(), Some(6), "{caller:?}");
        assert_eq!(left.stdout, b"early\nlate\n", "{caller:?}");
        assert!((Duration::from_secs(1)..PATIENCE).contains(&begun.elapsed()), "{caller:?}");
    }
}

#[test]
fn a_closed_input_is_at_its_end_and_what_was_typed_later_is_somebody_elses() {
    let server = server();
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let input = std::os::fd::OwnedFd::from(theirs.try_clone().unwrap());
    let left = Caller::Adit.call(&server, &[], &["true"]).stdin(input).output().unwrap();
    assert_eq!(left.status.code(), Some(0));
    ours.write_all(b"for the next").unwrap();
    let mut heard = [0; 12];
    { theirs }.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"for the next");
}
