//! A process of the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that should come at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process of the program that talks on, ended with the test.
pub(crate) struct Adit {
    pub(crate) child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

/// What a process that has ended left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Left {
    /// Checks the exit code, and that all of these words were said.
    pub(crate) fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.stderr);
        for words in words {
            assert!(self.stderr.contains(words), "\"{words}\" is missing in:\n{}", self.stderr);
        }
    }
}

/// The words, and for `adit open` and `adit why` one more: the files of whoever runs the tests are no part of
/// them, unless the words name one.
fn without_files(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    if words.first().is_some_and(|it| it == "open" || it == "why")
        && !words.iter().any(|it| it.starts_with("-F"))
    {
        words.insert(1, "-Fnone".to_owned());
    }
    words
}

pub(crate) fn command(arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command
        .args(without_files(arguments))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["SSH_AUTH_SOCK", "ADIT_LOG", "ADIT_PROXY", "DISPLAY", "XAUTHORITY"] {
        command.env_remove(name);
    }
    command
}

/// Runs the program to its end, with `input` on its standard input.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Left {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // Who ends early does not read all of it.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
    Left {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Adit {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// Waits for a line with these words, and yields what follows them.
    pub(crate) fn expect(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let len = self.stderr.read_line(&mut line).unwrap();
            self.said.push_str(&line);
            assert!(len > 0, "it ended before it said \"{words}\":\n{}", self.said);
            if let Some((_, rest)) = line.split_once(words) {
                return rest.trim().to_owned();
            }
        }
    }

    /// The address in the line that says where it listens.
    pub(crate) fn listening(&mut self) -> SocketAddr {
        let rest = self.expect("listening on ");
        rest.split([' ', ',']).next().unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Left {
        let mut stdout = Vec::new();
        if let Some(mut output) = self.child.stdout.take() {
            output.read_to_end(&mut stdout).unwrap();
        }
        self.stderr.read_to_string(&mut self.said).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Left { code, stdout, stderr: std::mem::take(&mut self.said) }
    }
}

impl Drop for Adit {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
