//! Packets before keys were exchanged: the cipher and the MAC are `none`.

use crate::provider::{Alignment, Failure, Layout, Open, Seal};

/// The cipher `none`, [RFC 4253 section 6.3](https://www.rfc-editor.org/rfc/rfc4253#section-6.3).
#[derive(Debug)]
pub(crate) struct Plain;

const LAYOUT: Layout = Layout { block: 8, alignment: Alignment::WithLength, tag: 0, head: 4 };

impl Seal for Plain {
    fn layout(&self) -> Layout {
        LAYOUT
    }
    fn seal(&mut self, _: u32, _: &mut [u8], _: &mut [u8]) -> Result<(), Failure> {
        Ok(())
    }
}

impl Open for Plain {
    fn layout(&self) -> Layout {
        LAYOUT
    }
    fn length(&mut self, _: u32, head: &mut [u8]) -> u32 {
        head.first_chunk().map_or(0, |head| u32::from_be_bytes(*head))
    }
    fn open(&mut self, _: u32, _: &mut [u8]) -> Result<(), Failure> {
        Ok(())
    }
}
