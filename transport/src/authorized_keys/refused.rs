//! Options that refuse a key.

/// Why a key must not be let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An option is not enforced here, or not known.
    #[error("the option {0} is not supported")]
    Unsupported(String),
    /// The value of an option is not one.
    #[error("the option {name} has the invalid value \"{value}\"")]
    Value {
        /// The option.
        name: String,
        /// Its value.
        value: String,
    },
}
