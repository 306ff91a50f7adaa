//! The target behind a tunnel: it listens, takes an order from each connection, follows it, and
//! writes an account to standard output.

use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::traffic::endpoint::{Endpoint, Listener, Stream};
use crate::traffic::pattern::Pattern;
use crate::traffic::player::{self, Part};
use crate::traffic::script::{Account, Order};

/// An order is a short line; what is longer comes from something else.
const LONGEST_ORDER: usize = 16 * 1024;

/// How long a connection may take to say what it wants.
const ORDER_PATIENCE: Duration = Duration::from_secs(120);

/// A thread that copies bytes needs little.
const STACK: usize = 256 * 1024;

/// The first line that the target writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) listening: Vec<Endpoint>,
}

/// Listens at `endpoints` until this process is ended.
pub(crate) fn run(endpoints: &[Endpoint]) -> Result<()> {
    let listeners = endpoints
        .iter()
        .map(|endpoint| endpoint.listen().context(format!("listen at {endpoint}")))
        .collect::<Result<Vec<_>>>()?;
    let listening = listeners
        .iter()
        .map(|listener| listener.endpoint().context("ask where it listens"))
        .collect::<Result<Vec<_>>>()?;
    print(&Listening { listening })?;
    let tell = |account: &Account| drop(print(account));
    let threads: Vec<_> =
        listeners.into_iter().map(|one| thread::spawn(move || serve(&one, tell))).collect();
    for thread in threads {
        thread.join().map_err(|_| Error::new("a listening thread failed"))?;
    }
    Ok(())
}

/// Serves each connection in a thread of its own, and tells what came of it.
pub(crate) fn serve(listener: &Listener, tell: impl Fn(&Account) + Clone + Send + 'static) {
    // An accept that fails is that connection's trouble, which its other end reports.
    loop {
        if let Ok(stream) = listener.accept() {
            let tell = tell.clone();
            let work = move || tell(&handle(stream));
            let thread = thread::Builder::new().stack_size(STACK).spawn(work);
            if let Err(error) = thread {
                eprintln!("target: start a thread: {error}");
            }
        }
    }
}

fn handle(stream: Stream) -> Account {
    match read_order(&stream) {
        Ok(order) => {
            let part = Part {
                id: order.id,
                own: far_pattern(order.seed),
                other: Pattern::new(order.seed),
                patience: Duration::from_millis(order.patience),
                meeting: None,
            };
            player::play(stream, &order.steps, part)
        }
        Err(error) => Account { error: Some(format!("no order: {error}")), ..Account::default() },
    }
}

/// The bytes of the target in a run whose driver sends those of `seed`.
pub(crate) fn far_pattern(seed: u64) -> Pattern {
    Pattern::new(seed.wrapping_add(1))
}

fn read_order(mut stream: &Stream) -> io::Result<Order> {
    stream.set_patience(ORDER_PATIENCE)?;
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte)?;
        match byte {
            [b'\n'] => return Ok(serde_json::from_slice(&line)?),
            [byte] if line.len() < LONGEST_ORDER => line.push(byte),
            _ => return Err(io::Error::other("the line does not end")),
        }
    }
}

fn print(value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_string(value).context("write JSON")?;
    line.push('\n');
    io::stdout().lock().write_all(line.as_bytes()).context("write to standard output")
}
