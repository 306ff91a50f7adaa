//! Penalties for sources that misbehave, as OpenSSH's `PerSourcePenalties` has them
//! ([sshd_config(5)](https://man.openbsd.org/sshd_config#PerSourcePenalties)).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use adit_transport::certificate::Network;

use crate::limits::deadlines::{Deadlines, Entry};
use crate::limits::source::Source;

/// What a connection did before anybody had logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offence {
    /// It tried to log in, and was refused.
    AuthFailed,
    /// It left without a try.
    NoAuth,
    /// It did not log in in time.
    GraceExceeded,
    /// It broke the protocol, or what served it.
    Crash,
}

/// What offences cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// What [`Offence::AuthFailed`] costs.
    pub auth_failed: Duration,
    /// What [`Offence::NoAuth`] costs.
    pub no_auth: Duration,
    /// What [`Offence::GraceExceeded`] costs.
    pub grace_exceeded: Duration,
    /// What [`Offence::Crash`] costs.
    pub crash: Duration,
    /// Penalties add up. A source is turned away once they exceed this.
    pub threshold: Duration,
    /// They do not add up to more than this.
    pub maximum: Duration,
    /// Sources that are never turned away.
    pub exempt: Vec<Network>,
}

impl Default for Scale {
    fn default() -> Self {
        Self {
            auth_failed: Duration::from_secs(5),
            no_auth: Duration::from_secs(1),
            grace_exceeded: Duration::from_secs(10),
            crash: Duration::from_secs(90),
            threshold: Duration::from_secs(15),
            maximum: Duration::from_secs(600),
            exempt: Vec::new(),
        }
    }
}

impl Scale {
    /// What an offence costs.
    pub fn cost(&self, offence: Offence) -> Duration {
        match offence {
            Offence::AuthFailed => self.auth_failed,
            Offence::NoAuth => self.no_auth,
            Offence::GraceExceeded => self.grace_exceeded,
            Offence::Crash => self.crash,
        }
    }

    fn exempts(&self, source: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(source))
    }
}

/// The penalties of sources that have not ended.
#[derive(Debug)]
pub struct Penalties {
    table: Deadlines<Source, Enforced>,
}

/// Whether a source is turned away. Once it is, it is until its penalty ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enforced {
    NotYet,
    Yes,
}

impl Penalties {
    /// No penalties, with room for so many sources.
    pub fn new(most: usize) -> Self {
        Self { table: Deadlines::new(most) }
    }

    /// Adds what an offence costs. The second value is how long the source is turned away from
    /// now on, where it is.
    pub fn add(
        &mut self,
        source: IpAddr,
        offence: Offence,
        scale: &Scale,
        now: Instant,
    ) -> Option<Duration> {
        let cost = scale.cost(offence);
        if cost.is_zero() || scale.exempts(source) {
            return None;
        }
        let key = source.into();
        let old = self.table.get(key, now);
        let left = old.map_or(Duration::ZERO, |entry| entry.end.saturating_duration_since(now));
        let left = left.saturating_add(cost).min(scale.maximum);
        let was = old.map_or(Enforced::NotYet, |entry| entry.value);
        let value = if left > scale.threshold { Enforced::Yes } else { was };
        let end = now.checked_add(left)?;
        self.table.set(key, Entry { end, value }, now);
        (value == Enforced::Yes).then_some(left)
    }

    /// How long a source is still turned away; `None` where it is not.
    pub fn left(&self, source: IpAddr, scale: &Scale, now: Instant) -> Option<Duration> {
        let entry = self.table.get(source.into(), now)?;
        let counts = entry.value == Enforced::Yes && !scale.exempts(source);
        counts.then(|| entry.end.saturating_duration_since(now))
    }

    /// Has room for so many sources from now on.
    pub fn resize(&mut self, most: usize) {
        self.table.resize(most);
    }

    /// How many sources are remembered.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no source is remembered.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn penalties_add_up_until_the_source_is_turned_away() {
        let (scale, start) = (Scale::default(), Instant::now());
        let (mut penalties, bad) = (Penalties::new(10), address("192.0.2.1"));
        for _ in 0..3 {
            assert_eq!(penalties.add(bad, Offence::AuthFailed, &scale, start), None);
        }
        assert_eq!(penalties.left(bad, &scale, start), None);
        let left = penalties.add(bad, Offence::AuthFailed, &scale, start);
        assert_eq!(left, Some(seconds(20)));
        let later = start + seconds(19);
        assert_eq!(penalties.left(bad, &scale, later), Some(seconds(1)));
        assert_eq!(penalties.left(address("192.0.2.2"), &scale, later), None);
        assert_eq!(penalties.left(bad, &scale, start + seconds(20)), None);
        assert_eq!(penalties.add(bad, Offence::AuthFailed, &scale, start + seconds(20)), None);
    }

    #[test]
    fn a_crash_is_enough_by_itself_and_nothing_costs_more_than_the_maximum() {
        let (scale, start) = (Scale::default(), Instant::now());
        let (mut penalties, bad) = (Penalties::new(10), address("192.0.2.1"));
        assert_eq!(penalties.add(bad, Offence::Crash, &scale, start), Some(seconds(90)));
        for _ in 0..20 {
            penalties.add(bad, Offence::Crash, &scale, start);
        }
        assert_eq!(penalties.left(bad, &scale, start), Some(seconds(600)));
    }

    #[test]
    fn a_site_is_penalised_as_a_whole_and_who_is_exempt_is_not() {
        let scale = Scale { exempt: vec!["10.0.0.0/8".parse().unwrap()], ..Scale::default() };
        let (mut penalties, start) = (Penalties::new(10), Instant::now());
        penalties.add(address("2001:db8::1"), Offence::Crash, &scale, start);
        assert!(penalties.left(address("2001:db8::2"), &scale, start).is_some());
        assert!(penalties.left(address("2001:db8:0:1::1"), &scale, start).is_none());
        let exempt = address("::ffff:10.0.0.1");
        assert_eq!(penalties.add(exempt, Offence::Crash, &scale, start), None);
        assert_eq!(penalties.len(), 1);
        penalties.add(exempt, Offence::Crash, &Scale::default(), start);
        assert_eq!(penalties.left(exempt, &scale, start), None);
    }

    #[test]
    fn the_least_penalty_is_forgotten_where_there_is_no_room() {
        let (scale, start) = (Scale::default(), Instant::now());
        let mut penalties = Penalties::new(2);
        penalties.add(address("192.0.2.1"), Offence::Crash, &scale, start);
        for last in 2..200 {
            let source = IpAddr::from([192, 0, 2, last]);
            penalties.add(source, Offence::NoAuth, &scale, start);
            assert!(penalties.len() <= 2);
        }
        assert!(penalties.left(address("192.0.2.1"), &scale, start).is_some());
    }

    #[test]
    fn what_costs_nothing_is_not_remembered() {
        let scale = Scale { no_auth: Duration::ZERO, ..Scale::default() };
        let mut penalties = Penalties::new(2);
        penalties.add(address("192.0.2.1"), Offence::NoAuth, &scale, Instant::now());
        assert!(penalties.is_empty());
    }
}
