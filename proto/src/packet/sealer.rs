//! Payloads to packets.

use std::mem;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use crate::packet::plain::Plain;
use crate::provider::{Alignment, Compress, Failure, Layout, Provider, Seal};
use crate::secret::wipe;

/// The length field and the padding length field.
const HEADER: usize = 5;

/// The least padding, [RFC 4253 section 6](https://www.rfc-editor.org/rfc/rfc4253#section-6).
const MIN_PADDING: usize = 4;

/// How much room is made before a payload is written. A buffer that grew behind a secret would
/// leave a copy of it in memory that is given up; no password comes near this length.
pub(crate) const ROOM: usize = 4096;

/// How much padding is drawn from the source of randomness at a time.
const POOL: usize = 1024;

/// How packets of one direction are sealed.
pub(crate) struct Outgoing {
    pub(crate) cipher: Box<dyn Seal>,
    /// It begins when the user is logged in.
    pub(crate) compressor: Option<Box<dyn Compress>>,
}

/// Seals payloads, in place, at the end of a buffer that the socket is fed from.
pub(crate) struct Sealer {
    outgoing: Outgoing,
    logged_in: bool,
    provider: Arc<Provider>,
    sequence: u32,
    out: BytesMut,
    /// Random bytes not yet used.
    pool: Vec<u8>,
    /// Packets and bytes since the keys were last changed.
    usage: Usage,
}

/// How much a key was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

/// Keys are exchanged again after so many packets
/// ([RFC 4344 section 3.1](https://www.rfc-editor.org/rfc/rfc4344#section-3.1)).
const MAX_PACKETS: u64 = 1 << 31;

impl Usage {
    /// Whether keys should be exchanged again, where they may be used for so many bytes.
    pub(crate) fn reaches(&self, bytes: u64) -> bool {
        // Under a limit of zero, keys would be renewed before they were used.
        self.bytes >= bytes.max(1) || self.packets >= MAX_PACKETS
    }

    pub(crate) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Sealer {
    pub(crate) fn new(provider: Arc<Provider>) -> Self {
        Self {
            outgoing: Outgoing { cipher: Box::new(Plain), compressor: None },
            logged_in: false,
            provider,
            sequence: 0,
            out: BytesMut::new(),
            pool: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// Appends bytes that are no packet: the identification string.
    pub(crate) fn put_raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Seals the payload that `encode` writes.
    pub(crate) fn seal(&mut self, encode: impl FnOnce(&mut BytesMut)) -> Result<(), Failure> {
        let start = self.out.len();
        let sealed = self.append(start, encode);
        if sealed.is_err() {
            // What could not be sealed must not be transmitted as it is.
            wipe(self.out.get_mut(start..).unwrap_or_default());
            self.out.truncate(start);
        }
        sealed
    }

    fn append(&mut self, start: usize, encode: impl FnOnce(&mut BytesMut)) -> Result<(), Failure> {
        self.out.reserve(ROOM);
        self.out.put_bytes(0, HEADER);
        encode(&mut self.out);
        self.compress(start + HEADER)?;
        let layout = self.outgoing.cipher.layout();
        let padding = padding(layout, self.out.len() - start);
        self.pad(padding)?;
        let length = self.out.len() - start - 4;
        self.out.put_bytes(0, layout.tag);
        let (_, packet) = self.out.split_at_mut_checked(start).ok_or(Failure::Internal)?;
        let (packet, tag) = packet.split_at_mut_checked(4 + length).ok_or(Failure::Internal)?;
        if let Some(header) = packet.first_chunk_mut::<HEADER>() {
            let [a, b, c, d] = u32::try_from(length).map_err(|_| Failure::Internal)?.to_be_bytes();
            *header = [a, b, c, d, u8::try_from(padding).map_err(|_| Failure::Internal)?];
        }
        self.outgoing.cipher.seal(self.sequence, packet, tag)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.usage.count(length);
        Ok(())
    }

    /// Compresses the payload that begins at `at`, where that was agreed on.
    fn compress(&mut self, at: usize) -> Result<(), Failure> {
        let compressor = self.outgoing.compressor.as_mut().filter(|_| self.logged_in);
        if let Some(compressor) = compressor {
            let mut compressed = Vec::new();
            let payload = self.out.get(at..).unwrap_or_default();
            compressor.compress(payload, &mut compressed)?;
            self.out.truncate(at);
            self.out.extend_from_slice(&compressed);
        }
        Ok(())
    }

    /// The user is logged in: what is sealed from here on is compressed, where that was agreed
    /// on.
    pub(crate) fn start_compression(&mut self) {
        self.logged_in = true;
    }

    /// From here on packets are sealed by `outgoing`.
    pub(crate) fn rekey(&mut self, outgoing: Outgoing, sequence: Sequence) {
        self.outgoing = outgoing;
        self.usage = Usage::default();
        if sequence == Sequence::Reset {
            self.sequence = 0;
        }
    }

    /// Moves what was sealed to `output`; says whether there was anything.
    pub(crate) fn take(&mut self, output: &mut BytesMut) -> bool {
        if self.out.is_empty() {
            return false;
        }
        if output.is_empty() {
            mem::swap(output, &mut self.out);
            self.out.clear();
        } else {
            output.unsplit(self.out.split());
        }
        true
    }

    /// Bytes sealed and not yet taken.
    pub(crate) fn backlog(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }

    fn pad(&mut self, len: usize) -> Result<(), Failure> {
        if self.pool.len() < len {
            self.pool.resize(POOL, 0);
            self.provider.random.fill(&mut self.pool)?;
        }
        let rest = self.pool.len().saturating_sub(len);
        self.out.extend_from_slice(self.pool.get(rest..).unwrap_or_default());
        self.pool.truncate(rest);
        Ok(())
    }
}

/// What becomes of the sequence number when keys change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// It goes on ([RFC 4253 section 6.4](https://www.rfc-editor.org/rfc/rfc4253#section-6.4)).
    Continue,
    /// It begins anew (strict key exchange,
    /// [PROTOCOL section 1.10](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)).
    Reset,
}

/// How much padding a packet of `unpadded` bytes needs, its header counted.
fn padding(layout: Layout, unpadded: usize) -> usize {
    let counted = match layout.alignment {
        Alignment::WithLength => unpadded,
        Alignment::WithoutLength => unpadded - 4,
    };
    let block = layout.block.max(1);
    let least = counted + MIN_PADDING;
    least.div_ceil(block) * block - counted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_used_up_by_bytes_or_packets() {
        let usage = |packets, bytes| Usage { packets, bytes };
        assert!(!usage(1, 999).reaches(1000));
        assert!(usage(1, 1000).reaches(1000));
        assert!(!usage(MAX_PACKETS - 1, 0).reaches(u64::MAX));
        assert!(usage(MAX_PACKETS, 0).reaches(u64::MAX));
        assert!(!usage(0, 0).reaches(0) && usage(1, 1).reaches(0));
    }

    proptest! {
        #[test]
        fn padding_aligns_and_is_neither_short_nor_long(
            unpadded in 6_usize..5000,
            block in prop_oneof![Just(8_usize), Just(16)],
            with_length in any::<bool>(),
        ) {
            let alignment =
                if with_length { Alignment::WithLength } else { Alignment::WithoutLength };
            let layout = Layout { block, alignment, tag: 16, head: 4 };
            let padding = padding(layout, unpadded);
            let excluded = if with_length { 0 } else { 4 };
            prop_assert!((4..4 + block).contains(&padding));
            prop_assert_eq!((unpadded + padding - excluded) % block, 0);
        }
    }
}
