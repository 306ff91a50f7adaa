//! Paths of Unix sockets, each in one spelling.

use std::fmt;
use std::path::{Component, Path, PathBuf};

/// The longest path that a socket's address holds, in bytes, without the zero at its end.
const LONGEST: usize = 107;

/// An absolute path without `.`, `..` and superfluous slashes.
///
/// Links in it are not followed: a path is to its links what a name is to its addresses, and the
/// [answers](crate::answers::Answers) say where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketPath(PathBuf);

impl SocketPath {
    /// Takes a path as a peer or a rule writes it.
    ///
    /// # Errors
    /// [`Unclear`].
    pub fn new(path: &Path) -> Result<Self, Unclear> {
        if !path.is_absolute() {
            return Err(Unclear::Relative);
        }
        let mut clean = PathBuf::from("/");
        for component in path.components() {
            match component {
                Component::Normal(name) => clean.push(name),
                Component::ParentDir => return Err(Unclear::Parent),
                _ => {}
            }
        }
        let bytes = clean.as_os_str().as_encoded_bytes();
        if bytes.contains(&0) {
            return Err(Unclear::Zero);
        }
        if bytes.len() > LONGEST { Err(Unclear::Long) } else { Ok(Self(clean)) }
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Whether it lies in this folder, at whatever depth.
    pub fn is_below(&self, folder: &Self) -> bool {
        self != folder && self.0.starts_with(&folder.0)
    }
}

impl fmt::Display for SocketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.to_string_lossy().escape_debug())
    }
}

/// Why it is not clear which socket is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// It depends on the gateway's working folder.
    #[error("a socket's path must begin with a slash")]
    Relative,
    /// What `..` leads to depends on links.
    #[error("a socket's path must have no `..`")]
    Parent,
    /// The system would take it for its beginning.
    #[error("a socket's path must have no zero byte")]
    Zero,
    /// The system would not take it.
    #[error("a socket's path has at most {LONGEST} bytes")]
    Long,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> Result<SocketPath, Unclear> {
        SocketPath::new(Path::new(text))
    }

    #[test]
    fn every_spelling_of_a_path_is_that_path() {
        for spelling in ["/run/app.sock", "//run//app.sock", "/run/./app.sock", "/run/app.sock/"] {
            assert_eq!(path(spelling).unwrap().to_string(), "/run/app.sock", "{spelling}");
        }
    }

    #[test]
    fn what_is_unclear_is_refused() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for (text, cause) in [
            ("", Unclear::Relative),
            ("app.sock", Unclear::Relative),
            ("@app", Unclear::Relative),
            ("\0app", Unclear::Relative),
            ("/run/../etc", Unclear::Parent),
            ("/run/app\0.sock", Unclear::Zero),
            (&long, Unclear::Long),
        ] {
            assert_eq!(path(text), Err(cause), "{text:?}");
        }
    }

    #[test]
    fn a_folder_has_what_begins_with_all_its_names() {
        let folder = path("/run/app").unwrap();
        assert!(path("/run/app/a/b").unwrap().is_below(&folder));
        assert!(!path("/run/app").unwrap().is_below(&folder));
        assert!(!path("/run/application").unwrap().is_below(&folder));
        assert!(path("/run").unwrap().is_below(&path("/").unwrap()));
    }

    proptest! {
        #[test]
        fn arbitrary_paths_never_panic(text in ".{0,120}") {
            let _ = path(&text);
        }
    }
}
