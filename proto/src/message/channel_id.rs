//! The numbers of channels.

use std::fmt;

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::combinator::map;

use crate::wire::{self, Field, Put};

/// The number of a channel, as one of the two sides counts them
/// ([RFC 4254 section 5](https://www.rfc-editor.org/rfc/rfc4254#section-5)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

impl Field for ChannelId {
    fn parse<'a>(input: &'a [u8], _: &Bytes) -> wire::Parsed<'a, Self> {
        map(wire::uint32, Self).parse(input)
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_uint32(self.0);
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {}", self.0)
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
