//! The conversations that a tunnel must carry: a script for each end.

use crate::traffic::script::Step::{self, *};

/// A conversation, named for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) name: &'static str,
    /// What the program before the tunnel does.
    pub(crate) near: Vec<Step>,
    /// What the target behind it does.
    pub(crate) far: Vec<Step>,
}

const SMALL: u64 = 8 << 10;
const MEDIUM: u64 = 64 << 10;
const LARGE: u64 = 1 << 20;

fn exchange(
    name: &'static str,
    near: impl IntoIterator<Item = Step>,
    far: impl IntoIterator<Item = Step>,
) -> Exchange {
    Exchange { name, near: near.into_iter().collect(), far: far.into_iter().collect() }
}

/// From the target to the program.
pub(crate) fn down(bytes: u64) -> Exchange {
    exchange("down", [Receive(bytes), ExpectEnd, Finish], [Send(bytes), Finish, ExpectEnd])
}

/// From the program to the target.
pub(crate) fn up(bytes: u64) -> Exchange {
    exchange("up", [Send(bytes), Finish, ExpectEnd], [Receive(bytes), ExpectEnd])
}

/// Both ways at once, each end finishing while it still receives.
pub(crate) fn both(bytes: u64) -> Exchange {
    let each = [Duplex { send: bytes, receive: bytes }, ExpectEnd];
    exchange("both", each.clone(), each)
}

/// There and back.
pub(crate) fn echo(bytes: u64) -> Exchange {
    exchange("echo", [SendEchoed(bytes), Finish, ExpectEnd], [Echo(bytes), ExpectEnd])
}

/// As [`echo`], once every other connection of the run is open as well.
pub(crate) fn echo_together(bytes: u64) -> Exchange {
    exchange(
        "echo together",
        [Receive(1), Meet, SendEchoed(bytes), Finish, ExpectEnd],
        [Send(1), Echo(bytes), ExpectEnd],
    )
}

/// A program that asks for much and then reads nothing any more.
pub(crate) fn stalled(bytes: u64) -> Exchange {
    exchange("stalled", [Receive(1), Note, Hold], [Send(bytes)])
}

/// The near end finishes, and then hears the answer.
pub(crate) fn near_end_first() -> Exchange {
    exchange(
        "near end first",
        [Send(LARGE), Finish, Receive(LARGE), ExpectEnd],
        [Receive(LARGE), ExpectEnd, Send(LARGE)],
    )
}

/// The orders in which two ends can finish.
pub(crate) fn half_closes() -> Vec<Exchange> {
    vec![
        near_end_first(),
        exchange(
            "far end first",
            [Receive(LARGE), ExpectEnd, Send(LARGE), Finish],
            [Send(LARGE), Finish, Receive(LARGE), ExpectEnd],
        ),
        exchange(
            "at once",
            [Send(SMALL), Finish, Receive(SMALL), ExpectEnd],
            [Send(SMALL), Finish, Receive(SMALL), ExpectEnd],
        ),
        exchange(
            "with data under way",
            [Duplex { send: LARGE, receive: LARGE }, ExpectEnd],
            [Duplex { send: LARGE, receive: LARGE }, ExpectEnd],
        ),
    ]
}

/// One end resets, the other is idle or busy; it must notice.
pub(crate) fn resets() -> Vec<Exchange> {
    let greet = || [SendEchoed(MEDIUM)];
    let answer = || [Echo(MEDIUM)];
    vec![
        exchange(
            "near end resets",
            greet().into_iter().chain([Reset]),
            answer().into_iter().chain([ReceiveUntilEnd]),
        ),
        exchange(
            "near end resets while the far end sends",
            [Receive(LARGE), Reset],
            [SendUntilError],
        ),
        exchange(
            "far end resets",
            greet().into_iter().chain([ReceiveUntilEnd]),
            answer().into_iter().chain([Reset]),
        ),
        exchange(
            "far end resets while the near end sends and listens",
            [SendUntilEnd],
            [Receive(LARGE), Reset],
        ),
        exchange(DEAF, [SendUntilError], [Receive(LARGE), Reset]),
    ]
}

/// The hardest to notice: nothing comes back but the failure to send.
pub(crate) const DEAF: &str = "far end resets while the near end does nothing but send";

/// A transfer that will be cut: from the target, past a first part that must arrive.
pub(crate) fn cut_down() -> Exchange {
    exchange("cut down", [Receive(LARGE), Note, ReceiveUntilEnd], [SendUntilError])
}

/// The same from the program to the target.
pub(crate) fn cut_up() -> Exchange {
    exchange("cut up", [Send(LARGE), Note, SendUntilError], [ReceiveUntilEnd])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script moves, of what both ends must know beforehand.
    fn moved(steps: &[Step]) -> (u64, u64) {
        steps.iter().fold((0, 0), |(sent, received), step| match step {
            Send(bytes) => (sent + bytes, received),
            Receive(bytes) => (sent, received + bytes),
            Duplex { send, receive } => (sent + send, received + receive),
            SendEchoed(bytes) | Echo(bytes) => (sent + bytes, received + bytes),
            _ => (sent, received),
        })
    }

    #[test]
    fn what_one_end_sends_the_other_receives() {
        let mut all = vec![down(5), up(5), both(5), echo(5), echo_together(5)];
        all.extend(half_closes());
        for Exchange { name, near, far } in all {
            let (sent, received) = moved(&near);
            assert_eq!(moved(&far), (received, sent), "{name}");
        }
    }

    #[test]
    fn every_exchange_has_a_name_of_its_own() {
        let mut names: Vec<&str> =
            half_closes().iter().chain(&resets()).map(|exchange| exchange.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
