//! The connections to the server that there are, and how many are wanted.

use std::collections::BTreeSet;
use std::time::Duration;

use adit_channels::mux::Class;
use adit_channels::session::Handle;
use adit_forward::refusal::Refusal;
use adit_transport::public_key::fingerprint::Fingerprint;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::open::placement::{self, Burden, First, Room, Youth};

/// How long what wants to go through a tunnel waits for a connection to come back.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long it waits for a connection of its own while further ones are being opened. Logins take
/// less, but for very long paths.
const HOPE: Duration = Duration::from_secs(3);

/// How long nobody knows what a channel will move.
const YOUTH: Duration = Duration::from_secs(2);

/// The connections to the server that there are, and how many are wanted. All its clones are the
/// same.
///
/// Connections beyond the first are wanted only when something goes through the others already;
/// whoever brings that about waits a moment for what is being opened, unless it is interactive.
#[derive(Debug, Clone)]
pub(super) struct Board {
    state: watch::Sender<State>,
}

#[derive(Debug)]
struct State {
    strands: Vec<Strand>,
    /// The host keys that the first connection has found on its way, nearest first.
    keys: Vec<Fingerprint>,
    /// How many there may be, and how many are wanted.
    most: usize,
    wanted: usize,
    /// The numbers of those that are being opened.
    opening: BTreeSet<usize>,
    /// Until when those that are being opened are worth waiting for.
    hope: Option<Instant>,
    first: First,
    /// There will be no more.
    over: bool,
}

/// A connection, and how much goes through it.
#[derive(Debug)]
struct Strand {
    number: usize,
    session: Handle,
    /// What it had carried when it was measured last, and how many bytes of a second then.
    carried: u64,
    rate: u64,
    measured: Instant,
    /// When a channel was put on it last.
    used: Option<Instant>,
}

/// What becomes of a channel that is to be put somewhere.
enum Place {
    On(Handle),
    /// A connection may come until then.
    Wait(Instant),
    /// There is no connection at the moment.
    Nowhere,
}

impl Board {
    /// No connection yet, and so many at most.
    pub(super) fn new(most: usize, first: First) -> Self {
        let state = State {
            strands: Vec::new(),
            keys: Vec::new(),
            most: most.max(1),
            wanted: 1,
            opening: BTreeSet::new(),
            hope: None,
            first,
            over: false,
        };
        Self { state: watch::Sender::new(state) }
    }

    /// There is a connection with this number.
    pub(super) fn add(&self, number: usize, session: Handle) {
        self.state.send_modify(|state| {
            let (carried, measured) = (session.traffic().sum(), Instant::now());
            state.strands.retain(|strand| strand.number != number);
            let strand = Strand { number, session, carried, rate: 0, measured, used: None };
            state.strands.push(strand);
        });
    }

    /// There is none with this number for the time being.
    pub(super) fn remove(&self, number: usize) {
        self.state.send_modify(|state| state.strands.retain(|strand| strand.number != number));
    }

    /// There is none with this number any more, and none is wanted in its place.
    pub(super) fn lose(&self, number: usize) {
        self.state.send_modify(|state| {
            state.strands.retain(|strand| strand.number != number);
            state.give_up_one();
        });
    }

    /// These keys have to be shown by the servers on the way to further connections.
    pub(super) fn set_keys(&self, keys: Vec<Fingerprint>) {
        self.state.send_modify(|state| state.keys = keys);
    }

    /// Those keys.
    pub(super) fn keys(&self) -> Vec<Fingerprint> {
        self.state.borrow().keys.clone()
    }

    /// How many connections there are.
    pub(super) fn count(&self) -> usize {
        self.state.borrow().strands.len()
    }

    /// Whether there is one that works, in place of a session that does not any more.
    pub(super) fn has_another(&self) -> bool {
        self.state.borrow().is_open()
    }

    /// How many there may be.
    #[cfg(test)]
    fn most(&self) -> usize {
        self.state.borrow().most
    }

    /// Waits until one more is to be opened, which then counts as being opened, and yields its
    /// number. `None` where there will be none.
    ///
    /// None is opened while there is no other: whether the server can be reached is for the first
    /// to find out.
    pub(super) async fn wanted(&self) -> Option<usize> {
        let mut state = self.state.subscribe();
        loop {
            let waited = state.wait_for(|state| state.over || state.lacks_one()).await;
            if waited.map_or(true, |state| state.over) {
                return None;
            }
            let mut number = None;
            self.state.send_if_modified(|state| {
                number = state.claim();
                number.is_some()
            });
            if number.is_some() {
                return number;
            }
        }
    }

    /// One that was being opened is there, or will not be for the time being.
    pub(super) fn opened(&self, number: usize) {
        self.state.send_modify(|state| {
            state.opening.remove(&number);
        });
    }

    /// Whoever waits for one that is being opened waits no longer.
    pub(super) fn despair(&self) {
        self.state.send_modify(|state| state.hope = None);
    }

