//! SSH_MSG_USERAUTH_INFO_REQUEST and SSH_MSG_USERAUTH_INFO_RESPONSE.

use bytes::{Bytes, BytesMut};
use nom::Parser;
use nom::multi::length_count;

use crate::message::codec::message;
use crate::secret::Secret;
use crate::wire::{self, Field, Put, Text};

message! {
    /// Questions for the user,
    /// [RFC 4256 section 3.2](https://www.rfc-editor.org/rfc/rfc4256#section-3.2).
    UserauthInfoRequest = USERAUTH_INFO_REQUEST {
        /// A headline.
        name: Text,
        /// What the user should know.
        instruction: Text,
        /// Their language, which nobody fills.
        language: Text,
        /// The questions; there may be none.
        prompts: List<Prompt>,
    }
}

message! {
    /// The answers, one for each question,
    /// [RFC 4256 section 3.4](https://www.rfc-editor.org/rfc/rfc4256#section-3.4).
    UserauthInfoResponse = USERAUTH_INFO_RESPONSE {
        /// The answers in the order of the questions.
        responses: List<Secret>,
    }
}

/// A question, [RFC 4256 section 3.2](https://www.rfc-editor.org/rfc/rfc4256#section-3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The words.
    pub prompt: Text,
    /// Whether the answer may be shown as it is typed.
    pub echo: bool,
}

/// A counted list of fields, as
/// [RFC 4256 section 3.2](https://www.rfc-editor.org/rfc/rfc4256#section-3.2) has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T: Field> Field for List<T> {
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, items) =
            length_count(wire::uint32, |input| T::parse(input, packet)).parse(input)?;
        Ok((input, Self(items)))
    }
    fn encode(&self, out: &mut BytesMut) {
        out.put_uint32(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.iter().for_each(|item| item.encode(out));
    }
}

impl Field for Prompt {
    fn parse<'a>(input: &'a [u8], packet: &Bytes) -> wire::Parsed<'a, Self> {
        let (input, prompt) = Text::parse(input, packet)?;
        let (input, echo) = wire::boolean(input)?;
        Ok((input, Self { prompt, echo }))
    }
    fn encode(&self, out: &mut BytesMut) {
        self.prompt.encode(out);
        out.put_boolean(self.echo);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::message::codec::laws;
    use crate::message::codec::strategy::text;

    fn prompts() -> impl Strategy<Value = List<Prompt>> {
        let prompt = (text(), any::<bool>()).prop_map(|(prompt, echo)| Prompt { prompt, echo });
        vec(prompt, 0..4).prop_map(List)
    }

    laws! {
        request: UserauthInfoRequest = (text(), text(), text(), prompts()).prop_map(
            |(name, instruction, language, prompts)| UserauthInfoRequest {
                name, instruction, language, prompts,
            });
        response: UserauthInfoResponse = vec(secret(), 0..4).prop_map(
            |responses| UserauthInfoResponse { responses: List(responses) });
    }
}
