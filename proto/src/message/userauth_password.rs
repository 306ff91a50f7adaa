//! SSH_MSG_USERAUTH_PASSWD_CHANGEREQ.

use crate::message::codec::message;
use crate::wire::Text;

message! {
    /// The password is right but has to be changed,
    /// [RFC 4252 section 8](https://www.rfc-editor.org/rfc/rfc4252#section-8).
    UserauthPasswdChangereq = USERAUTH_PASSWD_CHANGEREQ {
        /// Words for the user.
        prompt: Text,
        /// Their language, which nobody fills.
        language: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        changereq: UserauthPasswdChangereq = (text(), text()).prop_map(
            |(prompt, language)| UserauthPasswdChangereq { prompt, language });
    }
}
