//! A process whose lines are kept in a log and can be waited for.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Context, Error, Result};
use crate::process::{self, Process};

/// As many lines are kept in memory; the log has them all.
const KEPT: usize = 50_000;

/// The longest time between two looks at the interrupt flag.
const SLICE: Duration = Duration::from_millis(100);

/// How long the last words may take; a child that has the output open still may say more.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How many of its last lines a failure quotes.
const QUOTED: usize = 4;

/// A running process; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    process: Process,
    name: String,
    log: PathBuf,
    output: Arc<Output>,
    stdin: Option<ChildStdin>,
}

#[derive(Debug)]
struct Output {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug)]
struct Lines {
    kept: VecDeque<String>,
    /// How many older ones are in the log alone.
    dropped: usize,
    log: File,
    /// How many of standard output and standard error are open still.
    open: usize,
}

impl Watched {
    /// Starts `command` with nothing on its standard input; all it writes goes to `log` as well.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        command.stdin(Stdio::null());
        Self::start_with(name, command, log)
    }

    /// As [`Watched::start`], with a standard input that stays open as long as this lives.
    pub(crate) fn start_open(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        command.stdin(Stdio::piped());
        Self::start_with(name, command, log)
    }

    fn start_with(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let mut file = File::create(log).context(format!("create {}", log.display()))?;
        writeln!(file, "$ {}", process::describe(&command)).context("write a log")?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::spawn(command)?;
        let lines = Lines { kept: VecDeque::new(), dropped: 0, log: file, open: 2 };
        let output = Arc::new(Output { lines: Mutex::new(lines), changed: Condvar::new() });
        let child = process.child();
        read_lines(child.stdout.take(), &output);
        read_lines(child.stderr.take(), &output);
        let stdin = child.stdin.take();
        Ok(Self { process, name: name.to_owned(), log: log.to_path_buf(), output, stdin })
    }

    /// Writes a line to the standard input of a process that was started with an open one.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().ok_or_else(|| Error::new("no standard input"))?;
        writeln!(stdin, "{line}").context(format!("write to {}", self.name))
    }

    /// Ends its standard input.
    pub(crate) fn told_all(&mut self) {
        self.stdin = None;
    }

    /// Waits for the first line, from the start on, of which `wanted` makes something.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let found = self.wait_for_all(what, 1, limit, wanted)?;
        found.into_iter().next().ok_or_else(|| Error::new(format!("no {what}")))
    }

    /// Waits until there are `count` such lines.
    pub(crate) fn wait_for_all<T>(
        &self,
        what: &str,
        count: usize,
        limit: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>> {
        let deadline = Instant::now() + limit;
        let mut lines = self.output.lock();
        let (mut found, mut next) = (Vec::new(), 0);
        loop {
            let unseen = lines.kept.iter().skip(next.max(lines.dropped) - lines.dropped);
            found.extend(unseen.filter_map(|line| wanted(line)));
            next = lines.dropped + lines.kept.len();
            if found.len() >= count {
                return Ok(found);
            }
            if lines.open == 0 {
                return Err(self.failure(&format!("ended before {what}"), &lines));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.failure(&format!("no {what} after {limit:?}"), &lines));
            }
            process::check_interrupt()?;
            lines = self
                .output
                .changed
                .wait_timeout(lines, left.min(SLICE))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits for the end of the process, and for its last words.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let status = self.process.wait(limit).map_err(|error| error.context(&self.name))?;
        let deadline = Instant::now() + LAST_WORDS;
        let mut lines = self.output.lock();
        while lines.open > 0 && Instant::now() < deadline {
            let changed = self.output.changed.wait_timeout(lines, SLICE);
            lines = changed.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(status)
    }

    /// Whether it runs still.
    pub(crate) fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.ended()?.is_none())
    }

    /// Ends it, gently at first.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop()
    }

    /// Asks it to end, as `kill` does.
    pub(crate) fn ask_to_end(&mut self) {
        self.process.signal(Signal::TERM);
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) -> Result<ExitStatus> {
        self.process.kill()
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether a line so far contains `text`.
    pub(crate) fn said(&self, text: &str) -> bool {
        self.output.lock().kept.iter().any(|line| line.contains(text))
    }

    /// How many lines of its whole log contain `text`.
    pub(crate) fn count(&self, text: &str) -> Result<usize> {
        let log = File::open(&self.log).context(format!("read {}", self.log.display()))?;
        let lines = BufReader::new(log).lines();
        Ok(lines.filter(|line| line.as_ref().is_ok_and(|line| line.contains(text))).count())
    }

    /// The last lines, for a message.
    pub(crate) fn last_words(&self) -> String {
        last_of(&self.output.lock())
    }

    fn failure(&self, text: &str, lines: &Lines) -> Error {
        Error::new(format!("{}: {text}; last: {}", self.name, last_of(lines)))
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: String) {
        let mut lines = self.lock();
        // A log that cannot be written is no reason to fail what it tells about.
        let _ = writeln!(lines.log, "{line}");
        lines.kept.push_back(line);
        if lines.kept.len() > KEPT {
            lines.kept.pop_front();
            lines.dropped += 1;
        }
        self.changed.notify_all();
    }

    fn close_one(&self) {
        self.lock().open -= 1;
        self.changed.notify_all();
    }
}

