//! How a peer refuses a channel.

use std::fmt;

use adit_proto::message::channel_open::Reason;
use adit_proto::wire::Text;

/// How a peer refuses a channel,
/// [RFC 4254 section 5.1](https://www.rfc-editor.org/rfc/rfc4254#section-5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people, in the words of the peer.
    pub description: Text,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)?;
        if !self.description.0.is_empty() {
            write!(f, " ({})", self.description.sanitized_line())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_peer_cannot_steer_a_terminal() {
        let description = Text::from("no\u{1b}[2J");
        let refusal = Refusal { reason: Reason::CONNECT_FAILED, description };
        assert_eq!(refusal.to_string(), "connect failed (no\\u{1b}[2J)");
        let refusal = Refusal { description: Text::default(), ..refusal };
        assert_eq!(refusal.to_string(), "connect failed");
    }
}
