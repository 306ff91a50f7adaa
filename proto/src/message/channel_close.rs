//! SSH_MSG_CHANNEL_EOF and SSH_MSG_CHANNEL_CLOSE.

use crate::message::channel_id::ChannelId;
use crate::message::codec::message;

message! {
    /// The sender sends no more data on a channel,
    /// [RFC 4254 section 5.3](https://www.rfc-editor.org/rfc/rfc4254#section-5.3).
    ChannelEof = CHANNEL_EOF {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
    }
}

message! {
    /// The sender is done with a channel,
    /// [RFC 4254 section 5.3](https://www.rfc-editor.org/rfc/rfc4254#section-5.3).
    ChannelClose = CHANNEL_CLOSE {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        eof: ChannelEof = any::<u32>().prop_map(
            |recipient| ChannelEof { recipient: ChannelId(recipient) });
        close: ChannelClose = any::<u32>().prop_map(
            |recipient| ChannelClose { recipient: ChannelId(recipient) });
    }
}
