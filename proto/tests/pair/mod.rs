//! What the tests share: two connections joined in memory, and one joined with a script.
//!
//! | module | holds |
//! |---|---|
//! | [`answers`] | who answers what a connection asks |
//! | [`side`] | a connection with its input and its answers |
//! | [`line`] | what is on the way, and who tampers with it |
//! | [`tamper`] | ways to tamper |
//! | [`setup`] | what a pair or a stage begins with |
//! | [`joined`] | a client and a server under virtual time |
//! | [`schedule`] | exchange hash and keys, worked out a second time |
//! | [`peer`] | a peer that says what it is told, right or wrong |
//! | [`stage`] | one connection and such a peer |
//! | [`sample`] | a well-formed message of each number |

pub(crate) mod answers;
pub(crate) mod joined;
pub(crate) mod line;
pub(crate) mod peer;
pub(crate) mod sample;
pub(crate) mod schedule;
pub(crate) mod setup;
pub(crate) mod side;
pub(crate) mod stage;
pub(crate) mod tamper;
