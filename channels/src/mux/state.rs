//! The states of a channel.

/// The state of a channel.
///
/// ```text
///        open()                                    CHANNEL_OPEN comes
///          |                                               |
///        Queued                                         Offered ---- refuse() -----> gone
///          | OPEN goes                                     | accept()
///        Asked -- OPEN_FAILURE comes --> gone           Accepted
///          |                                               | CONFIRMATION goes
///          '------- CONFIRMATION comes ----> Open <--------'
///
///  In Open the two halves go their own ways:
///
///    ours     Writing -- finish() --> Finishing -- EOF goes --> Finished
///                |                        |                        |
///                | release(), abort(),    | abort(),               | release(), abort(),
///                | CLOSE comes            | CLOSE comes            | CLOSE comes
///                '------------------------+----------> Closing <---'
///                                                         | CLOSE goes
///                                                       Closed
///
///    theirs   Writing -- EOF comes --> Finished -- CLOSE comes --> Closed
///                '------------------- CLOSE comes ---------------> Reset
/// ```
///
/// The user holds the channel until it says `release()`: that is CLOSE without EOF where it
/// was still writing, and CLOSE after all data and EOF where it had said `finish()`. When
/// CLOSE has gone and come and the user has let go, the channel is gone and its number is
/// free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    stage: Stage,
    ours: Ours,
    theirs: Theirs,
    user: User,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// CHANNEL_OPEN is to be sent.
    Queued,
    /// CHANNEL_OPEN was sent.
    Asked,
    /// The user has to accept or to refuse.
    Offered,
    /// CHANNEL_OPEN_CONFIRMATION is to be sent.
    Accepted,
    /// Both sides know the channel.
    Open,
}

/// The half of this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Writing,
    /// EOF goes when the data have gone.
    Finishing,
    Finished,
    /// CLOSE goes next.
    Closing,
    Closed,
}

/// The half of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theirs {
    Writing,
    Finished,
    /// Closed after EOF.
    Closed,
    /// Closed without EOF.
    Reset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    Holds,
    LetGo,
}

/// What the state has to say to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Open,
    Confirmation,
    Eof,
    Close,
}

/// What letting go of a channel leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Release {
    /// The peer never heard of it, or has to be refused: it is gone.
    Gone,
    /// It is closed at once; what was accepted and not sent is dropped.
    Abort,
    /// It is closed when what was accepted has been sent.
    Close,
}

impl State {
    /// A channel that this side asks for.
    pub(super) fn queued() -> Self {
        Self::new(Stage::Queued)
    }

    /// A channel that the peer asks for.
    pub(super) fn offered() -> Self {
        Self::new(Stage::Offered)
    }

    fn new(stage: Stage) -> Self {
        Self { stage, ours: Ours::Writing, theirs: Theirs::Writing, user: User::Holds }
    }

    pub(super) fn stage(self) -> Stage {
        self.stage
    }

    pub(super) fn theirs(self) -> Theirs {
        self.theirs
    }

    /// Whether the peer may speak of this channel.
    pub(super) fn is_known_to_peer(self) -> bool {
        self.stage == Stage::Open && !self.is_closed_by_peer()
    }

    pub(super) fn is_closed_by_peer(self) -> bool {
        matches!(self.theirs, Theirs::Closed | Theirs::Reset)
    }

    /// Whether the user may write.
    pub(super) fn is_writing(self) -> bool {
        self.ours == Ours::Writing && matches!(self.stage, Stage::Accepted | Stage::Open)
    }

    /// Whether the user has said all that it will say.
    pub(super) fn is_finished(self) -> bool {
        matches!(self.ours, Ours::Finishing | Ours::Finished)
    }

    /// Whether anything but CLOSE may still be sent.
    pub(super) fn is_speaking(self) -> bool {
        self.stage == Stage::Open && self.ours != Ours::Closed && !self.is_closed_by_peer()
    }

    /// Whether somebody may still read what the peer sends.
    pub(super) fn is_reading(self) -> bool {
        self.user == User::Holds && self.theirs == Theirs::Writing
    }

    pub(super) fn is_held(self) -> bool {
        self.user == User::Holds
    }

    /// Whether nothing is left of the channel.
    pub(super) fn is_gone(self) -> bool {
        self.user == User::LetGo && self.ours == Ours::Closed && self.is_closed_by_peer()
    }

    /// What is to be said next, where `drained` says that all accepted data have been sent.
    pub(super) fn signal(self, drained: bool) -> Option<Signal> {
        match (self.stage, self.ours) {
            (Stage::Queued, _) => Some(Signal::Open),
            (Stage::Accepted, _) => Some(Signal::Confirmation),
            (Stage::Asked | Stage::Offered, _) => None,
            (Stage::Open, Ours::Finishing) => drained.then_some(Signal::Eof),
            (Stage::Open, Ours::Closing) => Some(Signal::Close),
            (Stage::Open, Ours::Finished) => (!self.is_held()).then_some(Signal::Close),
            (Stage::Open, Ours::Writing | Ours::Closed) => None,
        }
    }

    /// It was said.
    pub(super) fn said(&mut self, signal: Signal) {
        match signal {
            Signal::Open => self.stage = Stage::Asked,
            Signal::Confirmation => self.stage = Stage::Open,
            Signal::Eof => self.ours = Ours::Finished,
            Signal::Close => self.ours = Ours::Closed,
        }
    }

