//! SSH_MSG_CHANNEL_DATA, SSH_MSG_CHANNEL_EXTENDED_DATA, SSH_MSG_CHANNEL_WINDOW_ADJUST.

use bytes::Bytes;

use crate::message::channel_id::ChannelId;
use crate::message::codec::message;

message! {
    /// Data of a channel,
    /// [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).
    ChannelData = CHANNEL_DATA {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
        /// The data. Decoded, they share the memory of the packet.
        data: Bytes,
    }
}

/// The type of extended data that is a program's standard error,
/// `SSH_EXTENDED_DATA_STDERR` of
/// [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).
pub const STDERR: u32 = 1;

message! {
    /// Data of a channel beside its main stream,
    /// [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).
    ChannelExtendedData = CHANNEL_EXTENDED_DATA {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
        /// Of which stream, for instance [`STDERR`].
        data_type: u32,
        /// The data. Decoded, they share the memory of the packet.
        data: Bytes,
    }
}

message! {
    /// Lets the receiver send more,
    /// [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).
    ChannelWindowAdjust = CHANNEL_WINDOW_ADJUST {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
        /// How many bytes more.
        bytes_to_add: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        data: ChannelData = (any::<u32>(), bytes()).prop_map(
            |(recipient, data)| ChannelData { recipient: ChannelId(recipient), data });
        extended: ChannelExtendedData = (any::<u32>(), any::<u32>(), bytes()).prop_map(
            |(recipient, data_type, data)| ChannelExtendedData {
                recipient: ChannelId(recipient), data_type, data,
            });
        adjust: ChannelWindowAdjust = (any::<u32>(), any::<u32>()).prop_map(
            |(recipient, bytes_to_add)| ChannelWindowAdjust {
                recipient: ChannelId(recipient), bytes_to_add,
            });
    }
}
