//! What a channel is for, as far as its turn goes.

/// What a channel is for, as far as its turn goes: data of a class go before those of the classes
/// below, and yet a class that waits gets a ninth of what is sent, so that none starves.
///
/// It concerns this side only, and nothing of it is told to the peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Class {
    /// Somebody waits for each answer.
    Interactive,
    /// Nothing is known of it. Little goes before much then.
    #[default]
    Ordinary,
    /// Nobody minds when it comes, as long as it comes.
    Bulk,
}
