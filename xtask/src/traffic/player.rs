//! Follows a script on one connection.

use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::traffic::digest::Digest;
use crate::traffic::endpoint::Stream;
use crate::traffic::meeting::Meeting;
use crate::traffic::pattern::Pattern;
use crate::traffic::script::{Account, End, Step};

/// How much is read or written at once.
const BUFFER: usize = 64 * 1024;

/// The longest time that [`Step::Hold`] holds: an orphan does not stay for ever.
const LONGEST_HOLD: Duration = Duration::from_secs(30 * 60);

/// What both ends must agree on, and what the steps of several connections share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) id: u64,
    /// Of the bytes that this end sends.
    pub(crate) own: Pattern,
    /// Of the bytes that the other end sends.
    pub(crate) other: Pattern,
    pub(crate) patience: Duration,
    pub(crate) meeting: Option<&'a Meeting>,
}

/// Follows `steps` and gives an account of it, whatever happens.
pub(crate) fn play(stream: Stream, steps: &[Step], part: Part<'_>) -> Account {
    let mut player = Player {
        stream: &stream,
        part,
        sent: Digest::default(),
        received: Digest::default(),
        echoed: 0,
        end: None,
    };
    let started = Instant::now();
    let mut error = stream.set_patience(part.patience).err().map(|cause| cause.to_string());
    for (index, step) in steps.iter().enumerate() {
        if error.is_none() {
            let failed = player.follow(step).err();
            error = failed.map(|cause| format!("step {}, {step:?}: {cause}", index + 1));
        }
    }
    if error.is_none() {
        error = stream.end().err().map(|cause| format!("the program: {cause}"));
    }
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Player { sent, received, echoed, end, .. } = player;
    Account {
        id: part.id,
        sent: sent.bytes(),
        sent_digest: sent.finish(),
        received: received.bytes(),
        received_digest: received.finish(),
        echoed,
        end,
        milliseconds,
        error,
    }
}

struct Player<'a> {
    stream: &'a Stream,
    part: Part<'a>,
    sent: Digest,
    received: Digest,
    /// Bytes that went both ways.
    echoed: u64,
    end: Option<End>,
}

impl Player<'_> {
    fn follow(&mut self, step: &Step) -> io::Result<()> {
        let Self { stream, part, sent, received, echoed, end } = self;
        let stream: &Stream = stream;
        match *step {
            Step::Send(bytes) => send(stream, part.own, sent, bytes),
            Step::Receive(bytes) => receive(stream, part.other, received, bytes),
            Step::Duplex { send: out, receive: back } => thread::scope(|scope| {
                let sender = scope.spawn(|| {
                    send(stream, part.own, sent, out)?;
                    stream.finish()
                });
                let received = receive(stream, part.other, received, back);
                joined(sender).and(received)
            }),
            Step::SendEchoed(bytes) => thread::scope(|scope| {
                let mut back = sent.clone();
                let sender = scope.spawn(|| send(stream, part.own, sent, bytes));
                let received = receive(stream, part.own, &mut back, bytes);
                *echoed += bytes;
                joined(sender).and(received)
            }),
            Step::Echo(bytes) => {
                *echoed += bytes;
                echo(stream, part.other, received, bytes)
            }
            Step::Finish => stream.finish(),
            Step::ExpectEnd => expect_end(stream, end),
            Step::ReceiveUntilEnd => receive_until_end(stream, part.other, received, end),
            Step::SendUntilError => send_until_error(stream, part, sent, end).map(drop),
            Step::SendUntilEnd => thread::scope(|scope| {
                let sender = scope.spawn(|| send_until_error(stream, part, sent, &mut None));
                let result = receive_until_end(stream, part.other, received, end);
                // The sender must not wait for a peer that has gone.
                let _ = stream.close();
                // Whoever of the two meets a reset first takes it from the other, who sees an end.
                let was_reset = matches!(joined(sender), Ok(ErrorKind::ConnectionReset));
                if was_reset && *end == Some(End::Finished) {
                    *end = Some(End::Reset);
                }
                result
            }),
            Step::Reset => stream.reset_on_close(),
            Step::Meet => meet(part),
            Step::Note => writeln!(io::stdout().lock(), "{NOTE}"),
            Step::Hold => {
                thread::sleep(LONGEST_HOLD);
                Ok(())
            }
        }
    }
}

/// What [`Step::Note`] writes.
pub(crate) const NOTE: &str = "{\"note\":true}";