    /// There may be one less from now on.
    pub(super) fn give_up_one(&self) {
        self.state.send_modify(State::give_up_one);
    }

    /// There may be no more than there are, or are being opened.
    pub(super) fn give_up_rest(&self) {
        self.state.send_modify(|state| {
            state.most = state.strands.len().saturating_add(state.opening.len());
            state.wanted = state.wanted.min(state.most);
        });
    }

    /// There will be no more connections.
    pub(super) fn close(&self) {
        self.state.send_modify(|state| state.over = true);
    }

    /// Waits until there will be no more.
    pub(super) async fn closed(&self) {
        // The sender lives in here.
        let _ = self.state.subscribe().wait_for(|state| state.over).await;
    }

    /// Waits until there is none, and none is being opened.
    pub(super) async fn run_out(&self) {
        let none = |state: &State| state.strands.is_empty() && state.opening.is_empty();
        let _ = self.state.subscribe().wait_for(none).await;
    }

    /// Waits until there are several.
    pub(super) async fn several(&self) {
        let _ = self.state.subscribe().wait_for(|state| state.strands.len() > 1).await;
    }

    /// Measures what goes through each.
    pub(super) fn measure(&self) {
        self.state.send_if_modified(|state| {
            state.strands.iter_mut().for_each(Strand::measure);
            false
        });
    }

    /// A connection for a channel of a class.
    ///
    /// # Errors
    /// Where there is none for as long as somebody would wait.
    pub(super) async fn place(&self, class: Class) -> Result<Handle, Refusal> {
        let mut state = self.state.subscribe();
        let patience = Instant::now() + PATIENCE;
        let mut asked = false;
        loop {
            let there = |state: &State| state.over || state.is_open();
            let there = timeout_at(patience, state.wait_for(there)).await;
            match there.map(|state| state.is_ok_and(|state| !state.over)) {
                Ok(true) => {}
                Ok(false) => return Err(Refusal::NetworkUnreachable),
                Err(_) => return Err(Refusal::TimedOut),
            }
            let mut place = Place::Nowhere;
            self.state.send_if_modified(|state| {
                let wanted = state.wanted;
                place = state.place(class, asked);
                state.wanted != wanted
            });
            match place {
                Place::On(session) => return Ok(session),
                Place::Wait(until) => {
                    asked = true;
                    // Whatever has happened then, it is looked again.
                    let _ = timeout_at(until, state.changed()).await;
                }
                Place::Nowhere => {}
            }
        }
    }
}

impl State {
    fn give_up_one(&mut self) {
        self.most = self.most.saturating_sub(1);
        self.wanted = self.wanted.saturating_sub(1).min(self.most);
    }

    fn is_open(&self) -> bool {
        self.strands.iter().any(|strand| !strand.session.is_closed())
    }

    /// Whether one more is to be opened.
    fn lacks_one(&self) -> bool {
        let some = self.strands.len().saturating_add(self.opening.len());
        self.is_open() && some < self.wanted
    }

    /// The lowest number that is free, for one more, where that is to be opened. None has the
    /// number of the first.
    fn claim(&mut self) -> Option<usize> {
        if !self.lacks_one() {
            return None;
        }
        let there = |number: &usize| self.strands.iter().any(|strand| strand.number == *number);
        let number = (1..).find(|it| !there(it) && !self.opening.contains(it))?;
        self.opening.insert(number);
        Some(number)
    }

    fn place(&mut self, class: Class, asked: bool) -> Place {
        let now = Instant::now();
        let mut open: Vec<&mut Strand> =
            self.strands.iter_mut().filter(|strand| !strand.session.is_closed()).collect();
        let burdens: Vec<Burden> = open.iter().map(|strand| strand.burden(now)).collect();
        let Some(choice) = placement::choose(&burdens, class, self.first) else {
            return Place::Nowhere;
        };
        if choice.room == Room::Shared {
            if !asked && self.wanted < self.most {
                self.wanted = self.wanted.saturating_add(1);
                self.hope = Some(now + HOPE);
            }
            let coming = open.len() < self.wanted;
            let hope = self.hope.filter(|hope| *hope > now && coming);
            if let Some(hope) = hope
                && class != Class::Interactive
            {
                return Place::Wait(hope);
            }
        }
        match open.get_mut(choice.at) {
            Some(strand) => {
                strand.used = Some(now);
                Place::On(strand.session.clone())
            }
            None => Place::Nowhere,
        }
    }
}

impl Strand {
    fn burden(&self, now: Instant) -> Burden {
        let load = self.session.load();
        let young = self.used.is_some_and(|used| now.saturating_duration_since(used) < YOUTH);
        Burden {
            number: self.number,
            channels: load.channels,
            interactive: load.interactive,
            bulk: load.bulk,
            rate: self.rate,
            waiting: u64::try_from(load.outbox).unwrap_or(u64::MAX),
            youth: if young { Youth::Young } else { Youth::Known },
        }
    }

