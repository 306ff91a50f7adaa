//! Packets to payloads.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Error, Violation};
use crate::packet::plain::Plain;
use crate::packet::sealer::{Sequence, Usage};
use crate::provider::{Alignment, Decompress, Failure, Layout, Open};
use crate::secret::wipe;

/// The longest packet that is taken, its length field not counted. The largest channel
/// data that this side lets a peer send are 256 KiB.
pub(crate) const MAX_LENGTH: u32 = 256 * 1024 + 1024;

/// A key may open so many packets, so that no sequence number comes twice under it.
const MAX_PACKETS: u64 = 1 << 32;

/// How packets of one direction are opened.
pub(crate) struct Incoming {
    pub(crate) cipher: Box<dyn Open>,
    /// It begins when the user is logged in.
    pub(crate) decompressor: Option<Box<dyn Decompress>>,
}

/// Opens packets in place in the buffer that the socket is read into.
pub(crate) struct Opener {
    incoming: Incoming,
    sequence: u32,
    /// The length field of a packet of which only a part is there.
    length: Option<u32>,
    /// Whether what comes is no packet, and is read only to be refused.
    doomed: bool,
    logged_in: bool,
    usage: Usage,
}

/// An opened packet.
#[derive(Debug)]
pub(crate) struct Packet {
    /// The payload, never empty, which shares the memory of the input.
    pub(crate) payload: BytesMut,
    pub(crate) sequence: u32,
}

impl Opener {
    pub(crate) fn new() -> Self {
        Self {
            incoming: Incoming { cipher: Box::new(Plain), decompressor: None },
            sequence: 0,
            length: None,
            doomed: false,
            logged_in: false,
            usage: Usage::default(),
        }
    }

    /// Takes the next packet from `input`; `None` where it is not all there yet.
    pub(crate) fn open(&mut self, input: &mut BytesMut) -> Result<Option<Packet>, Error> {
        let Some(length) = self.length(input)? else { return Ok(None) };
        let whole = 4 + usize_from(length) + self.incoming.cipher.layout().tag;
        if input.len() < whole {
            return Ok(None);
        }
        if self.usage.packets >= MAX_PACKETS {
            return Err(Violation::KeyOverused.into());
        }
        let mut packet = input.split_to(whole);
        self.incoming.cipher.open(self.sequence, &mut packet)?;
        if self.doomed {
            return Err(Failure::BadTag.into());
        }
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        self.length = None;
        self.usage.count(whole);
        packet.truncate(4 + usize_from(length));
        packet.advance(4);
        let payload = self.decompress(strip_padding(packet)?)?;
        Ok(Some(Packet { payload, sequence }))
    }

    /// From here on packets are opened by `incoming`.
    pub(crate) fn rekey(&mut self, incoming: Incoming, sequence: Sequence) {
        self.incoming = incoming;
        self.usage = Usage::default();
        if sequence == Sequence::Reset {
            self.sequence = 0;
        }
    }

    /// Whether the packet last opened was the first of the connection.
    pub(crate) fn opened_first(&self) -> bool {
        self.sequence == 1 && self.usage.packets == 1
    }

    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }

    /// The user is logged in: what comes from here on is compressed, where that was agreed on.
    pub(crate) fn start_decompression(&mut self) {
        self.logged_in = true;
    }

    fn decompress(&mut self, payload: BytesMut) -> Result<BytesMut, Error> {
        let decompressor = self.incoming.decompressor.as_mut().filter(|_| self.logged_in);
        let Some(decompressor) = decompressor else { return Ok(payload) };
        let mut whole = Vec::new();
        decompressor.decompress(&payload, usize_from(MAX_LENGTH), &mut whole)?;
        if whole.is_empty() {
            return Err(Violation::EmptyPayload.into());
        }
        let payload = BytesMut::from(&whole[..]);
        wipe(&mut whole);
        Ok(payload)
    }

    /// The length of the next packet.
    ///
    /// Where it was hidden in a block, it is neither told nor acted on before it is known to be
    /// the peer's: a length that cannot be is taken for the longest, and what came so far is
    /// refused with that. Otherwise whoever alters a packet would learn from when, and from what
    /// is said, how it decrypts
    /// ([RFC 4251 section 9.3.1](https://www.rfc-editor.org/rfc/rfc4251#section-9.3.1)).
    fn length(&mut self, input: &mut BytesMut) -> Result<Option<u32>, Error> {
        if self.length.is_none() {
            let layout = self.incoming.cipher.layout();
            let Some(head) = input.get_mut(..layout.head) else { return Ok(None) };
            let length = self.incoming.cipher.length(self.sequence, head);
            self.length = Some(match is_possible(length, layout) {
                true => length,
                false if layout.head > 4 => {
                    self.doomed = true;
                    MAX_LENGTH
                }
                false => return Err(Violation::PacketLength(length).into()),
            });
        }
        Ok(self.length)
    }
}

