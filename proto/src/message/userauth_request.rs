//! SSH_MSG_USERAUTH_REQUEST.

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::combinator::map;

use crate::message::codec::Message;
use crate::message::number::Number;
use crate::secret::Secret;
use crate::wire::{self, Field, Put, Rest};

/// Asks to log a user in,
/// [RFC 4252 section 5](https://www.rfc-editor.org/rfc/rfc4252#section-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserauthRequest {
    /// The user's name.
    pub user: String,
    /// The service to start after login.
    pub service: String,
    /// How the user proves who it is.
    pub method: Method,
}

/// How a user proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Not at all; asks which methods there are,
    /// [RFC 4252 section 5.2](https://www.rfc-editor.org/rfc/rfc4252#section-5.2).
    None,
    /// By a key, [RFC 4252 section 7](https://www.rfc-editor.org/rfc/rfc4252#section-7).
    PublicKey {
        /// The signature algorithm.
        algorithm: String,
        /// The public key.
        key: Bytes,
        /// The server's host key, where the request is bound to it by
        /// `publickey-hostbound-v00@openssh.com`,
        /// [PROTOCOL section 3.1](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
        host_key: Option<Bytes>,
        /// The signature; without one the request asks whether it would be taken.
        signature: Option<Bytes>,
    },
    /// By a password, [RFC 4252 section 8](https://www.rfc-editor.org/rfc/rfc4252#section-8).
    Password {
        /// The password.
        password: Secret,
        /// The password that it is to become.
        new_password: Option<Secret>,
    },
    /// By answers, [RFC 4256 section 3.1](https://www.rfc-editor.org/rfc/rfc4256#section-3.1).
    KeyboardInteractive {
        /// Their language, which nobody fills.
        language: String,
        /// Hints as to how, mostly empty.
        submethods: String,
    },
    /// By a method that is not known here.
    Other {
        /// The method.
        name: String,
        /// What it carries.
        data: Rest,
    },
}

/// The method `none`.
pub const NONE: &str = "none";
/// The method `publickey`.
pub const PUBLICKEY: &str = "publickey";
/// The method `publickey-hostbound-v00@openssh.com`, which servers do not list: it is `publickey`.
pub const PUBLICKEY_HOSTBOUND: &str = "publickey-hostbound-v00@openssh.com";
/// The method `password`.
pub const PASSWORD: &str = "password";
/// The method `keyboard-interactive`.
pub const KEYBOARD_INTERACTIVE: &str = "keyboard-interactive";

impl UserauthRequest {
    /// What a signature for this request is made over, where the request is by a key:
    /// the session identifier and the request up to the signature,
    /// [RFC 4252 section 7](https://www.rfc-editor.org/rfc/rfc4252#section-7).
    pub fn signed_data(
        session_id: &[u8],
        user: &str,
        service: &str,
        algorithm: &str,
        key: &[u8],
        host_key: Option<&[u8]>,
    ) -> Vec<u8> {
        let method = if host_key.is_some() { PUBLICKEY_HOSTBOUND } else { PUBLICKEY };
        let mut data = Vec::with_capacity(session_id.len() + key.len() + 256);
        data.put_string(session_id);
        data.put_byte(Number::USERAUTH_REQUEST.0);
        data.put_string(user.as_bytes());
        data.put_string(service.as_bytes());
        data.put_string(method.as_bytes());
        data.put_boolean(true);
        data.put_string(algorithm.as_bytes());
        data.put_string(key);
        if let Some(host_key) = host_key {
            data.put_string(host_key);
        }
        data
    }
}

