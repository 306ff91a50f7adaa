//! What an agent answers, [RFC 9987](https://www.rfc-editor.org/rfc/rfc9987).

use adit_proto::wire::{self, Parsed};
use nom::Parser;
use nom::combinator::{all_consuming, map, verify};
use nom::multi::count;

/// The most keys that are taken from an agent, as in OpenSSH.
const MOST_KEYS: u32 = 2048;

/// An answer of an agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply<'a> {
    /// SSH_AGENT_IDENTITIES_ANSWER: keys in their wire forms, and their comments.
    Identities(Vec<(&'a [u8], &'a [u8])>),
    /// SSH_AGENT_SIGN_RESPONSE: a signature as on the wire.
    Signature(&'a [u8]),
    /// SSH_AGENT_FAILURE: it would not or could not.
    Failure,
}

impl<'a> Reply<'a> {
    /// Parses a message without its length; `None` where it is malformed or of another kind.
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let (rest, kind) = wire::byte(message).ok()?;
        let parsed = match kind {
            5 => return Some(Self::Failure),
            12 => all_consuming(map(identities, Self::Identities)).parse(rest),
            14 => all_consuming(map(wire::string, Self::Signature)).parse(rest),
            _ => return None,
        };
        parsed.ok().map(|(_, reply)| reply)
    }
}

fn identities(input: &[u8]) -> Parsed<'_, Vec<(&[u8], &[u8])>> {
    let (rest, number) = verify(wire::uint32, |number| *number <= MOST_KEYS).parse(input)?;
    let number = usize::try_from(number).unwrap_or_default();
    count((wire::string, wire::string), number).parse(rest)
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::Put;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn answer(keys: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut message = vec![12];
        message.put_uint32(u32::try_from(keys.len()).unwrap());
        for (key, comment) in keys {
            message.put_string(key);
            message.put_string(comment);
        }
        message
    }

    #[test]
    fn answers_are_parsed_as_the_rfc_says() {
        let keys = [(&b"key"[..], &b"comment"[..]), (b"other", b"")];
        assert_eq!(Reply::parse(&answer(&keys)), Some(Reply::Identities(keys.to_vec())));
        assert_eq!(Reply::parse(b"\x0e\0\0\0\x02ab"), Some(Reply::Signature(b"ab")));
        assert_eq!(Reply::parse(&[5]), Some(Reply::Failure));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let mut many = vec![12];
        many.put_uint32(MOST_KEYS + 1);
        let longer = [&answer(&[])[..], &[0]].concat();
        for message in [&[][..], &[6], &[255], b"\x0e\0\0\0\x02a", &many, &longer] {
            assert_eq!(Reply::parse(message), None, "{message:?}");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = answer(&[(b"key", b"comment")]);
        for len in 0..whole.len() {
            assert_eq!(Reply::parse(&whole[..len]), None);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..100)) {
            for kind in [5, 12, 14] {
                let _ = Reply::parse(&[&[kind], &bytes[..]].concat());
            }
        }
    }
}
