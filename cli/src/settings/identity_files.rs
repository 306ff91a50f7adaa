//! The files of keys to log in with.

use std::path::PathBuf;

use adit_ssh_config::config::Config;
use adit_ssh_config::error::Error;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::system::System;

/// The files of keys to log in with, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdentityFiles {
    /// The user named them: one that is missing is told.
    Named(Vec<PathBuf>),
    /// Those that are tried where the user named none, where they exist.
    Usual(Vec<PathBuf>),
}

impl IdentityFiles {
    /// As `IdentityFile` says; `none` is no file.
    ///
    /// # Errors
    /// Where a token means nothing, or a variable is not set.
    pub(crate) fn of(config: &Config, system: &System) -> Result<Self, Error> {
        let files = config.list(Keyword::IdentityFile).iter();
        let files = files
            .filter(|file| !file.eq_ignore_ascii_case("none"))
            .map(|file| config.expanded(Keyword::IdentityFile, file, system).map(PathBuf::from))
            .collect::<Result<_, _>>()?;
        Ok(match config.mention(Keyword::IdentityFile) {
            Some(_) => Self::Named(files),
            None => Self::Usual(files),
        })
    }
}
