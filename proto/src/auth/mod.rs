//! Login, [RFC 4252](https://www.rfc-editor.org/rfc/rfc4252): who logs in, and who decides.

pub(crate) mod client;
pub(crate) mod server;
