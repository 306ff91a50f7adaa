//! How much anybody may have: connections, logins under way, channels, rates; and penalties for
//! sources that misbehave.
//!
//! Time is an argument everywhere, and everything is bounded: what is remembered of a source goes
//! with its last connection, or is one entry of a [table](deadlines) that forgets those first which
//! would be forgotten first anyway.

use std::time::Duration;

use crate::limits::penalties::Scale;
use crate::limits::rate::Rate;

pub mod allowance;
pub mod deadlines;
pub mod door;
pub mod penalties;
pub mod rate;
pub mod source;

/// All limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at once.
    pub connections: usize,
    /// The most connections of one source at once.
    pub connections_per_source: usize,
    /// The most connections of one user at once.
    pub connections_per_user: usize,
    /// The most connections at once that have not logged in.
    pub half_open: usize,
    /// The most connections of one source at once that have not logged in.
    pub half_open_per_source: usize,
    /// The most login requests of one connection that are refused.
    pub login_attempts: u32,
    /// How long a login may take from the start of the connection.
    pub login_grace: Duration,
    /// The most channels of one connection at once.
    pub channels: usize,
    /// The most listeners of one connection at once.
    pub listeners: usize,
    /// The most sessions of one connection at once.
    pub sessions: usize,
    /// How often one source may connect.
    pub arrivals: Option<Rate>,
    /// How often one connection may open channels.
    pub opens: Option<Rate>,
    /// How many bytes one connection may carry, both ways together.
    pub bytes: Option<Rate>,
    /// How many bytes of tunnelled data all connections together may hold.
    pub memory: u64,
    /// What misbehaviour costs.
    pub penalties: Scale,
    /// The most sources that are remembered after they have left, of each kind of memory.
    pub sources: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_source: 64,
            connections_per_user: 64,
            half_open: 128,
            half_open_per_source: 16,
            login_attempts: 6,
            login_grace: Duration::from_secs(30),
            channels: 1024,
            listeners: 64,
            sessions: 10,
            arrivals: None,
            opens: None,
            bytes: None,
            memory: 1 << 30,
            penalties: Scale::default(),
            sources: 65_536,
        }
    }
}
