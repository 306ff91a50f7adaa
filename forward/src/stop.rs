//! Ending in good order: first nothing new, then what runs, within a time of grace.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// A time that is never reached.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Asks whoever holds one of its [`Signal`]s to end.
///
/// Dropping it asks for nothing: what runs goes on.
#[derive(Debug)]
pub struct Switch(watch::Sender<Option<Instant>>);

impl Switch {
    /// A switch, and the signal that it gives. Signals can be cloned.
    pub fn new() -> (Self, Signal) {
        let (sender, own) = watch::channel(None);
        (Self(sender), Signal { own, whole: None })
    }

    /// A switch for a part of what ends by another signal, and a signal for that part: it is given
    /// when either is, and the sooner end counts.
    pub fn within(whole: Signal) -> (Self, Signal) {
        let (sender, own) = watch::channel(None);
        (Self(sender), Signal { own, whole: Some(Box::new(whole)) })
    }

    /// Asks to take nothing new from now on, and to have ended after `grace`. Nothing is cut
    /// off sooner than that; with a `grace` of zero everything is, at once.
    ///
    /// To ask again changes the time.
    pub fn stop(&self, grace: Duration) {
        let now = Instant::now();
        self.0.send_replace(Some(now + grace.min(NEVER)));
    }
}

/// Tells when it is time to end.
#[derive(Debug, Clone)]
pub struct Signal {
    own: watch::Receiver<Option<Instant>>,
    whole: Option<Box<Signal>>,
}

impl Signal {
    /// A signal that is never given.
    pub fn never() -> Self {
        Switch::new().1
    }

    /// Returns when nothing new is to be taken any more.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn asked(&mut self) {
        let own = &mut self.own;
        let own = async {
            if own.wait_for(Option::is_some).await.is_err() {
                pending::<()>().await;
            }
        };
        match &mut self.whole {
            None => own.await,
            Some(whole) => tokio::select! {
                () = own => {}
                () = Box::pin(whole.asked()) => {}
            },
        }
    }

    /// Returns when the time of grace is over.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn due(&mut self) {
        match &mut self.whole {
            None => due(&mut self.own).await,
            Some(whole) => tokio::select! {
                () = due(&mut self.own) => {}
                () = Box::pin(whole.due()) => {}
            },
        }
    }
}

/// Waits until the time has come that the latest word names.
async fn due(words: &mut watch::Receiver<Option<Instant>>) {
    loop {
        let deadline = *words.borrow_and_update();
        let reached = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = reached => return,
            Ok(()) = words.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(1_000_000);

    #[tokio::test(start_paused = true)]
    async fn grace_is_given_and_can_be_cut_short() {
        let (switch, mut signal) = Switch::new();
        assert!(timeout(LONG, signal.asked()).await.is_err());
        let start = Instant::now();
        switch.stop(Duration::from_secs(30));
        signal.asked().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(timeout(Duration::from_secs(10), signal.due()).await.is_err());
        let mut other = signal.clone();
        let waiting = tokio::spawn(async move { other.due().await });
        tokio::task::yield_now().await;
        switch.stop(Duration::ZERO);
        waiting.await.unwrap();
        signal.due().await;
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_grace_without_end_does_not_end() {
        let (switch, mut signal) = Switch::new();
        switch.stop(Duration::MAX);
        signal.asked().await;
        assert!(timeout(LONG, signal.due()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_switch_that_is_gone_asks_for_nothing() {
        let mut signal = Signal::never();
        assert!(timeout(LONG, signal.asked()).await.is_err());
        assert!(timeout(LONG, signal.due()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_ends_by_itself_and_with_the_whole() {
        let (whole, signal) = Switch::new();
        let (part, mut one) = Switch::within(signal.clone());
        let (_kept, mut other) = Switch::within(signal);
        part.stop(Duration::MAX);
        one.asked().await;
        assert!(timeout(LONG, one.due()).await.is_err(), "what runs in the part may go on");
        assert!(timeout(LONG, other.asked()).await.is_err(), "the others are not asked");
        let start = Instant::now();
        whole.stop(Duration::from_secs(3));
        other.asked().await;
        one.due().await;
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_switch_that_went_after_asking_is_still_heard() {
        let (switch, mut signal) = Switch::new();
        switch.stop(Duration::from_secs(5));
        drop(switch);
        let start = Instant::now();
        signal.asked().await;
        signal.due().await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}
