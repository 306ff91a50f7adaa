//! SSH_MSG_USERAUTH_PK_OK.

use bytes::Bytes;

use crate::message::codec::message;

message! {
    /// A signature by this key would be taken,
    /// [RFC 4252 section 7](https://www.rfc-editor.org/rfc/rfc4252#section-7).
    UserauthPkOk = USERAUTH_PK_OK {
        /// The signature algorithm, as the request named it.
        algorithm: String,
        /// The public key, as the request gave it.
        key: Bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        pk_ok: UserauthPkOk = (".{0,9}", bytes()).prop_map(
            |(algorithm, key)| UserauthPkOk { algorithm, key });
    }
}