impl Method {
    /// The method's name as on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::None => NONE,
            Self::PublicKey { host_key: Some(_), .. } => PUBLICKEY_HOSTBOUND,
            Self::PublicKey { .. } => PUBLICKEY,
            Self::Password { .. } => PASSWORD,
            Self::KeyboardInteractive { .. } => KEYBOARD_INTERACTIVE,
            Self::Other { name, .. } => name,
        }
    }

    fn parse<'a>(name: &str, input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        match name {
            NONE => Ok((input, Self::None)),
            PUBLICKEY | PUBLICKEY_HOSTBOUND => {
                let (input, signed) = wire::boolean(input)?;
                let (input, algorithm) = String::parse(input, packet)?;
                let (input, key) = Bytes::parse(input, packet)?;
                let (input, host_key) = optional(name == PUBLICKEY_HOSTBOUND, input, packet)?;
                let (input, signature) = optional(signed, input, packet)?;
                Ok((input, Self::PublicKey { algorithm, key, host_key, signature }))
            }
            PASSWORD => {
                let (input, changed) = wire::boolean(input)?;
                let (input, password) = Secret::parse(input, packet)?;
                let (input, new_password) = optional(changed, input, packet)?;
                Ok((input, Self::Password { password, new_password }))
            }
            KEYBOARD_INTERACTIVE => {
                let (input, language) = String::parse(input, packet)?;
                let (input, submethods) = String::parse(input, packet)?;
                Ok((input, Self::KeyboardInteractive { language, submethods }))
            }
            _ => map(
                |input| Rest::parse(input, packet),
                |data| Self::Other { name: name.to_owned(), data },
            )
            .parse(input),
        }
    }

    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::None => {}
            Self::PublicKey { algorithm, key, host_key, signature } => {
                out.put_boolean(signature.is_some());
                algorithm.encode(out);
                key.encode(out);
                if let Some(host_key) = host_key {
                    host_key.encode(out);
                }
                if let Some(signature) = signature {
                    signature.encode(out);
                }
            }
            Self::Password { password, new_password } => {
                out.put_boolean(new_password.is_some());
                password.encode(out);
                if let Some(new_password) = new_password {
                    new_password.encode(out);
                }
            }
            Self::KeyboardInteractive { language, submethods } => {
                language.encode(out);
                submethods.encode(out);
            }
            Self::Other { data, .. } => data.encode(out),
        }
    }
}

fn optional<'a, T: Field>(
    present: bool,
    input: &'a [u8],
    packet: &Bytes,
) -> wire::Parsed<'a, Option<T>> {
    if present {
        map(|input| T::parse(input, packet), Some).parse(input)
    } else {
        Ok((input, None))
    }
}

impl Message for UserauthRequest {
    const NUMBER: Number = Number::USERAUTH_REQUEST;

    fn parse_fields<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, user) = String::parse(input, packet)?;
        let (input, service) = String::parse(input, packet)?;
        let (input, name) = wire::utf8(input)?;
        let (input, method) = Method::parse(name, input, packet)?;
        Ok((input, Self { user, service, method }))
    }

    fn encode_fields(&self, out: &mut BytesMut) {
        self.user.encode(out);
        self.service.encode(out);
        out.put_string(self.method.name().as_bytes());
        self.method.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::codec::laws;
    use crate::message::codec::strategy::{bytes, secret};

    fn method() -> impl Strategy<Value = Method> {
        prop_oneof![
            Just(Method::None),
            (".{0,9}", bytes(), proptest::option::of(bytes()), proptest::option::of(bytes()))
                .prop_map(|(algorithm, key, host_key, signature)| Method::PublicKey {
                    algorithm,
                    key,
                    host_key,
                    signature
                }),
            (secret(), proptest::option::of(secret())).prop_map(|(password, new_password)| {
                Method::Password { password, new_password }
            }),
            (".{0,9}", ".{0,9}").prop_map(|(language, submethods)| Method::KeyboardInteractive {
                language,
                submethods
            }),
            ("other[a-z]{0,9}", bytes())
                .prop_map(|(name, data)| Method::Other { name, data: Rest(data) }),
        ]
    }

    laws! {
        request: UserauthRequest = (".{0,9}", ".{0,9}", method()).prop_map(
            |(user, service, method)| UserauthRequest { user, service, method });
    }

    #[test]
    fn what_is_signed_is_the_request_behind_the_session_identifier() {
        for host_key in [None, Some(&b"host"[..])] {
            let request = UserauthRequest {
                user: "alice".to_owned(),
                service: "ssh-connection".to_owned(),
                method: Method::PublicKey {
                    algorithm: "ssh-ed25519".to_owned(),
                    key: Bytes::from_static(b"key"),
                    host_key: host_key.map(Bytes::from_static),
                    signature: Some(Bytes::new()),
                },
            };
            let mut wire = BytesMut::new();
            wire.put_string(b"id");
            request.encode(&mut wire);
            let (user, service, algorithm) = ("alice", "ssh-connection", "ssh-ed25519");
            let signed =
                UserauthRequest::signed_data(b"id", user, service, algorithm, b"key", host_key);
            // All but the empty signature's length.
            assert_eq!(signed, wire[..wire.len() - 4]);
        }
    }
}
