//! Names of algorithms, methods and extensions, and lists of them.

use std::fmt;

/// A list of names in order of preference, `name-list` of
/// [RFC 4251 section 5](https://www.rfc-editor.org/rfc/rfc4251#section-5).
///
/// Names are US-ASCII without commas, white space and control characters
/// ([section 6](https://www.rfc-editor.org/rfc/rfc4251#section-6)); none is empty.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct NameList(String);

impl NameList {
    /// A list of these names.
    ///
    /// # Errors
    /// [`Invalid`] where one of them is not a name.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        let mut joined = String::new();
        for name in names {
            if name.contains(',') {
                return Err(Invalid);
            }
            if !joined.is_empty() {
                joined.push(',');
            }
            joined.push_str(name);
            if name.is_empty() {
                return Err(Invalid);
            }
        }
        Self::parse(&joined)
    }

    /// A list as it stands on the wire and in configurations: names with commas between them.
    ///
    /// # Errors
    /// [`Invalid`] where a name is empty or has a character that no name has.
    pub fn parse(joined: &str) -> Result<Self, Invalid> {
        let printable = joined.bytes().all(|byte| byte.is_ascii_graphic());
        let whole = joined.is_empty() || joined.split(',').all(|name| !name.is_empty());
        if printable && whole { Ok(Self(joined.to_owned())) } else { Err(Invalid) }
    }

    /// The names with commas between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split(',').filter(|name| !name.is_empty())
    }

    /// The most preferred name.
    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// Whether `name` is among them.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|it| it == name)
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for NameList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NameList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A name is empty, or has a character that no name has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid;

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name is empty or has a character other than printable ascii")
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_has_no_names() {
        let list = NameList::parse("").unwrap();
        assert_eq!(list.iter().count(), 0);
        assert_eq!(list.first(), None);
        assert_eq!(NameList::new([]).unwrap(), list);
    }

    #[test]
    fn names_keep_their_order() {
        let list = NameList::new(["b", "a"]).unwrap();
        assert_eq!(list.as_str(), "b,a");
        assert_eq!(list.iter().collect::<Vec<_>>(), ["b", "a"]);
        assert!(list.contains("a") && !list.contains("b,a") && !list.contains(""));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for joined in [",", "a,", ",a", "a,,b", "a b", "a\n", "\u{e9}", "a\0"] {
            assert_eq!(NameList::parse(joined), Err(Invalid), "{joined:?}");
        }
        assert_eq!(NameList::new(["a,b"]), Err(Invalid));
        assert_eq!(NameList::new(["", "a"]), Err(Invalid));
    }
}