fn is_possible(length: u32, layout: Layout) -> bool {
    let counted = match layout.alignment {
        Alignment::WithLength => usize_from(length).saturating_add(4),
        Alignment::WithoutLength => usize_from(length),
    };
    counted.is_multiple_of(layout.block.max(1)) && (8..=MAX_LENGTH).contains(&length)
}

/// Cuts the padding, and the field that says how long it is, from an opened packet.
fn strip_padding(mut packet: BytesMut) -> Result<BytesMut, Error> {
    let padding = packet.first().copied().unwrap_or(0);
    packet.advance(1);
    match packet.len().checked_sub(usize::from(padding)) {
        Some(_) if padding < 4 => Err(Violation::Padding(padding).into()),
        None => Err(Violation::Padding(padding).into()),
        Some(0) => Err(Violation::EmptyPayload.into()),
        Some(len) => {
            packet.truncate(len);
            Ok(packet)
        }
    }
}

impl Packet {
    /// The payload to decode from, sharing the memory of the input.
    pub(crate) fn freeze(self) -> Bytes {
        self.payload.freeze()
    }
}

fn usize_from(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(sent: &[u8]) -> Result<Option<Bytes>, Error> {
        let mut input = BytesMut::from(sent);
        Ok(Opener::new().open(&mut input)?.map(Packet::freeze))
    }

    #[test]
    fn lengths_out_of_range_are_refused_at_once() {
        for length in [0_u32, 4, 11, MAX_LENGTH + 4, u32::MAX - 3, u32::MAX] {
            let refused = Err(Violation::PacketLength(length).into());
            assert_eq!(open(&length.to_be_bytes()), refused, "{length}");
        }
    }

    #[test]
    fn padding_must_be_at_least_four_bytes_and_leave_a_payload() {
        let packet = |padding: u8| [&[0, 0, 0, 12, padding][..], &[7; 11]].concat();
        assert_eq!(open(&packet(3)), Err(Violation::Padding(3).into()));
        assert_eq!(open(&packet(12)), Err(Violation::Padding(12).into()));
        assert_eq!(open(&packet(11)), Err(Violation::EmptyPayload.into()));
        assert_eq!(open(&packet(10)), Ok(Some(Bytes::from_static(&[7]))));
    }

    #[test]
    fn a_part_of_a_packet_is_not_an_error() {
        let packet = [&[0, 0, 0, 12, 4][..], &[7; 11]].concat();
        for len in 0..packet.len() {
            assert_eq!(open(&packet[..len]), Ok(None));
        }
    }

    #[test]
    fn a_key_opens_no_more_packets_than_there_are_sequence_numbers() {
        let packet = [&[0, 0, 0, 12, 4][..], &[7; 11]].concat();
        for (packets, opens) in [(MAX_PACKETS - 1, true), (MAX_PACKETS, false)] {
            let mut opener = Opener::new();
            opener.usage = Usage { packets, bytes: 0 };
            let opened = opener.open(&mut BytesMut::from(&packet[..]));
            match opened {
                Ok(packet) => assert!(opens && packet.is_some()),
                Err(error) => assert!(!opens && error == Violation::KeyOverused.into()),
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_input_does_not_panic(sent in proptest::collection::vec(any::<u8>(), 0..64)) {
            drop(open(&sent));
        }
    }
}
