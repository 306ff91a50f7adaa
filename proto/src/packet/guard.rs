//! Packets under a cipher and a MAC.
//!
//! ```text
//! encrypt-and-mac   [ length | padding length | payload | padding ]   tag
//!                     '------------- encrypted ------------------'    over what was there before
//! encrypt-then-mac  [ length ][ padding length | payload | padding ]  tag
//!                               '---------- encrypted ----------'     over what is sent
//! ```
//!
//! Under encrypt-and-mac the length has to be decrypted, and believed, before the tag can be
//! looked for: see `Opener` for what it does about it.

use crate::provider::{
    Alignment, Authenticate, Failure, Keystream, Layout, Mac, MacOrder, Open, Seal, StreamCipher,
};
use crate::secret::Secret;

/// The length of the length field.
const LENGTH: usize = 4;

/// One direction of packets under a cipher and a MAC.
pub(crate) struct Guard {
    stream: Box<dyn Keystream>,
    mac: Box<dyn Authenticate>,
    order: MacOrder,
    layout: Layout,
}

/// The secrets of one direction.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) key: Secret,
    pub(crate) iv: Secret,
    pub(crate) integrity_key: Secret,
}

impl Guard {
    pub(crate) fn new(
        cipher: &dyn StreamCipher,
        mac: &dyn Mac,
        keys: &Keys,
    ) -> Result<Self, Failure> {
        let (order, block) = (mac.order(), cipher.block_len());
        let (alignment, head) = match order {
            MacOrder::EncryptAndMac => (Alignment::WithLength, block.max(LENGTH)),
            MacOrder::EncryptThenMac => (Alignment::WithoutLength, LENGTH),
        };
        Ok(Self {
            stream: cipher.keystream(&keys.key, &keys.iv)?,
            mac: mac.authenticator(&keys.integrity_key)?,
            order,
            layout: Layout { block: block.max(8), alignment, tag: mac.tag_len(), head },
        })
    }
}

impl Seal for Guard {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn seal(&mut self, sequence: u32, packet: &mut [u8], tag: &mut [u8]) -> Result<(), Failure> {
        match self.order {
            MacOrder::EncryptAndMac => {
                self.mac.tag(sequence, packet, tag)?;
                self.stream.apply(packet)
            }
            MacOrder::EncryptThenMac => {
                self.stream.apply(packet.get_mut(LENGTH..).ok_or(Failure::Internal)?)?;
                self.mac.tag(sequence, packet, tag)
            }
        }
    }
}

impl Open for Guard {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn length(&mut self, _: u32, head: &mut [u8]) -> u32 {
        if self.order == MacOrder::EncryptAndMac && self.stream.apply(head).is_err() {
            return 0;
        }
        head.first_chunk().map_or(0, |length| u32::from_be_bytes(*length))
    }

    fn open(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Failure> {
        let end = packet.len().checked_sub(self.layout.tag).ok_or(Failure::BadTag)?;
        let (packet, tag) = packet.split_at_mut_checked(end).ok_or(Failure::BadTag)?;
        match self.order {
            MacOrder::EncryptAndMac => {
                // The head was decrypted for its length.
                let rest = packet.get_mut(self.layout.head..).ok_or(Failure::BadTag)?;
                self.stream.apply(rest)?;
                self.mac.verify(sequence, packet, tag)
            }
            MacOrder::EncryptThenMac => {
                self.mac.verify(sequence, packet, tag)?;
                self.stream.apply(packet.get_mut(LENGTH..).ok_or(Failure::BadTag)?)
            }
        }
    }
}
