//! The messages that ask for nothing: SSH_MSG_IGNORE, SSH_MSG_DEBUG, SSH_MSG_UNIMPLEMENTED.

use bytes::Bytes;

use crate::message::codec::message;
use crate::wire::Text;

message! {
    /// Data without meaning,
    /// [RFC 4253 section 11.2](https://www.rfc-editor.org/rfc/rfc4253#section-11.2).
    Ignore = IGNORE {
        /// The data.
        data: Bytes,
    }
}

message! {
    /// Words for whoever looks into the connection,
    /// [RFC 4253 section 11.3](https://www.rfc-editor.org/rfc/rfc4253#section-11.3).
    Debug = DEBUG {
        /// Whether the words should be shown also where nobody asked for them.
        always_display: bool,
        /// The words.
        message: Text,
        /// Their language, which nobody fills.
        language: Text,
    }
}

message! {
    /// Says that a message was not understood,
    /// [RFC 4253 section 11.4](https://www.rfc-editor.org/rfc/rfc4253#section-11.4).
    Unimplemented = UNIMPLEMENTED {
        /// The sequence number of the packet that was not.
        sequence: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        ignore: Ignore = bytes().prop_map(|data| Ignore { data });
        debug: Debug = (any::<bool>(), text(), text()).prop_map(
            |(always_display, message, language)| Debug { always_display, message, language });
        unimplemented: Unimplemented = any::<u32>().prop_map(
            |sequence| Unimplemented { sequence });
    }
}
