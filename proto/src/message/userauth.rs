//! SSH_MSG_USERAUTH_FAILURE, SSH_MSG_USERAUTH_SUCCESS, SSH_MSG_USERAUTH_BANNER.

use crate::message::codec::message;
use crate::name::NameList;
use crate::wire::Text;

message! {
    /// A login request was refused, or is not yet enough,
    /// [RFC 4252 section 5.1](https://www.rfc-editor.org/rfc/rfc4252#section-5.1).
    UserauthFailure = USERAUTH_FAILURE {
        /// The methods that can go on.
        methods: NameList,
        /// Whether the request succeeded and more is wanted.
        partial_success: bool,
    }
}

message! {
    /// The user is logged in,
    /// [RFC 4252 section 5.1](https://www.rfc-editor.org/rfc/rfc4252#section-5.1).
    UserauthSuccess = USERAUTH_SUCCESS {}
}

message! {
    /// Words to show before login,
    /// [RFC 4252 section 5.4](https://www.rfc-editor.org/rfc/rfc4252#section-5.4).
    UserauthBanner = USERAUTH_BANNER {
        /// The words.
        message: Text,
        /// Their language, which nobody fills.
        language: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::codec::laws;

    laws! {
        failure: UserauthFailure = (names(), any::<bool>()).prop_map(
            |(methods, partial_success)| UserauthFailure { methods, partial_success });
        success: UserauthSuccess = Just(UserauthSuccess {});
        banner: UserauthBanner = (text(), text()).prop_map(
            |(message, language)| UserauthBanner { message, language });
    }
}
