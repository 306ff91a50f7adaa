//! SSH_MSG_NEWKEYS.

use crate::message::codec::message;

message! {
    /// What follows is under the new keys,
    /// [RFC 4253 section 7.3](https://www.rfc-editor.org/rfc/rfc4253#section-7.3).
    NewKeys = NEWKEYS {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        newkeys: NewKeys = Just(NewKeys {});
    }
}
