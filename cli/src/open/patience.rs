//! When to try again.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Exit;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// The first pause after a cause that the path has no part in: a server that refuses a login
/// takes further ones for an attack.
const AFTER_REFUSAL: Duration = Duration::from_secs(15);

/// After so long, what comes next is a new trouble and not the same still.
const SETTLED: Duration = Duration::from_secs(60);

/// When to try again, and whether: pauses double from one failure to the next.
#[derive(Debug)]
pub(super) struct Patience {
    pause: Duration,
    /// When it was said last that it works.
    works: Option<Instant>,
}

impl Patience {
    /// Nothing was tried yet.
    pub(super) fn new() -> Self {
        Self { pause: FIRST, works: None }
    }

    /// It works.
    pub(super) fn succeeded(&mut self) {
        self.works = Some(Instant::now());
    }

    /// Whether a failure may pass by waiting. What the path does may always; what the server
    /// refuses only where it was granted before, since then it is the server that has changed; and
    /// what needs a decision of the user never.
    pub(super) fn bears(&self, exit: Exit) -> bool {
        match exit {
            Exit::Unreachable | Exit::Lost => true,
            Exit::Protocol | Exit::Login | Exit::Tunnel => self.works.is_some(),
            Exit::HostKey | Exit::Usage | Exit::Other => false,
        }
    }

    /// How long to wait now. Many clients of a server that was away must not come back all at
    /// once, so each waits a little more or less than the others.
    pub(super) fn pause(&mut self, exit: Exit) -> Duration {
        if self.works.is_some_and(|since| since.elapsed() >= SETTLED) {
            self.pause = FIRST;
        }
        if matches!(exit, Exit::Protocol | Exit::Login) {
            self.pause = self.pause.max(AFTER_REFUSAL);
        }
        let pause = self.pause.mul_f64(fastrand::f64().mul_add(0.5, 0.75));
        self.pause = self.pause.saturating_mul(2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_a_minute_and_begin_anew_after_a_good_time() {
        let mut patience = Patience::new();
        let mut expected = FIRST;
        for _ in 0..12 {
            let pause = patience.pause(Exit::Lost);
            assert!(pause >= expected * 3 / 4 && pause <= expected * 5 / 4, "{pause:?}");
            expected = (expected * 2).min(LONGEST);
            patience.succeeded();
        }
        tokio::time::advance(SETTLED).await;
        assert!(patience.pause(Exit::Lost) < 2 * FIRST);
    }

    #[test]
    fn a_server_that_refuses_is_left_alone_for_longer() {
        assert!(Patience::new().pause(Exit::Login) >= AFTER_REFUSAL * 3 / 4);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_pass_is_waited_for() {
        let mut patience = Patience::new();
        for exit in [Exit::Login, Exit::Tunnel, Exit::Protocol] {
            assert!(!patience.bears(exit), "{exit:?}");
        }
        assert!(patience.bears(Exit::Unreachable) && patience.bears(Exit::Lost));
        patience.succeeded();
        for exit in [Exit::Login, Exit::Tunnel, Exit::Protocol] {
            assert!(patience.bears(exit), "{exit:?}");
        }
        assert!(!patience.bears(Exit::HostKey) && !patience.bears(Exit::Usage));
    }
}
