//! What is on the way from one side to the other, and who tampers with it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

/// One direction between two sides.
pub(crate) struct Line {
    latency: Duration,
    /// At most so many bytes arrive at a time.
    chunk: usize,
    flying: VecDeque<(Instant, Bytes)>,
    /// All that was put in.
    pub(crate) transcript: Vec<u8>,
    tampering: Option<(Cutter, Hook)>,
    flips: Vec<(usize, u8)>,
    end: usize,
    taken: usize,
    gate: usize,
}

/// What is done to packets on the way: it yields what goes on in the packet's place.
pub(crate) type Hook = Box<dyn FnMut(Packet) -> Vec<Bytes>>;

/// A packet on the way, or the identification string, which is the first.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    /// How many were before it.
    pub(crate) index: usize,
    pub(crate) form: Form,
    pub(crate) bytes: Bytes,
}

/// What a packet looks like on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Identification,
    Plain,
    Sealed,
}

impl Packet {
    /// The number of the message, where it can be seen.
    pub(crate) fn number(&self) -> Option<u8> {
        (self.form == Form::Plain).then(|| self.bytes[5])
    }
}

impl Line {
    pub(crate) fn new(latency: Duration, chunk: usize) -> Self {
        Self {
            latency,
            chunk,
            flying: VecDeque::new(),
            transcript: Vec::new(),
            tampering: None,
            flips: Vec::new(),
            end: usize::MAX,
            taken: 0,
            gate: usize::MAX,
        }
    }

    /// From here on `hook` gets all packets. It can tell them apart only under ciphers that
    /// leave the length plain, and from the start of a connection.
    pub(crate) fn tamper(&mut self, hook: Hook) {
        assert!(self.transcript.is_empty(), "packets cannot be counted any more");
        self.tampering = Some((Cutter::new(), hook));
    }

    /// The byte that is put in behind `offset` others arrives with these bits flipped.
    pub(crate) fn flip(&mut self, offset: usize, bits: u8) {
        self.flips.push((offset, bits));
    }

    /// What is put in behind `offset` bytes never arrives.
    pub(crate) fn cut(&mut self, offset: usize) {
        self.end = offset;
    }

    /// What was put in behind `offset` bytes waits until the gate is set anew.
    pub(crate) fn gate(&mut self, offset: usize) {
        self.gate = offset;
    }

    /// Takes what a side transmits.
    pub(crate) fn put(&mut self, now: Instant, bytes: &[u8]) {
        let bytes = self.damage(bytes);
        let arrival = now + self.latency;
        let Some((cutter, hook)) = &mut self.tampering else {
            self.flying.push_back((arrival, bytes));
            return;
        };
        cutter.waiting.extend_from_slice(&bytes);
        while let Some(packet) = cutter.cut() {
            self.flying.extend(hook(packet).into_iter().map(|bytes| (arrival, bytes)));
        }
    }

    fn damage(&mut self, bytes: &[u8]) -> Bytes {
        let start = self.transcript.len();
        self.transcript.extend_from_slice(bytes);
        let mut bytes = BytesMut::from(bytes);
        for (offset, bits) in &self.flips {
            if let Some(byte) = offset.checked_sub(start).and_then(|it| bytes.get_mut(it)) {
                *byte ^= bits;
            }
        }
        bytes.truncate(self.end.saturating_sub(start));
        bytes.freeze()
    }

    /// What arrives now, a chunk at a time.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Bytes> {
        while let Some((arrival, bytes)) = self.flying.front_mut() {
            if *arrival > now {
                return None;
            }
            if bytes.is_empty() {
                self.flying.pop_front();
                continue;
            }
            let len = bytes.len().min(self.chunk).min(self.gate - self.taken);
            self.taken += len;
            return Some(bytes.split_to(len)).filter(|it| !it.is_empty());
        }
        None
    }

    /// When the next bytes arrive.
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        let first = self.flying.front().filter(|_| self.taken < self.gate);
        first.map(|(arrival, _)| *arrival)
    }
}

/// Finds the borders of packets in a stream.
struct Cutter {
    waiting: BytesMut,
    count: usize,
    form: Form,
}

const NEWKEYS: u8 = 21;
const TAG: usize = 16;

impl Cutter {
    fn new() -> Self {
        Self { waiting: BytesMut::new(), count: 0, form: Form::Identification }
    }

    fn cut(&mut self) -> Option<Packet> {
        let len = match self.form {
            Form::Identification => self.waiting.iter().position(|byte| *byte == b'\n')? + 1,
            Form::Plain => 4 + self.length()?,
            Form::Sealed => 4 + self.length()? + TAG,
        };
        if self.waiting.len() < len {
            return None;
        }
        let bytes = self.waiting.split_to(len).freeze();
        let packet = Packet { index: self.count, form: self.form, bytes };
        self.count += 1;
        self.form = match self.form {
            Form::Identification => Form::Plain,
            Form::Plain if packet.bytes[5] == NEWKEYS => Form::Sealed,
            form => form,
        };
        Some(packet)
    }

    fn length(&self) -> Option<usize> {
        let mut head = self.waiting.get(..4)?;
        Some(usize::try_from(head.get_u32()).unwrap())
    }
}