    /// Half of the rate is that of the time since it was measured last, and half what was known.
    fn measure(&mut self) {
        let (carried, now) = (self.session.traffic().sum(), Instant::now());
        let took = now.saturating_duration_since(self.measured).as_millis().max(1);
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        let bytes = carried.saturating_sub(self.carried);
        let rate = bytes.saturating_mul(1000).checked_div(took).unwrap_or(0);
        self.rate = self.rate.midpoint(rate);
        (self.carried, self.measured) = (carried, now);
    }
}

#[cfg(test)]
mod tests {
    use adit_channels::channel_open::Kind;
    use adit_channels::memory::{self, Path};
    use adit_channels::session::{Channel, Config, Session};
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    use super::*;

    /// A connection whose peer takes every channel and keeps it.
    fn session() -> Handle {
        let (here, there) = memory::pair(Path::default());
        let (here, there) =
            (Session::new(here, Config::default()), Session::new(there, Config::default()));
        tokio::spawn(here.driver);
        tokio::spawn(there.driver);
        let mut openings = there.openings;
        tokio::spawn(async move {
            while let Some(opening) = openings.next().await {
                tokio::spawn(async move { opening.accept().closed().await });
            }
        });
        here.handle
    }

    async fn open(board: &Board, class: Class) -> Channel {
        let session = board.place(class).await.unwrap();
        let channel = session.open(Kind::Session).await.unwrap();
        channel.set_class(class);
        channel
    }

    fn begin(board: &Board, class: Class) -> JoinHandle<Channel> {
        let board = board.clone();
        tokio::spawn(async move { open(&board, class).await })
    }

    fn channels(sessions: &[Handle]) -> Vec<usize> {
        sessions.iter().map(|session| session.load().channels).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_wanted_one_for_each_that_would_have_to_share() {
        let board = Board::new(4, First::ForAll);
        let sessions = [session(), session(), session(), session()];
        board.add(0, sessions[0].clone());
        let _alone = open(&board, Class::Ordinary).await;
        assert_eq!(board.state.borrow().wanted, 1, "one is enough for one");
        let mut waiting: Vec<_> = (0..7).map(|_| begin(&board, Class::Ordinary)).collect();
        for (number, session) in (1..).zip(&sessions[1..]) {
            assert_eq!(board.wanted().await, Some(number));
            board.add(number, session.clone());
            board.opened(number);
        }
        let mut held = Vec::new();
        for channel in &mut waiting {
            held.push(channel.await.unwrap());
        }
        assert_eq!(channels(&sessions), [2, 2, 2, 2]);
        assert!(timeout(PATIENCE, board.wanted()).await.is_err(), "there may be no more");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_long_for_a_connection_that_does_not_come_and_the_interactive_not_at_all()
    {
        let board = Board::new(2, First::ForAll);
        let only = [session()];
        board.add(0, only[0].clone());
        let _first = open(&board, Class::Bulk).await;
        let start = Instant::now();
        let _strokes = open(&board, Class::Interactive).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        let _bulk = open(&board, Class::Bulk).await;
        assert_eq!(start.elapsed(), HOPE);
        let _more = open(&board, Class::Bulk).await;
        assert_eq!(start.elapsed(), HOPE, "it was waited for once");
        assert_eq!(channels(&only), [4]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_when_the_opening_fails() {
        let board = Board::new(2, First::ForAll);
        board.add(0, session());
        let _first = open(&board, Class::Ordinary).await;
        let waiting = begin(&board, Class::Ordinary);
        assert_eq!(board.wanted().await, Some(1));
        let start = Instant::now();
        board.opened(1);
        board.despair();
        waiting.await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_lost_is_not_chosen_and_another_is_wanted_in_its_place() {
        let board = Board::new(2, First::ForAll);
        let sessions = [session(), session()];
        board.add(0, sessions[0].clone());
        let _first = open(&board, Class::Ordinary).await;
        let waiting = begin(&board, Class::Ordinary);
        assert_eq!(board.wanted().await, Some(1));
        board.add(1, sessions[1].clone());
        board.opened(1);
        waiting.await.unwrap();
        sessions[1].disconnect();
        sessions[1].closed().await;
        let _again = open(&board, Class::Ordinary).await;
        assert_eq!(sessions[0].load().channels, 2);
        board.remove(1);
        assert_eq!(board.wanted().await, Some(1));
        board.opened(1);
        assert_eq!((board.most(), board.count()), (2, 1));
        board.lose(0);
        assert_eq!((board.most(), board.state.borrow().wanted), (1, 1));
        board.run_out().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_that_of_the_last_seconds() {
        use tokio::io::AsyncWriteExt;

        let board = Board::new(2, First::ForAll);
        board.add(0, session());
        let mut channel = open(&board, Class::Ordinary).await;
        channel.write_all(&[7; 1 << 20]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        board.measure();
        assert_eq!(board.state.borrow().strands[0].rate, 1 << 19);
        tokio::time::sleep(Duration::from_secs(1)).await;
        board.measure();
        assert_eq!(board.state.borrow().strands[0].rate, 1 << 18);
    }
}
