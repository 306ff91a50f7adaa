//! What both sides have said, and the exchange hash over it.

use bytes::Bytes;

use crate::provider::{Group, GroupSize, KeyExchange, SharedSecret};
use crate::secret::{Secret, wipe};
use crate::wire::Put;

/// What was said before the shares, as it enters the exchange hash
/// ([RFC 4253 section 8](https://www.rfc-editor.org/rfc/rfc4253#section-8)).
#[derive(Debug, Clone)]
pub(crate) struct Transcript {
    pub(crate) client_identification: Bytes,
    pub(crate) server_identification: Bytes,
    /// The payload of the client's SSH_MSG_KEXINIT.
    pub(crate) client_kexinit: Bytes,
    /// The payload of the server's SSH_MSG_KEXINIT.
    pub(crate) server_kexinit: Bytes,
}

/// The group that was agreed on before the shares, and the sizes that were asked for, as they
/// enter the exchange hash too ([RFC 4419 section 3](https://www.rfc-editor.org/rfc/rfc4419#section-3)).
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) size: GroupSize,
    pub(crate) group: Group,
}

impl Transcript {
    /// The exchange hash H
    /// ([RFC 5656 section 4](https://www.rfc-editor.org/rfc/rfc5656#section-4)). `shares` are the
    /// client's and the server's.
    pub(crate) fn hash(
        &self,
        method: &dyn KeyExchange,
        group: Option<&Chosen>,
        host_key: &[u8],
        shares: [&[u8]; 2],
        secret: &Secret,
    ) -> Bytes {
        let mut said = Vec::new();
        said.put_string(&self.client_identification);
        said.put_string(&self.server_identification);
        said.put_string(&self.client_kexinit);
        said.put_string(&self.server_kexinit);
        said.put_string(host_key);
        if let Some(Chosen { size, group }) = group {
            said.put_uint32(size.min);
            said.put_uint32(size.preferred);
            said.put_uint32(size.max);
            said.put_mpint(&group.prime);
            said.put_mpint(&group.generator);
        }
        for share in shares {
            said.put_string(share);
        }
        // The exchange hash is no secret: it is what the host signs.
        Bytes::copy_from_slice(method.hash(&[&said, secret.expose()]).expose())
    }
}

/// The shared secret K in the form in which it is hashed.
pub(crate) fn encode_secret(secret: &SharedSecret) -> Secret {
    let mut out = Vec::with_capacity(2048);
    match secret {
        SharedSecret::Number(number) => out.put_mpint(number.expose()),
        SharedSecret::Bytes(bytes) => out.put_string(bytes.expose()),
    }
    let encoded = Secret::from(&out[..]);
    wipe(&mut out);
    encoded
}
