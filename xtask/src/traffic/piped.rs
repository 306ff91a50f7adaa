//! A program whose standard input and output are the tunnel.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

/// Between two looks for the end of the program.
const PAUSE: Duration = Duration::from_millis(10);

/// A running program; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Piped {
    child: Mutex<Child>,
    /// None once this direction is finished.
    input: Mutex<Option<ChildStdin>>,
    output: ChildStdout,
    patience: Mutex<Duration>,
}

impl Piped {
    /// Starts the program; what it says on standard error goes where ours does.
    pub(crate) fn start(words: &[String]) -> io::Result<Self> {
        let nothing = || io::Error::new(ErrorKind::InvalidInput, "no program");
        let (program, words) = words.split_first().ok_or_else(nothing)?;
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a program without pipes"));
        };
        // Our end alone: that of the program is another one.
        rustix::io::ioctl_fionbio(&input, true)?;
        let patience = Mutex::new(Duration::from_secs(60));
        Ok(Self { child: Mutex::new(child), input: Mutex::new(Some(input)), output, patience })
    }

    /// Waits for the end of the program, which has things under way that it took already; an error
    /// unless it ends well.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.finish();
        let deadline = Instant::now() + self.patience();
        loop {
            match lock(&self.child).try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(io::Error::other(format!("it ended with {status}"))),
                None if Instant::now() > deadline => return Err(ErrorKind::TimedOut.into()),
                None => thread::sleep(PAUSE),
            }
        }
    }

    fn patience(&self) -> Duration {
        *lock(&self.patience)
    }

    pub(crate) fn set_patience(&self, patience: Duration) {
        *lock(&self.patience) = patience;
    }

    /// Ends the sending direction alone.
    pub(crate) fn finish(&self) {
        *lock(&self.input) = None;
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        wait(&self.output, PollFlags::IN, self.patience())?;
        Ok(rustix::io::read(&self.output, buffer)?)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let patience = self.patience();
        let mut input = lock(&self.input);
        let Some(input) = input.as_mut() else { return Err(ErrorKind::BrokenPipe.into()) };
        wait(&*input, PollFlags::OUT, patience)?;
        input.write(bytes)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        self.finish();
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(pipe: &impl AsFd, flags: PollFlags, limit: Duration) -> io::Result<()> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    let mut watched = [PollFd::new(pipe, flags)];
    loop {
        match rustix::event::poll(&mut watched, Some(&limit)) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(words: &[&str]) -> Piped {
        Piped::start(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn one_direction_ends_while_the_other_goes_on() {
        let piped = start(&["sh", "-c", "cat >/dev/null; echo done"]);
        assert_eq!(piped.write(b"some").unwrap(), 4);
        piped.finish();
        let mut buffer = [0; 16];
        assert_eq!(piped.read(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"done\n");
        assert_eq!(piped.read(&mut buffer).unwrap(), 0);
        assert_eq!(piped.write(b"more").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_program_that_ends_badly_is_an_error() {
        assert!(start(&["cat"]).end().is_ok());
        let error = start(&["sh", "-c", "cat; exit 14"]).end().unwrap_err();
        assert!(error.to_string().contains("14"), "{error}");
    }

    #[test]
    fn whoever_waits_to_read_keeps_nobody_from_writing() {
        let piped = start(&["cat"]);
        thread::scope(|scope| {
            let reader = scope.spawn(|| piped.read(&mut [0; 4]).unwrap());
            thread::sleep(PAUSE);
            piped.write(b"some").unwrap();
            assert_eq!(reader.join().unwrap(), 4);
        });
    }

    #[test]
    fn a_program_that_says_and_reads_nothing_is_not_awaited_for_ever() {
        let piped = start(&["sleep", "60"]);
        piped.set_patience(Duration::from_millis(20));
        assert_eq!(piped.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::TimedOut);
        let full = loop {
            if let Err(error) = piped.write(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::TimedOut);
    }
}
