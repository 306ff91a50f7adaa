//! Whoever speaks with the user.

use std::future::Future;

use adit_proto::secret::Secret;

/// Asks and tells the user: at a terminal, by a window, or not at all.
pub trait Prompt: Send {
    /// Asks for something that may be seen. `None` where nobody can be asked, or the user wants
    /// no more.
    fn ask(&mut self, words: &str) -> impl Future<Output = Option<String>> + Send;

    /// Asks for something that may not be seen. `None` where nobody can be asked, or the user
    /// wants no more.
    fn ask_secret(&mut self, words: &str) -> impl Future<Output = Option<Secret>> + Send;

    /// Tells something.
    fn tell(&mut self, words: &str);
}
