//! Standard input and output as one end of a tunnel.
//!
//! Whatever they are (files, pipes, sockets, terminals), they are read and written by blocking
//! calls on threads of their own. Their descriptors may be shared with other processes, to whom
//! `O_NONBLOCK` would happen as well, so it is never set. The threads do not keep the process
//! from ending.

mod input;
mod output;

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adit_channels::session::Channel;
use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::time::sleep;

pub(crate) use crate::stdio::input::Input;
pub(crate) use crate::stdio::output::{Ending, Output};

/// How long a target that has got and said everything may take to close the channel.
const QUIET: Duration = Duration::from_secs(5);

/// What broke.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Standard input cannot be read.
    Input(io::Error),
    /// Standard output cannot be written.
    Output(io::Error),
    /// The channel broke, or the connection with it.
    Channel(io::Error),
}

/// Joins standard input and output to a channel. `drained` says whether all that was written to
/// it is sent.
///
/// ```text
///  input ends       the channel is finished; what the target says is still written
///  channel ends     output is closed; what input says is still sent
///  channel closes   that is the end, whatever input does
/// ```
///
/// It is over when both have ended and all is sent, or the channel is closed.
///
/// # Errors
/// Where one of the three breaks. Dropping the future resets the channel.
pub(crate) async fn join(
    channel: Channel,
    mut input: Input,
    mut output: Output,
    drained: impl Fn() -> bool,
) -> Result<(), Fault> {
    // Both directions run in this task, so that neither meets the other in it.
    let channel = Mutex::new(channel);
    let forth = async {
        while let Some(mut chunk) = input.next().await.map_err(Fault::Input)? {
            while !chunk.is_empty() {
                write(&channel, &mut chunk).await.map_err(Fault::Channel)?;
            }
        }
        let finished = poll_fn(|cx| Pin::new(&mut *lock(&channel)).poll_shutdown(cx)).await;
        finished.map_err(Fault::Channel)
    };
    let back = async {
        while let Some(chunk) = read(&channel).await.map_err(Fault::Channel)? {
            output.write(chunk).await.map_err(Fault::Output)?;
        }
        output.finish().await.map_err(Fault::Output)
    };
    let closed = async {
        poll_fn(|cx| lock(&channel).poll_closed(cx)).await;
    };
    let (mut forth, mut back, mut closed) = (pin!(forth), pin!(back), pin!(closed));
    let mut sent = false;
    // The channel says by its other direction how it was closed, and what came before that.
    loop {
        tokio::select! {
            done = &mut back => break done?,
            done = &mut forth, if !sent => match done {
                Ok(()) | Err(Fault::Channel(_)) => sent = true,
                Err(fault) => return Err(fault),
            },
        }
    }
    loop {
        tokio::select! {
            () = &mut closed => return Ok(()),
            done = &mut forth, if !sent => match done {
                Ok(()) => sent = true,
                // It was closed in the middle: what was not sent is not wanted.
                Err(Fault::Channel(_)) => return Ok(()),
                Err(fault) => return Err(fault),
            },
            () = sleep(QUIET), if sent => if drained() {
                return Ok(());
            },
        }
    }
}

async fn read(channel: &Mutex<Channel>) -> io::Result<Option<Bytes>> {
    poll_fn(|cx| lock(channel).poll_chunk(cx)).await
}

async fn write(channel: &Mutex<Channel>, chunk: &mut Bytes) -> io::Result<usize> {
    poll_fn(|cx| lock(channel).poll_write_chunk(cx, chunk)).await
}

fn lock(channel: &Mutex<Channel>) -> MutexGuard<'_, Channel> {
    channel.lock().unwrap_or_else(PoisonError::into_inner)
}
