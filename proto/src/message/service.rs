//! SSH_MSG_SERVICE_REQUEST and SSH_MSG_SERVICE_ACCEPT.

use crate::message::codec::message;

/// The service that logs users in, [RFC 4252](https://www.rfc-editor.org/rfc/rfc4252#section-4).
pub const USERAUTH: &str = "ssh-userauth";

/// The service that carries channels, [RFC 4254](https://www.rfc-editor.org/rfc/rfc4254#section-1).
pub const CONNECTION: &str = "ssh-connection";

message! {
    /// The client asks for a service,
    /// [RFC 4253 section 10](https://www.rfc-editor.org/rfc/rfc4253#section-10).
    ServiceRequest = SERVICE_REQUEST {
        /// The service's name.
        service: String,
    }
}

message! {
    /// The server grants a service,
    /// [RFC 4253 section 10](https://www.rfc-editor.org/rfc/rfc4253#section-10).
    ServiceAccept = SERVICE_ACCEPT {
        /// The service's name.
        service: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        request: ServiceRequest = ".{0,20}".prop_map(|service| ServiceRequest { service });
        accept: ServiceAccept = ".{0,20}".prop_map(|service| ServiceAccept { service });
    }
}
