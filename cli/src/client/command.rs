//! A command that leads to the first server.

pub(crate) mod words;

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use adit_forward::stream;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a command may take to end when it is asked to.
const GRACE: Duration = Duration::from_millis(500);

/// A command that runs. Once this is dropped, it is ended.
///
/// ```text
///  runs --- it ends by itself ----------------.
///    |                                        v
///    '-- dropped --> hung up --> killed --> reaped
/// ```
#[derive(Debug)]
pub(super) struct Running {
    words: String,
    status: watch::Receiver<Option<ExitStatus>>,
    minder: JoinHandle<()>,
    held: oneshot::Sender<Infallible>,
}

/// Its standard input and output.
#[derive(Debug)]
pub(super) struct Stream {
    input: Option<ChildStdin>,
    output: ChildStdout,
}

/// Starts a command by the user's shell, as ssh does. What it says to standard error goes where
/// this process says its own.
///
/// # Errors
/// Where the shell cannot be started.
pub(super) fn start(words: String) -> io::Result<(Stream, Running)> {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let mut child = Command::new(shell.unwrap_or_else(|| "/bin/sh".into()))
        .arg("-c")
        .arg(format!("exec {words}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    let input = child.stdin.take();
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (held, released) = oneshot::channel();
    let (tell, status) = watch::channel(None);
    let minder = tokio::spawn(mind(child, released, tell));
    Ok((Stream { input, output }, Running { words, status, minder, held }))
}

/// Waits for the end of a command, and brings it about once nobody uses it.
async fn mind(
    mut child: Child,
    released: oneshot::Receiver<Infallible>,
    tell: watch::Sender<Option<ExitStatus>>,
) {
    tokio::select! {
        status = child.wait() => {
            tell.send_replace(status.ok());
            return;
        }
        _ = released => {}
    }
    // Not reaped, it still has its number.
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?))
        && let Err(error) = kill_process(pid, Signal::HUP)
    {
        tracing::debug!(%error, "the proxy command cannot be hung up on");
    }
    if timeout(GRACE, child.wait()).await.is_err()
        && let Err(error) = child.kill().await
    {
        tracing::debug!(%error, "the proxy command cannot be killed");
    }
}

impl Running {
    /// How it failed, where it has, or is about to: its streams close before it ends. One that
    /// ended content says nothing.
    pub(super) async fn failed(&mut self) -> Option<String> {
        let told = timeout(GRACE, self.status.wait_for(Option::is_some)).await.ok()?.ok()?;
        let status = (*told).filter(|status| !status.success())?;
        Some(format!("the proxy command `{}` ended: {status}", self.words))
    }

    /// Ends it, and waits until it is gone.
    pub(super) async fn end(self) {
        drop(self.held);
        if let Err(error) = self.minder.await {
            tracing::debug!(%error, "nobody waits for the proxy command");
        }
    }
}

impl stream::Stream for Stream {}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(cx, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.input {
            Some(input) => Pin::new(input).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.input {
            Some(input) => Pin::new(input).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input = None;
        Poll::Ready(Ok(()))
    }
}