fn read_lines(pipe: Option<impl Read + Send + 'static>, output: &Arc<Output>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        if let Some(pipe) = pipe {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
                let text = String::from_utf8_lossy(&line);
                output.add(text.trim_end_matches(['\n', '\r']).to_owned());
                line.clear();
            }
        }
        output.close_one();
    });
}

fn last_of(lines: &Lines) -> String {
    let said = lines.kept.iter().filter(|line| !line.trim().is_empty());
    let mut last: Vec<&str> = said.rev().take(QUOTED).map(String::as_str).collect();
    last.reverse();
    if last.is_empty() { "(nothing)".to_owned() } else { last.join(" | ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn shell(folder: &Path, script: &str) -> Watched {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Watched::start("shell", command, &folder.join("log")).unwrap()
    }

    #[test]
    fn a_line_is_awaited_on_either_output_and_kept_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let shell = shell(folder.path(), "echo listening on 7 >&2; echo out; sleep 60");
        let port =
            shell.wait_for("port", LONG, |line| line.strip_prefix("listening on ")?.parse().ok());
        assert_eq!(port, Ok(7));
        shell.wait_for("out", LONG, |line| (line == "out").then_some(())).unwrap();
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(log.starts_with("$ sh -c"), "{log}");
        assert!(log.contains("listening on 7\n"), "{log}");
    }

    #[test]
    fn an_open_input_takes_lines_until_it_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("cat");
        command.arg("-u");
        let mut cat = Watched::start_open("cat", command, &folder.path().join("log")).unwrap();
        cat.tell("one").unwrap();
        cat.wait_for("one", LONG, |line| (line == "one").then_some(())).unwrap();
        assert!(cat.is_running().unwrap());
        cat.told_all();
        assert!(cat.wait(LONG).unwrap().success());
    }

    #[test]
    fn several_lines_come_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let shell = shell(folder.path(), "for i in 1 2 3; do echo $i; done");
        let numbers = shell.wait_for_all("numbers", 3, LONG, |line| line.parse::<u8>().ok());
        assert_eq!(numbers, Ok(vec![1, 2, 3]));
        // The command line stands in the log as well.
        assert_eq!(shell.count("2"), Ok(2));
    }

    #[test]
    fn an_end_before_the_line_is_an_error_that_quotes_the_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = shell(folder.path(), "echo no such key; exit 5");
        let error = shell.wait_for("readiness", LONG, |_| None::<()>).unwrap_err().to_string();
        assert_eq!(error, "shell: ended before readiness; last: no such key");
        assert_eq!(shell.wait(LONG).unwrap().code(), Some(5));
    }

    #[test]
    fn a_line_that_does_not_come_is_not_awaited_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let shell = shell(folder.path(), "sleep 60");
        let error = shell.wait_for("word", Duration::from_millis(30), |_| None::<()>).unwrap_err();
        assert!(error.to_string().contains("no word after 30ms"), "{error}");
    }
}
