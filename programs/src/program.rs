//! A program that runs, and its process group.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::time::{sleep, timeout};

use crate::exit::Exit;
use crate::launcher::WORD;
use crate::orders::Orders;
use crate::streams::Far;

/// This binary, also where its file has been replaced meanwhile.
const OWN: &str = "/proc/self/exe";

/// How long a launcher may take: it may have to ask other machines for groups and home folders.
const LAUNCH: Duration = Duration::from_secs(30);

/// How long a process group may take to end that was told to.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// How long those that a program leaves behind have to arrange themselves.
const SETTLE: Duration = Duration::from_secs(1);

/// When to look again where the system tells too soon of an end, which it should not.
const AGAIN: Duration = Duration::from_millis(10);

/// The most that a launcher has to say.
const WORDS: u64 = 4096;

/// A program that runs, and its process group, which it is the leader of.
///
/// The leader is not taken away from the system's list before this is dropped, so the number of the
/// group is nobody else's until then. Dropping it kills the group; where it was
/// [let go](Self::let_go), it is told by SIGHUP.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    group: Pid,
    /// A descriptor of the leader, to wait for it as for a pipe: it is readable when that has ended.
    ended: pipe::Receiver,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It ends with this.
    Held,
    /// What is left of the group is told, and may go on.
    LetGo,
}

impl Program {
    /// Starts a program.
    ///
    /// # Errors
    /// What could not be done and why, in words for the user.
    pub(crate) async fn start(orders: &Orders, far: Far) -> io::Result<Self> {
        let (near, theirs) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        let mut command = Command::new(OWN);
        command.arg0("adit").arg(WORD).env_clear().current_dir("/");
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let program = Self::new(command.spawn()?)?;
        drop(command);
        let launched = async {
            let rest = orders.send(&near, &far.borrow())?;
            drop(far);
            let mut near = tokio::net::UnixStream::from_std(near)?;
            near.write_all(&rest).await?;
            let mut words = Vec::new();
            near.take(WORDS).read_to_end(&mut words).await?;
            Ok(words)
        };
        let words: io::Result<Vec<u8>> = timeout(LAUNCH, launched).await?;
        match words?.as_slice() {
            [] => Ok(program),
            words => Err(io::Error::other(String::from_utf8_lossy(words).into_owned())),
        }
    }

    fn new(mut child: Child) -> io::Result<Self> {
        let group = Pid::from_child(&child);
        let ended = pidfd_open(group, PidfdFlags::NONBLOCK)
            .map_err(io::Error::from)
            .and_then(|it| pipe::Receiver::from_file_unchecked(File::from(it)));
        match ended {
            Ok(ended) => Ok(Self { child, group, ended, state: State::Held }),
            Err(error) => {
                // It does nothing yet, and ends at once.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Waits until the program has ended, and says how.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; it can be asked again.
    pub(crate) async fn ended(&self) -> Exit {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            let ready = self.ended.readable().await;
            match waitid(WaitId::Pid(self.group), options) {
                Ok(Some(status)) => return Exit::of(&status),
                Ok(None) if ready.is_ok() => sleep(AGAIN).await,
                Ok(None) | Err(_) => return Exit::Status(255),
            }
        }
    }

    /// Sends a signal to the whole group.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process_group(self.group, signal)?)
    }

    /// The program has ended by itself, and its session has: those that it left behind are told by
    /// SIGHUP. Who wants to stay has had time by then to see to that, as `nohup` does.
    pub(crate) async fn let_go(mut self) {
        self.state = State::LetGo;
        sleep(SETTLE).await;
    }

    /// Ends the group: by SIGHUP, and what is left of it after a time of grace by SIGKILL.
    pub(crate) async fn end(self, grace: Duration) {
        // A process that is stopped hears nothing until it goes on.
        let _ = self.signal(Signal::HUP);
        let _ = self.signal(Signal::CONT);
        sleep(grace).await;
    }

    /// As [`end`](Self::end), but no longer than until the leader has ended.
    pub(crate) async fn end_soon(self, grace: Duration) {
        let _ = self.signal(Signal::HUP);
        let _ = self.signal(Signal::CONT);
        // What is left then is killed.
        let _ = timeout(grace, self.ended()).await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // There may be nobody left.
        match self.state {
            State::Held => {
                let _ = self.signal(Signal::KILL);
                // It may not have a group of its own yet.
                let _ = self.child.kill();
            }
            State::LetGo => {
                let _ = self.signal(Signal::HUP);
            }
        }
        match self.child.try_wait() {
            Ok(Some(_)) => {}
            // It dies, and somebody has to wait for it.
            _ => wait(&mut self.child),
        }
    }
}

/// Waits for a process that dies, by a thread: the system may take its time.
fn wait(child: &mut Child) {
    // All that is needed of it goes with its number, which stays its own until it was waited for.
    let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0)) else { return };
    let waiting = std::thread::Builder::new().name("last wait".to_owned()).spawn(move || {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
    });
    if let Err(error) = waiting {
        tracing::warn!(%error, "a process that has ended stays in the list of processes");
    }
}
