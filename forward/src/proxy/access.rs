//! Whom a proxy serves.

use crate::credentials::Credentials;
use crate::socks5::Method;

/// Whom a proxy serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody who can connect. A login is not asked for; one that is offered is taken,
    /// whatever it says.
    #[default]
    Open,
    /// Who gives this user and password. They come in the clear, so the way to the proxy has
    /// to be one that nobody can listen to. SOCKS4 has no passwords, and so is refused.
    Login(Credentials),
}

impl Access {
    /// Whether these are good enough.
    pub(super) fn admits(&self, credentials: Option<&Credentials>) -> bool {
        match self {
            Self::Open => true,
            Self::Login(wanted) => credentials == Some(wanted),
        }
    }

    /// The way to log in, of those that a client offers. Some clients that were given a
    /// password want nothing but to use it.
    pub(super) fn choose(&self, offered: &[Method]) -> Method {
        let good: &[Method] = match self {
            Self::Open => &[Method::OPEN, Method::PASSWORD],
            Self::Login(_) => &[Method::PASSWORD],
        };
        let first = good.iter().find(|method| offered.contains(method));
        first.copied().unwrap_or(Method::UNACCEPTABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_chosen_only_where_there_is_a_reason() {
        let login = Access::Login(Credentials::new("a", "b"));
        let cases: [(&[u8], u8, u8); 6] = [
            (&[], 0xff, 0xff),
            (&[0], 0, 0xff),
            (&[2], 2, 2),
            (&[2, 0], 0, 2),
            (&[0, 1, 2], 0, 2),
            (&[1, 3, 0xff], 0xff, 0xff),
        ];
        for (offered, open, closed) in cases {
            let offered: Vec<_> = offered.iter().copied().map(Method).collect();
            assert_eq!(Access::Open.choose(&offered), Method(open), "{offered:?}");
            assert_eq!(login.choose(&offered), Method(closed), "{offered:?}");
        }
    }

    #[test]
    fn only_the_right_login_is_good_enough() {
        let login = Access::Login(Credentials::new("a", "b"));
        assert!(login.admits(Some(&Credentials::new("a", "b"))));
        assert!(!login.admits(Some(&Credentials::new("a", "c"))));
        assert!(!login.admits(None));
        assert!(Access::Open.admits(None) && Access::Open.admits(Some(&Credentials::new("", ""))));
    }
}
