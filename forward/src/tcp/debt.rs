//! The acknowledgement that a sender waits for.

/// Whether what was read is still to be acknowledged.
///
/// Each segment that is sent carries an acknowledgement with it, and what is read often has one
/// sent: an answer, or credit. So an acknowledgement by itself is due only when those who were
/// woken by what was read have had their turn, and nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Debt {
    /// The system acknowledges when it sees fit.
    Forgiven,
    /// All that was read is acknowledged.
    Paid,
    /// Something was read.
    Owed,
    /// Others have had their turn since.
    Due,
}

/// What is to be done when nothing is left to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    /// To look again, after the turn of others.
    GiveWay,
    /// To acknowledge now.
    Acknowledge,
}

impl Debt {
    /// The last of what was there is read.
    pub(super) fn handle_read(&mut self) {
        if *self != Self::Forgiven {
            *self = Self::Owed;
        }
    }

    /// Something is sent.
    pub(super) fn handle_write(&mut self) {
        if *self != Self::Forgiven {
            *self = Self::Paid;
        }
    }

    /// Nothing is there to be read.
    pub(super) fn handle_silence(&mut self) -> Step {
        match self {
            Self::Forgiven | Self::Paid => Step::Wait,
            Self::Owed => {
                *self = Self::Due;
                Step::GiveWay
            }
            Self::Due => {
                *self = Self::Paid;
                Step::Acknowledge
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_acknowledged_once_when_others_had_their_turn() {
        let mut debt = Debt::Paid;
        debt.handle_read();
        assert_eq!(debt.handle_silence(), Step::GiveWay);
        assert_eq!(debt.handle_silence(), Step::Acknowledge);
        assert_eq!(debt.handle_silence(), Step::Wait);
    }

    #[test]
    fn what_is_sent_before_that_is_the_acknowledgement() {
        for turns in 0..2 {
            let mut debt = Debt::Paid;
            debt.handle_read();
            for _ in 0..turns {
                assert_eq!(debt.handle_silence(), Step::GiveWay);
            }
            debt.handle_write();
            assert_eq!(debt.handle_silence(), Step::Wait);
        }
    }

    #[test]
    fn what_is_read_afterwards_is_owed_again() {
        let mut debt = Debt::Paid;
        debt.handle_read();
        assert_eq!(debt.handle_silence(), Step::GiveWay);
        debt.handle_read();
        assert_eq!(debt.handle_silence(), Step::GiveWay);
        assert_eq!(debt.handle_silence(), Step::Acknowledge);
    }

    #[test]
    fn a_sender_that_waits_for_nothing_is_owed_nothing() {
        let mut debt = Debt::Forgiven;
        debt.handle_read();
        debt.handle_write();
        assert_eq!(debt.handle_silence(), Step::Wait);
    }
}
