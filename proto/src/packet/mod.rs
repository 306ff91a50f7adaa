//! The binary packet protocol, [RFC 4253 section 6](https://www.rfc-editor.org/rfc/rfc4253#section-6).

pub(crate) mod guard;
pub(crate) mod opener;
pub(crate) mod plain;
pub(crate) mod record;
pub(crate) mod sealer;
