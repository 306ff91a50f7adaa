//! SSH2_MSG_PING and SSH2_MSG_PONG.

use bytes::Bytes;

use crate::message::codec::message;

message! {
    /// Asks for an answer with the same data, `ping@openssh.com`,
    /// [PROTOCOL section 1.9](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    Ping = PING {
        /// What is to come back.
        data: Bytes,
    }
}

message! {
    /// Answers a ping,
    /// [PROTOCOL section 1.9](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
    Pong = PONG {
        /// What the ping carried.
        data: Bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        ping: Ping = bytes().prop_map(|data| Ping { data });
        pong: Pong = bytes().prop_map(|data| Pong { data });
    }
}
