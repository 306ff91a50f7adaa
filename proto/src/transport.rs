//! The transport layer protocol: packets and key exchanges,
//! [RFC 4253](https://www.rfc-editor.org/rfc/rfc4253).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::error::Error;
use crate::kex::exchange::{Exchange, Progress};
use crate::message::codec::Message;
use crate::message::connection::ConnectionMessage;
use crate::message::number::Number;
use crate::packet::record::Record;
use crate::packet::sealer::ROOM;
use crate::phase::Exchanging;
use crate::secret::{Secret, wipe};

/// What a payload that is held back counts beside its length: about what its packet adds to
/// it, and not less than what it takes to keep it.
const HELD: usize = 64;

/// Packets, the exchange of their keys, and what must wait for it.
pub(crate) struct Transport {
    pub(crate) record: Record,
    pub(crate) exchange: Exchange,
    /// Payloads held back during a key exchange.
    held: VecDeque<Secret>,
    held_bytes: usize,
}

impl Transport {
    pub(crate) fn new(record: Record, exchange: Exchange) -> Self {
        Self { record, exchange, held: VecDeque::new(), held_bytes: 0 }
    }

    /// Sends a message behind the key exchange under way, where there is one.
    pub(crate) fn send(&mut self, message: &impl Message) -> Result<(), Error> {
        self.send_payload(|out| message.encode(out))
    }

    /// Sends a message behind the key exchange under way, where there is one.
    pub(crate) fn send_connection(&mut self, message: &ConnectionMessage) -> Result<(), Error> {
        self.send_payload(|out| message.encode(out))
    }

    fn send_payload(&mut self, encode: impl FnOnce(&mut BytesMut)) -> Result<(), Error> {
        if !self.exchange.holds_back() {
            return Ok(self.record.sealer.seal(encode)?);
        }
        let mut payload = BytesMut::with_capacity(ROOM);
        encode(&mut payload);
        self.held_bytes += payload.len() + HELD;
        self.held.push_back(Secret::from(&payload[..]));
        wipe(&mut payload);
        Ok(())
    }

    /// Begins a key exchange, unless one is under way.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        self.exchange.begin(&mut self.record)
    }

    /// Takes a message of the key exchange.
    pub(crate) fn handle(&mut self, number: Number, payload: &Bytes) -> Result<Progress, Error> {
        let progress = self.exchange.handle(number, payload, &mut self.record)?;
        self.release()?;
        Ok(progress)
    }

    /// The user's answer to [`Progress::HostKey`].
    pub(crate) fn trust(&mut self, trusted: bool) -> Result<Progress, Error> {
        let progress = self.exchange.trust(trusted, &mut self.record)?;
        self.release()?;
        Ok(progress)
    }

    /// The user's answer to [`Progress::Sign`].
    pub(crate) fn sign(&mut self, signature: Bytes) -> Result<Progress, Error> {
        let progress = self.exchange.sign(signature, &mut self.record)?;
        self.release()?;
        Ok(progress)
    }

    /// Sends what was held back, once it may be.
    fn release(&mut self) -> Result<(), Error> {
        while !self.exchange.holds_back() {
            let Some(payload) = self.held.pop_front() else { break };
            self.held_bytes -= payload.len() + HELD;
            self.record.sealer.seal(|out| out.extend_from_slice(payload.expose()))?;
        }
        Ok(())
    }

    /// The user is logged in, and nothing was sent or taken since.
    pub(crate) fn start_compression(&mut self) {
        self.record.sealer.start_compression();
        self.record.opener.start_decompression();
    }

    /// Drops what was held back: it will never be sent.
    pub(crate) fn abandon(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
    }

    /// Bytes sealed or held back, and not yet taken.
    pub(crate) fn backlog(&self) -> usize {
        self.record.sealer.backlog() + self.held_bytes
    }

    /// Where the peer stands in a key exchange.
    pub(crate) fn exchanging(&self) -> Exchanging {
        if self.exchange.peer_is_exchanging() {
            Exchanging::Yes(self.exchange.strict())
        } else {
            Exchanging::No
        }
    }
}
