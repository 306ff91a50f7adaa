//! What a tunnel is sealed with.

/// A cipher that both ends are told, or none named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cipher {
    /// Whatever the two ends agree on by themselves.
    Default,
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

impl Cipher {
    /// Its name in SSH.
    pub(crate) fn ssh(self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::Aes128Gcm => Some("aes128-gcm@openssh.com"),
            Self::Aes256Gcm => Some("aes256-gcm@openssh.com"),
            Self::ChaCha20Poly1305 => Some("chacha20-poly1305@openssh.com"),
        }
    }

    /// Its name in the floor, which has no default.
    pub(crate) fn floor(self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::Aes128Gcm => Some("aes128-gcm"),
            Self::Aes256Gcm => Some("aes256-gcm"),
            Self::ChaCha20Poly1305 => Some("cha-cha20-poly1305"),
        }
    }
}
