//! Child processes: each in a group of its own, each wait with a deadline.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::error::{Context, Error, Result};
use crate::interrupt;

/// How long a process may take to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(3);

/// The same for a program that has things of its own to put away.
const LONG_GRACE: Duration = Duration::from_secs(30);

/// The longest time between two looks at the interrupt flag.
const SLICE: Duration = Duration::from_millis(100);

/// A running process, which is ended with its group when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    handle: OwnedFd,
    ended: Option<ExitStatus>,
}

/// What a process left that ran to its end.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Process {
    /// Starts `command` as it is, in a process group of its own, so that a Ctrl-C of the terminal
    /// reaches this program alone, which then ends its children in order.
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.process_group(0).spawn().map_err(|cause| not_started(&name, &cause))?;
        match open_handle(&child) {
            Ok(handle) => Ok(Self { name, child, handle, ended: None }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.context(format!("watch {name}")))
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The pipes that the command asked for.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The exit status, if the process has ended by now.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().context(format!("ask after {}", self.name))?;
        }
        Ok(self.ended)
    }

    /// Waits for the end; an error when `limit` has passed or a signal asked to stop.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::new(format!("{} still ran after {limit:?}", self.name)));
            }
            check_interrupt()?;
            self.poll(left.min(SLICE))?;
        }
    }

    /// Asks the group to end, waits a little, then makes it end.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        self.stop_within(GRACE)
    }

    fn stop_within(&mut self, grace: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + grace;
        while self.ended()?.is_none() && Instant::now() < deadline {
            self.poll(SLICE)?;
        }
        self.kill()
    }

    /// Ends the group at once.
    pub(crate) fn kill(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::KILL);
        match self.ended {
            Some(status) => Ok(status),
            None => {
                let status = self.child.wait().context(format!("wait for {}", self.name))?;
                self.ended = Some(status);
                Ok(status)
            }
        }
    }

    /// Sends a signal to the whole group. Once the process was reaped its number may be another's.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.ended.is_none()
            && let Some(pid) = pid_of(&self.child)
        {
            // The group is gone already: nothing to do.
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    fn poll(&self, limit: Duration) -> Result<()> {
        let limit = Timespec::try_from(limit).context("a time to wait")?;
        let mut watched = [PollFd::new(&self.handle, PollFlags::IN)];
        match rustix::event::poll(&mut watched, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context(format!("wait for {}", self.name)),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.stop();
        }
    }
}

/// Runs `command` to its end with `input` on its standard input, and collects what it writes.
pub(crate) fn run(mut command: Command, input: &[u8], limit: Duration) -> Result<Finished> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(command)?;
    let stdin = process.child.stdin.take();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        // A program need not read all that it is given.
        let _ = stdin.map(|mut pipe| pipe.write_all(&input));
    });
    let stdout = collect(process.child.stdout.take());
    let stderr = collect(process.child.stderr.take());
    let waited = process.wait(limit);
    if waited.is_err() {
        process.kill()?;
    }
    let stdout = stdout.join().unwrap_or_default();
    let stderr = stderr.join().unwrap_or_default();
    let _ = writer.join();
    let status = waited.map_err(|error| with_tail(error, &stderr))?;
    Ok(Finished { status, stdout, stderr })
}

/// As [`run`] without input; an exit code other than 0 is an error that quotes standard error.
pub(crate) fn succeed(command: Command, limit: Duration) -> Result<String> {
    let described = describe(&command);
    let finished = run(command, &[], limit)?;
    if finished.status.success() {
        return Ok(finished.stdout_text());
    }
    let error = Error::new(format!("{described}: {}", finished.status));
    Err(with_tail(error, &finished.stderr))
}

/// Runs `command` with the output of this program as its own.
pub(crate) fn stream(mut command: Command, limit: Duration) -> Result<ExitStatus> {
    command.stdin(Stdio::null());
    let mut process = Process::spawn(command)?;
    let waited = process.wait(limit);
    if waited.is_err() {
        process.stop_within(LONG_GRACE)?;
    }
    waited
}

/// Where the shell would find `program`; the places of daemons are looked at too.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A failure if a signal asked for the end.
pub(crate) fn check_interrupt() -> Result<()> {
    if interrupt::ends_waits() { Err(Error::new("interrupted")) } else { Ok(()) }
}

impl Finished {
    pub(crate) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The words of a command, for messages.
pub(crate) fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn with_tail(error: Error, stderr: &[u8]) -> Error {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines.iter().skip(lines.len().saturating_sub(6)).copied().collect::<Vec<_>>();
    if tail.is_empty() {
        return error;
    }
    Error::new(format!("{error}\n  {}", tail.join("\n  ")))
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn open_handle(child: &Child) -> Result<OwnedFd> {
    let pid = pid_of(child).ok_or_else(|| Error::new("a process without a number"))?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).context("open a process handle")
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn not_started(name: &str, cause: &std::io::Error) -> Error {
    let error = Error::new(format!("start {name}: {cause}"));
    match cause.kind() {
        std::io::ErrorKind::NotFound => error.hint(format!("install {name}, or put it on PATH")),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_writes_is_collected() {
        let finished = run(shell("cat; echo two >&2"), b"one", Duration::from_secs(20)).unwrap();
        assert_eq!(finished.stdout_text(), "one");
        assert_eq!(finished.stderr_text(), "two\n");
        assert!(finished.status.success());
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let started = Instant::now();
        let error = run(shell("sleep 60 & sleep 60"), &[], Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("still ran after 50ms"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_failing_program_is_an_error_that_quotes_it() {
        let error = succeed(shell("echo no such suite >&2; exit 3"), Duration::from_secs(20))
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("no such suite"), "{error}");
    }

    #[test]
    fn a_missing_program_is_an_error_with_a_hint() {
        let error = Process::spawn(Command::new("no-such-program")).unwrap_err().to_string();
        assert!(error.contains("hint: install no-such-program"), "{error}");
    }

    #[test]
    fn the_group_ends_with_the_process() {
        let mut command = shell("sleep 60 & echo $!; wait");
        command.stdout(Stdio::piped());
        let mut process = Process::spawn(command).unwrap();
        let mut pipe = process.child().stdout.take().unwrap();
        let mut first = [0; 1];
        pipe.read_exact(&mut first).unwrap();
        process.stop().unwrap();
        let mut rest = Vec::new();
        // The end of the pipe comes only when the last holder of it is gone.
        pipe.read_to_end(&mut rest).unwrap();
    }
}
