//! What the signature of a login must say of the user.

use adit_transport::provider::Presence;

/// What the signature of a login must say of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Whether one by a security key must have been confirmed by a touch: so it is unless
    /// `no-touch-required` says otherwise.
    pub touch: Touch,
    /// Whether the user must have been verified, most often by a PIN, as `verify-required` asks.
    /// Keys that are no security keys cannot say that.
    pub verification: Verification,
}

/// Whether a security key must have been touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Touch {
    /// It must.
    #[default]
    Required,
    /// It need not.
    Waived,
}

/// Whether the user must have been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verification {
    /// It need not.
    #[default]
    Optional,
    /// It must.
    Required,
}

impl Demand {
    /// Both demands at once: a touch is waived only where both waive it.
    pub fn and(self, other: Self) -> Self {
        let touch = match (self.touch, other.touch) {
            (Touch::Waived, Touch::Waived) => Touch::Waived,
            _ => Touch::Required,
        };
        let verification = match (self.verification, other.verification) {
            (Verification::Optional, Verification::Optional) => Verification::Optional,
            _ => Verification::Required,
        };
        Self { touch, verification }
    }

    /// Whether a signature meets it that says this, or nothing where no security key made it.
    ///
    /// # Errors
    /// [`Unmet`].
    pub fn check(self, presence: Option<Presence>) -> Result<(), Unmet> {
        let verified = presence.is_some_and(|presence| presence.verified);
        if self.verification == Verification::Required && !verified {
            return Err(Unmet::Verification);
        }
        let touched = presence.is_none_or(|presence| presence.touched);
        if self.touch == Touch::Required && !touched { Err(Unmet::Touch) } else { Ok(()) }
    }
}

/// What a signature does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// That the security key was touched.
    #[error("the security key was not touched")]
    Touch,
    /// That the user was verified.
    #[error("the user was not verified by the key, as verify-required asks")]
    Verification,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIVED: Demand = Demand { touch: Touch::Waived, verification: Verification::Optional };
    const PIN: Demand = Demand { touch: Touch::Waived, verification: Verification::Required };

    fn by(touched: bool, verified: bool) -> Option<Presence> {
        Some(Presence { touched, verified })
    }

    #[test]
    fn a_security_key_must_be_touched_unless_that_is_waived() {
        assert_eq!(Demand::default().check(by(false, true)), Err(Unmet::Touch));
        assert_eq!(Demand::default().check(by(true, false)), Ok(()));
        assert_eq!(WAIVED.check(by(false, false)), Ok(()));
        assert_eq!(Demand::default().check(None), Ok(()), "other keys have no touch");
    }

    #[test]
    fn verification_is_met_by_nothing_else() {
        assert_eq!(PIN.check(by(true, false)), Err(Unmet::Verification));
        assert_eq!(PIN.check(None), Err(Unmet::Verification));
        assert_eq!(PIN.check(by(false, true)), Ok(()));
    }

    #[test]
    fn of_two_demands_the_stricter_parts_hold() {
        assert_eq!(WAIVED.and(WAIVED), WAIVED);
        assert_eq!(WAIVED.and(Demand::default()), Demand::default());
        let both = PIN.and(Demand::default());
        assert_eq!((both.touch, both.verification), (Touch::Required, Verification::Required));
    }
}
