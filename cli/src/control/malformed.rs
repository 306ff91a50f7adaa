//! What is wrong with a message.

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// It is longer or shorter than any can be.
    #[error("a message of {0} bytes")]
    Length(u32),
    /// There is none of this kind.
    #[error("a message of the unknown kind {0}")]
    Kind(u32),
    /// It ends in the middle of a field.
    #[error("a message that is cut off")]
    CutOff,
    /// There is something behind its last field.
    #[error("a message with something behind its end")]
    TooLong,
    /// A field has a value that means nothing.
    #[error("a message with a field that means nothing")]
    Value,
    /// It needs descriptors that did not come with it.
    #[error("a message without the descriptors that it speaks of")]
    Descriptors,
}
