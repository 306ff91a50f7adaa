//! Whether somebody waits to be told.

/// Whether the user has looked for something and found nothing. Only then is it told when
/// there is something, and once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Looked {
    /// It has, or it has never looked.
    #[default]
    InVain,
    /// It has not since it was told.
    NotSince,
}

impl Looked {
    /// There is something now: whether the user is to be told.
    pub(super) fn tell(&mut self) -> bool {
        std::mem::replace(self, Self::NotSince) == Self::InVain
    }
}
