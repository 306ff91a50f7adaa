//! SSH_MSG_EXT_INFO.

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::multi::length_count;

use crate::message::codec::Message;
use crate::message::number::Number;
use crate::name::NameList;
use crate::wire::{self, Field, Put};

/// Extensions that a side supports,
/// [RFC 8308 section 2.3](https://www.rfc-editor.org/rfc/rfc8308#section-2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtInfo {
    /// Names and values. Unknown ones are to be ignored.
    pub extensions: Vec<(String, Bytes)>,
}

/// The signature algorithms that a server takes from users,
/// [RFC 8308 section 3.1](https://www.rfc-editor.org/rfc/rfc8308#section-3.1).
pub const SERVER_SIG_ALGS: &str = "server-sig-algs";

/// Says that SSH2_MSG_PING is answered,
/// [PROTOCOL section 1.9](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
pub const PING: &str = "ping@openssh.com";

/// Says that logins by `publickey-hostbound-v00@openssh.com` are taken,
/// [PROTOCOL section 3.1](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL).
pub const HOSTBOUND: &str = "publickey-hostbound@openssh.com";

impl ExtInfo {
    /// Whether logins by [`HOSTBOUND`] are taken, in the version that is known.
    pub fn takes_hostbound(&self) -> bool {
        self.get(HOSTBOUND).is_some_and(|version| **version == *b"0")
    }

    /// The value of the extension of this name; where it stands twice, the first.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.extensions.iter().find(|(it, _)| it == name).map(|(_, value)| value)
    }

    /// The value of [`SERVER_SIG_ALGS`], where it is there and a name-list.
    pub fn server_sig_algs(&self) -> Option<NameList> {
        let joined = std::str::from_utf8(self.get(SERVER_SIG_ALGS)?).ok()?;
        NameList::parse(joined).ok()
    }
}

impl Message for ExtInfo {
    const NUMBER: Number = Number::EXT_INFO;

    fn parse_fields<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let extension = |input| {
            let (input, name) = String::parse(input, packet)?;
            let (input, value) = Bytes::parse(input, packet)?;
            Ok((input, (name, value)))
        };
        let (input, extensions) = length_count(wire::uint32, extension).parse(input)?;
        Ok((input, Self { extensions }))
    }

    fn encode_fields(&self, out: &mut BytesMut) {
        out.put_uint32(u32::try_from(self.extensions.len()).unwrap_or(u32::MAX));
        for (name, value) in &self.extensions {
            name.encode(out);
            value.encode(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        ext_info: ExtInfo = proptest::collection::vec((".{0,9}", bytes()), 0..4).prop_map(
            |extensions| ExtInfo { extensions });
    }

    #[test]
    fn a_value_that_is_no_name_list_counts_as_absent() {
        let with = |value: &'static [u8]| ExtInfo {
            extensions: vec![(SERVER_SIG_ALGS.to_owned(), Bytes::from_static(value))],
        };
        assert_eq!(with(b"a,b").server_sig_algs().unwrap().as_str(), "a,b");
        assert_eq!(with(b"a,,b").server_sig_algs(), None);
        assert_eq!(with(b"\xff").server_sig_algs(), None);
        assert_eq!(ExtInfo::default().server_sig_algs(), None);
    }
}