    /// The user takes an offered channel.
    pub(super) fn accept(&mut self) {
        self.stage = Stage::Accepted;
    }

    /// The user will write no more.
    pub(super) fn finish(&mut self) {
        if self.is_writing() {
            self.ours = Ours::Finishing;
        }
    }

    /// The user wants CLOSE to go next.
    pub(super) fn abort(&mut self) {
        if self.ours != Ours::Closed {
            self.ours = Ours::Closing;
        }
    }

    /// The user lets go.
    pub(super) fn release(&mut self) -> Release {
        self.user = User::LetGo;
        match (self.stage, self.ours) {
            (Stage::Queued | Stage::Offered, _) => Release::Gone,
            (_, Ours::Writing) => {
                self.ours = Ours::Closing;
                Release::Abort
            }
            _ => Release::Close,
        }
    }

    /// CHANNEL_OPEN_CONFIRMATION came.
    pub(super) fn handle_confirmation(&mut self) {
        self.stage = Stage::Open;
    }

    /// CHANNEL_EOF came. A second one says nothing new.
    pub(super) fn handle_eof(&mut self) {
        if self.theirs == Theirs::Writing {
            self.theirs = Theirs::Finished;
        }
    }

    /// CHANNEL_CLOSE came: the answer is CLOSE, and nothing else goes before it.
    pub(super) fn handle_close(&mut self) {
        self.theirs = match self.theirs {
            Theirs::Writing => Theirs::Reset,
            Theirs::Finished => Theirs::Closed,
            closed => closed,
        };
        self.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> State {
        let mut state = State::queued();
        say(&mut state, Signal::Open);
        state.handle_confirmation();
        state
    }

    fn say(state: &mut State, signal: Signal) {
        assert_eq!(state.signal(true), Some(signal));
        state.said(signal);
    }

    #[test]
    fn both_sides_finish_and_let_go() {
        let mut state = open();
        state.finish();
        assert_eq!(state.signal(false), None, "eof does not overtake data");
        say(&mut state, Signal::Eof);
        state.handle_eof();
        assert_eq!(state.signal(true), None, "the user may still read");
        assert_eq!(state.release(), Release::Close);
        say(&mut state, Signal::Close);
        assert!(!state.is_gone());
        state.handle_close();
        assert_eq!((state.theirs(), state.is_gone()), (Theirs::Closed, true));
        assert_eq!(state.signal(true), None);
    }

    #[test]
    fn letting_go_without_finishing_is_a_reset() {
        let mut state = open();
        assert_eq!(state.release(), Release::Abort);
        assert!(!state.is_writing());
        say(&mut state, Signal::Close);
        state.handle_eof();
        state.handle_close();
        assert!(state.is_gone());
    }

    #[test]
    fn letting_go_after_finishing_waits_for_data_and_eof() {
        let mut state = open();
        state.finish();
        assert_eq!(state.release(), Release::Close);
        assert_eq!(state.signal(false), None);
        say(&mut state, Signal::Eof);
        say(&mut state, Signal::Close);
    }

    #[test]
    fn close_of_the_peer_is_answered_at_once_and_held_for_the_user() {
        let mut state = open();
        state.handle_close();
        assert_eq!(state.theirs(), Theirs::Reset);
        assert!(!state.is_writing() && !state.is_reading() && !state.is_known_to_peer());
        say(&mut state, Signal::Close);
        assert!(!state.is_gone());
        assert_eq!(state.release(), Release::Close);
        assert!(state.is_gone());
    }

    #[test]
    fn close_of_the_peer_overtakes_our_eof() {
        let mut state = open();
        state.finish();
        state.handle_close();
        assert_eq!(state.signal(false), Some(Signal::Close));
    }

    #[test]
    fn a_channel_that_was_let_go_while_asked_for_is_closed_when_it_is_granted() {
        let mut state = State::queued();
        say(&mut state, Signal::Open);
        assert_eq!(state.release(), Release::Abort);
        assert_eq!(state.signal(true), None);
        state.handle_confirmation();
        say(&mut state, Signal::Close);
        state.handle_close();
        assert!(state.is_gone());
    }

    #[test]
    fn what_the_peer_never_heard_of_is_gone_when_it_is_let_go() {
        assert_eq!(State::queued().release(), Release::Gone);
        assert_eq!(State::offered().release(), Release::Gone);
    }

    #[test]
    fn an_accepted_channel_takes_data_and_is_confirmed_first() {
        let mut state = State::offered();
        assert!(!state.is_writing());
        state.accept();
        assert!(state.is_writing() && !state.is_known_to_peer());
        state.finish();
        say(&mut state, Signal::Confirmation);
        say(&mut state, Signal::Eof);
        assert!(state.is_known_to_peer());
    }

    #[test]
    fn a_second_eof_and_a_second_close_say_nothing_new() {
        let mut state = open();
        state.handle_eof();
        state.handle_eof();
        assert_eq!(state.theirs(), Theirs::Finished);
        state.handle_close();
        state.handle_close();
        assert_eq!(state.theirs(), Theirs::Closed);
    }
}
