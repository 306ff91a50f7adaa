//! A user and a password.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A user and a password, as proxies ask for them. They are bytes: the protocols know no
/// encoding.
///
/// The password is wiped from memory when this is dropped, and not shown by [`fmt::Debug`].
#[derive(Clone)]
pub struct Credentials {
    user: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
}

impl Credentials {
    /// A user and the password; a `String` or a `Vec` is taken over without a copy.
    pub fn new(user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        Self { user: user.into(), password: Zeroizing::new(password.into()) }
    }

    /// The user.
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    /// The password.
    pub fn password(&self) -> &[u8] {
        &self.password
    }
}

/// Takes the same time wherever two of equal length differ.
impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        (self.user.ct_eq(&other.user) & self.password.ct_eq(&other.password)).into()
    }
}

impl Eq for Credentials {}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ..)", self.user.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_the_user_and_the_password_have_to_be_right() {
        let right = Credentials::new("ada", "secret");
        assert_eq!(right, Credentials::new("ada", "secret"));
        for (user, password) in [("ada", "Secret"), ("bob", "secret"), ("", ""), ("ada", "secre")] {
            assert_ne!(right, Credentials::new(user, password));
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let shown = format!("{:?}", Credentials::new("a\x1bda", "secret"));
        assert_eq!(shown, "Credentials(a\\x1bda, ..)");
    }
}
