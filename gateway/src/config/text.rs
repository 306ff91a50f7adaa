//! Values that stand in the file as text.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// A value that stands in the file as text and is read as it is read elsewhere.
///
/// What is wrong with the text does not end the reading of the file, so that all of it is told, and
/// each with its own place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<T> {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// The value, or what is wrong.
    pub value: Result<T, String>,
}

impl<'de, T> Deserialize<'de> for Text<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Spanned::<String>::deserialize(deserializer)?;
        let value = text.get_ref().parse().map_err(|error: T::Err| error.to_string());
        Ok(Self { span: text.span(), value })
    }
}
