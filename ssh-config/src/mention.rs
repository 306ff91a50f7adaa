//! Where a setting was said first.

use crate::error::Place;

/// Where, and in which words, a line or the command line has set a keyword first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Where that stands.
    pub place: Place,
    /// What follows the keyword there.
    pub words: String,
}
