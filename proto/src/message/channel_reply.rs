//! SSH_MSG_CHANNEL_SUCCESS and SSH_MSG_CHANNEL_FAILURE.

use crate::message::channel_id::ChannelId;
use crate::message::codec::message;

message! {
    /// A channel request was granted,
    /// [RFC 4254 section 5.4](https://www.rfc-editor.org/rfc/rfc4254#section-5.4).
    ChannelSuccess = CHANNEL_SUCCESS {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
    }
}

message! {
    /// A channel request was refused,
    /// [RFC 4254 section 5.4](https://www.rfc-editor.org/rfc/rfc4254#section-5.4).
    ChannelFailure = CHANNEL_FAILURE {
        /// The channel, as the receiver counts.
        recipient: ChannelId,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        success: ChannelSuccess = any::<u32>().prop_map(
            |recipient| ChannelSuccess { recipient: ChannelId(recipient) });
        failure: ChannelFailure = any::<u32>().prop_map(
            |recipient| ChannelFailure { recipient: ChannelId(recipient) });
    }
}
