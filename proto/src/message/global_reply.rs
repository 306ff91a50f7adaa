//! SSH_MSG_REQUEST_SUCCESS and SSH_MSG_REQUEST_FAILURE.

use crate::message::codec::message;
use crate::wire::Rest;

message! {
    /// A global request was granted,
    /// [RFC 4254 section 4](https://www.rfc-editor.org/rfc/rfc4254#section-4).
    RequestSuccess = REQUEST_SUCCESS {
        /// What the request says that the answer holds: for `tcpip-forward` of port 0 the
        /// port, for `hostkeys-prove-00@openssh.com` signatures, else nothing.
        data: Rest,
    }
}

message! {
    /// A global request was refused, or is not known,
    /// [RFC 4254 section 4](https://www.rfc-editor.org/rfc/rfc4254#section-4).
    RequestFailure = REQUEST_FAILURE {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        success: RequestSuccess = bytes().prop_map(|data| RequestSuccess { data: Rest(data) });
        failure: RequestFailure = Just(RequestFailure {});
    }
}