fn send(mut stream: &Stream, own: Pattern, sent: &mut Digest, bytes: u64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let end = sent.bytes() + bytes;
    while sent.bytes() < end {
        let piece = piece(&mut buffer, end - sent.bytes());
        own.fill(sent.bytes(), piece);
        stream.write_all(piece).map_err(|cause| after(sent, "sent", cause))?;
        sent.update(piece);
    }
    Ok(())
}

fn receive(stream: &Stream, other: Pattern, seen: &mut Digest, bytes: u64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let end = seen.bytes() + bytes;
    while seen.bytes() < end {
        next(stream, &mut buffer, other, seen, end)?;
    }
    Ok(())
}

/// The next bytes of the other end, checked, up to the position `end`.
fn next<'a>(
    stream: &Stream,
    buffer: &'a mut [u8],
    other: Pattern,
    seen: &mut Digest,
    end: u64,
) -> io::Result<&'a [u8]> {
    let missing = end - seen.bytes();
    let piece =
        read(stream, piece(buffer, missing)).map_err(|cause| after(seen, "received", cause))?;
    if piece.is_empty() {
        let cause = io::Error::other(format!("the end, {missing} bytes too soon"));
        return Err(after(seen, "received", cause));
    }
    check(other, seen, piece)?;
    Ok(piece)
}

fn echo(mut stream: &Stream, other: Pattern, seen: &mut Digest, bytes: u64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let end = seen.bytes() + bytes;
    while seen.bytes() < end {
        let piece = next(stream, &mut buffer, other, seen, end)?;
        stream.write_all(piece).map_err(|cause| after(seen, "echoed", cause))?;
    }
    Ok(())
}

fn expect_end(stream: &Stream, end: &mut Option<End>) -> io::Result<()> {
    let mut buffer = [0; 1];
    if !read(stream, &mut buffer)?.is_empty() {
        return Err(io::Error::other("a byte where the end should be"));
    }
    *end = Some(End::Finished);
    Ok(())
}

fn receive_until_end(
    stream: &Stream,
    other: Pattern,
    seen: &mut Digest,
    end: &mut Option<End>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match read(stream, &mut buffer) {
            Ok([]) => *end = Some(End::Finished),
            Ok(piece) => {
                check(other, seen, piece)?;
                continue;
            }
            Err(cause) if is_reset(&cause) => *end = Some(End::Reset),
            Err(cause) => return Err(after(seen, "received", cause)),
        }
        return Ok(());
    }
}

fn send_until_error(
    mut stream: &Stream,
    part: &Part<'_>,
    sent: &mut Digest,
    end: &mut Option<End>,
) -> io::Result<ErrorKind> {
    let mut buffer = vec![0; BUFFER];
    let deadline = Instant::now() + part.patience;
    while Instant::now() < deadline {
        part.own.fill(sent.bytes(), &mut buffer);
        match stream.write_all(&buffer) {
            Ok(()) => sent.update(&buffer),
            Err(cause) if is_reset(&cause) => {
                *end = Some(End::Reset);
                return Ok(cause.kind());
            }
            Err(cause) => return Err(after(sent, "sent", cause)),
        }
    }
    Err(after(sent, "sent", io::Error::other("it still takes bytes, though the other end is gone")))
}

fn meet(part: &Part<'_>) -> io::Result<()> {
    let Some(meeting) = part.meeting else { return Ok(()) };
    meeting.arrive();
    if meeting.wait(part.patience) {
        Ok(())
    } else {
        Err(io::Error::other("the other connections did not come so far"))
    }
}

fn check(other: Pattern, seen: &mut Digest, piece: &[u8]) -> io::Result<()> {
    other.check(seen.bytes(), piece).map_err(|wrong| io::Error::other(wrong.to_string()))?;
    seen.update(piece);
    Ok(())
}

/// The part of the buffer that may be used where only so many bytes are left.
fn piece(buffer: &mut [u8], left: u64) -> &mut [u8] {
    let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
    buffer.get_mut(..length).unwrap_or_default()
}

fn read<'a>(mut stream: &Stream, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    loop {
        match stream.read(buffer) {
            Ok(length) => return Ok(buffer.get(..length).unwrap_or_default()),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

fn is_reset(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
    )
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the sending thread failed")))
}

/// Says how far a direction came.
fn after(digest: &Digest, verb: &str, cause: io::Error) -> io::Error {
    let cause_text = match cause.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "nothing moved for too long".to_owned(),
        _ => cause.to_string(),
    };
    io::Error::new(cause.kind(), format!("{} bytes {verb}, then {cause_text}", digest.bytes()))
}
