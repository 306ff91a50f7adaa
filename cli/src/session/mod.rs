//! A program at the server, run over one session channel: its streams joined to descriptors here.
//!
//! ```text
//!  Ends     input  --> escapes --> channel            what the program reads
//!           output <-------------- channel            what it says
//!           error  <-------------- extended data
//!  Control  window changes, signals, breaks, the end --> requests of the channel
//!  Event    <-- escapes that the user typed, what the server refuses
//! ```
//!
//! Nothing of it knows whose the descriptors are: they may have come from another process. They
//! are read and written by blocking calls on threads of their own, see [`stdio`](crate::stdio).

use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};

use adit_channels::channel_open;
use adit_channels::channel_request::Kind;
use adit_channels::mux::Class;
use adit_channels::session::{Channel, ChannelRequest, Handle, Stderr};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::sync::{Notify, mpsc};

use crate::session::control::Control;
use crate::session::ends::Ends;
use crate::session::escape::{Escapes, Piece};
use crate::session::event::Event;
use crate::session::fault::Fault;
use crate::session::outcome::{Ended, Outcome};
use crate::session::request::Request;
use crate::session::traffic::Traffic;
use crate::stdio::{Ending, Input, Output};

pub(crate) mod control;
pub(crate) mod ends;
pub(crate) mod escape;
pub(crate) mod event;
pub(crate) mod fault;
mod modes;
pub(crate) mod outcome;
pub(crate) mod request;
pub(crate) mod terminal;
pub(crate) mod traffic;

/// How much of standard error is taken at a time.
const CHUNK: usize = 32 * 1024;

/// How many words of this side may wait to be written to standard error.
const WORDS: usize = 8;

/// Runs a program at the server to its end: until the server closes the channel, all that the
/// program said is written, or `control` says that it is to be broken off. What happens on the way
/// is told to `tell`.
///
/// Dropping the future breaks it off.
///
/// # Errors
/// Where the server refuses it, or the connection ends.
pub(crate) async fn run(
    session: &Handle,
    request: Request,
    ends: Ends,
    mut control: mpsc::Receiver<Control>,
    tell: impl Fn(Event),
) -> Result<Outcome, Fault> {
    let channel = session.open(channel_open::Kind::Session).await.map_err(Fault::Opening)?;
    Running::begin(channel, request, ends)?.run(session, &mut control, &tell).await
}

/// A program that was asked for, and its streams.
struct Running {
    channel: Mutex<Channel>,
    error: Stderr,
    streams: Streams,
    answers: request::Answers,
    escapes: Escapes,
}

/// The streams here.
struct Streams {
    input: Option<Input>,
    output: Output,
    error: Output,
    traffic: Traffic,
}

impl Running {
    fn begin(mut channel: Channel, request: Request, ends: Ends) -> Result<Self, Fault> {
        if request.terminal.is_some() {
            channel.set_class(Class::Interactive);
        }
        // Before the program starts, so that nothing of it is dropped.
        let error = channel.stderr();
        let escapes = Escapes::new(request.escape);
        let answers = request.send(&channel).map_err(Fault::Channel)?;
        let streams = Streams {
            input: ends.input.map(Input::of).transpose().map_err(Fault::Ends)?,
            output: Output::of(ends.output, Ending::Close).map_err(Fault::Ends)?,
            error: Output::of(ends.error, Ending::Close).map_err(Fault::Ends)?,
            traffic: ends.traffic,
        };
        Ok(Self { channel: Mutex::new(channel), error, streams, answers, escapes })
    }

    async fn run(
        self,
        session: &Handle,
        control: &mut mpsc::Receiver<Control>,
        tell: &impl Fn(Event),
    ) -> Result<Outcome, Fault> {
        let Self { channel, error, streams, answers, escapes } = self;
        let traffic = &streams.traffic;
        let (unread, sent, heard) = (Notify::new(), Notify::new(), Notify::new());
        let (say, words) = mpsc::channel(WORDS);
        let forth = async {
            send(streams.input, escapes, (&channel, traffic), &unread, tell).await;
            sent.notify_one();
            pending::<()>().await;
        };
        let back = async {
            let received = receive(streams.output, &channel, traffic).await;
            heard.notify_one();
            received
        };
        let errors = receive_errors(streams.error, error, words, traffic);
        let both = async {
            tokio::join!(sent.notified(), heard.notified());
        };
        let ended = requests(&channel, &unread, both);
        let finished = async { tokio::join!(back, ended, errors) };
        let controlled = obey(control, &channel, say);
        tokio::select! {
            biased;
            fault = answers.refused(tell) => Err(fault),
            (received, ended, ()) = finished => match received {
                Err(error) if session.is_closed() => Err(Fault::Channel(error)),
                _ => Ok(ended.map_or(Outcome::Unknown, Outcome::Ended)),
            },
            () = controlled => Ok(Outcome::BrokenOff),
            () = forth => Ok(Outcome::Unknown),
        }
    }
}

/// Sends what input says, until its end or until nobody reads it any more.
async fn send(
    input: Option<Input>,
    mut escapes: Escapes,
    (channel, traffic): (&Mutex<Channel>, &Traffic),
    unread: &Notify,
    tell: &impl Fn(Event),
) {
    if let Some(mut input) = input {
        loop {
            let chunk = tokio::select! {
                biased;
                () = unread.notified() => break,
                chunk = input.next() => chunk,
            };
            // As with ssh, what cannot be read is at its end.
            let Ok(Some(chunk)) = chunk else { break };
            for piece in escapes.take(chunk) {
                match piece {
                    Piece::Data(chunk) => {
                        traffic.count_read(chunk.len());
                        if write(channel, chunk).await.is_err() {
                            return;
                        }
                    }
                    Piece::Escape(escape) => tell(Event::Escape(escape)),
                }
            }
        }
    }
    // It fails where the channel is closed, which others learn too.
    let _ = poll_fn(|cx| Pin::new(&mut *lock(channel)).poll_shutdown(cx)).await;
}

/// Writes what the program says. Where nobody reads that any more, the server is told, and what
/// still comes is dropped.
async fn receive(output: Output, channel: &Mutex<Channel>, traffic: &Traffic) -> io::Result<()> {
    let mut output = Some(output);
    let ended = loop {
        match poll_fn(|cx| lock(channel).poll_chunk(cx)).await {
            Ok(Some(chunk)) => {
                traffic.count_said(chunk.len());
                if let Some(to) = &mut output
                    && to.write(chunk).await.is_err()
                {
                    output = None;
                    // A closed channel needs it no more.
                    let _ = lock(channel).notify(Kind::Eow);
                }
            }
            Ok(None) => break Ok(()),
            // Not every server says that a program has said all before it closes the channel.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if let Some(mut output) = output {
        let _ = output.finish().await;
    }
    ended
}

/// Writes what the program says to standard error, and what this side says there.
async fn receive_errors(
    output: Output,
    mut error: Stderr,
    mut words: mpsc::Receiver<Bytes>,
    traffic: &Traffic,
) {
    let mut output = Some(output);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK);
        let chunk = tokio::select! {
            biased;
            Some(words) = words.recv() => words,
            read = error.read_buf(&mut buffer) => match read {
                Ok(len) if len > 0 => {
                    traffic.count_said(len);
                    buffer.split().freeze()
                }
                _ => break,
            },
        };
        if let Some(to) = &mut output
            && to.write(chunk).await.is_err()
        {
            output = None;
        }
    }
    if let Some(mut output) = output {
        let _ = output.finish().await;
    }
}

/// Takes what the server tells of the program, until the channel is closed; or until it is known
/// how the program has ended, and nothing comes or goes any more: the server may wait for this side
/// to close it.
async fn requests(
    channel: &Mutex<Channel>,
    unread: &Notify,
    both: impl Future<Output = ()>,
) -> Option<Ended> {
    let (mut ended, mut silent) = (None, false);
    let mut both = pin!(both);
    while !(silent && ended.is_some()) {
        let request = tokio::select! {
            biased;
            request = poll_fn(|cx| lock(channel).poll_request(cx)) => request,
            () = &mut both, if !silent => {
                silent = true;
                continue;
            }
        };
        let Some(request) = request else { break };
        match told(&request) {
            Some(Told::Ended(how)) => ended = Some(how),
            Some(Told::Unread) => unread.notify_one(),
            None => continue,
        }
        request.grant();
    }
    ended
}

/// What the server tells of a program.
enum Told {
    /// It has ended.
    Ended(Ended),
    /// It reads no more.
    Unread,
}

fn told(request: &ChannelRequest) -> Option<Told> {
    match request.kind() {
        Kind::ExitStatus { status } => Some(Told::Ended(Ended::Status(*status))),
        Kind::ExitSignal(signal) => Some(Told::Ended(Ended::Signal {
            name: signal.name.clone(),
            message: signal.message.0.clone(),
        })),
        Kind::Eow => Some(Told::Unread),
        _ => None,
    }
}

/// Does what control says, until that is the end.
async fn obey(
    control: &mut mpsc::Receiver<Control>,
    channel: &Mutex<Channel>,
    say: mpsc::Sender<Bytes>,
) {
    while let Some(order) = control.recv().await {
        let kind = match order {
            Control::Resize(size) => Kind::WindowChange(size),
            Control::Signal(name) => Kind::Signal { name },
            Control::Break { length } => Kind::Break { length },
            Control::Say(words) => {
                // Nobody reads them where standard error is closed.
                let _ = say.send(words).await;
                continue;
            }
            Control::Quit => return,
        };
        // Where the channel is closed, the end is near.
        let _ = lock(channel).notify(kind);
    }
    pending::<()>().await;
}

async fn write(channel: &Mutex<Channel>, mut chunk: Bytes) -> io::Result<()> {
    while !chunk.is_empty() {
        poll_fn(|cx| lock(channel).poll_write_chunk(cx, &mut chunk)).await?;
    }
    Ok(())
}

fn lock(channel: &Mutex<Channel>) -> MutexGuard<'_, Channel> {
    channel.lock().unwrap_or_else(PoisonError::into_inner)
}
