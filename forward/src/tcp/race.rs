//! Several addresses tried at once, as
//! [RFC 8305](https://www.rfc-editor.org/rfc/rfc8305) wants it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::refusal::Refusal;

/// How long one address may be tried before the next is tried beside it,
/// [RFC 8305 section 8](https://www.rfc-editor.org/rfc/rfc8305#section-8).
const STAGGER: Duration = Duration::from_millis(250);
/// Most addresses of a name that are tried.
const MOST: usize = 32;

/// Connects to the first address that answers; the other tries are given up. Each that fails
/// before is told by `failed`.
///
/// # Errors
/// The most telling of the failures, where no address answers.
///
/// # Cancel safety
/// Dropping the future gives up all tries.
pub(super) async fn run<T, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
    mut failed: impl FnMut(SocketAddr, &Refusal),
) -> Result<T, Refusal>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = interleave(addresses);
    let mut running = JoinSet::new();
    let mut failure: Option<Refusal> = None;
    let mut next = Instant::now();
    loop {
        tokio::select! {
            biased;
            Some(result) = running.join_next() => {
                let refusal = match result {
                    Ok((_, Ok(connection))) => return Ok(connection),
                    Ok((address, Err(error))) => {
                        let refusal = Refusal::from(error);
                        failed(address, &refusal);
                        refusal
                    }
                    Err(died) => Refusal::Other(died.to_string()),
                };
                failure = Some(failure.map_or(refusal.clone(), |it| most_telling(it, refusal)));
                next = Instant::now();
            }
            // Not by a timer where it is due: that would round up to a whole millisecond.
            () = due(next), if !waiting.is_empty() => {
                if let Some(address) = waiting.pop_front() {
                    let connecting = connect(address);
                    running.spawn(async move { (address, connecting.await) });
                }
                next = Instant::now() + STAGGER;
            }
            else => return Err(failure.unwrap_or(Refusal::NameNotFound)),
        }
    }
}

/// Waits until then, and for nothing where that has come.
async fn due(then: Instant) {
    if then > Instant::now() {
        sleep_until(then).await;
    }
}

/// Puts the addresses in turns of family, the family of the first leading, see
/// [RFC 8305 section 4](https://www.rfc-editor.org/rfc/rfc8305#section-4).
fn interleave(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (leading, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut leading, mut other) = (leading.into_iter(), other.into_iter());
    let mut turns = VecDeque::new();
    loop {
        let turn = [leading.next(), other.next()];
        if turn == [None, None] || turns.len() >= MOST {
            return turns;
        }
        turns.extend(turn.into_iter().flatten());
    }
}

/// Of two failures the one that tells the user more: an answer more than silence, silence
/// more than having no way there.
fn most_telling(one: Refusal, other: Refusal) -> Refusal {
    let rank = |refusal: &Refusal| match refusal {
        Refusal::Refused => 0,
        Refusal::NotAllowed | Refusal::Prohibited(_) => 1,
        Refusal::ResourceShortage => 2,
        Refusal::TimedOut => 3,
        Refusal::Other(_) => 4,
        Refusal::Unreachable => 5,
        Refusal::NetworkUnreachable => 6,
        Refusal::NameNotFound => 7,
    };
    if rank(&other) < rank(&one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Mutex;

    use tokio::time::sleep;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 80)
    }

    fn addresses<const N: usize>(texts: [&str; N]) -> Vec<SocketAddr> {
        texts.map(address).into()
    }

    /// How an address answers, and after how many milliseconds.
    type Answer = (&'static str, u64, Result<(), ErrorKind>);

    /// Runs a race among simulated hosts; tells who won, and when each was first tried.
    async fn race<const N: usize>(
        hosts: [Answer; N],
    ) -> (Result<SocketAddr, Refusal>, Vec<(u128, SocketAddr)>, u128) {
        let start = Instant::now();
        let tried = Mutex::new(Vec::new());
        let failures = Mutex::new(0);
        let connect = |to| {
            tried.lock().unwrap().push((start.elapsed().as_millis(), to));
            let answer = hosts.into_iter().find(|(host, ..)| address(host) == to);
            async move {
                let (_, after, result) = answer.unwrap();
                sleep(Duration::from_millis(after)).await;
                result.map(|()| to).map_err(io::Error::from)
            }
        };
        let failed = |to, _: &Refusal| {
            assert!(tried.lock().unwrap().iter().any(|(_, it)| *it == to), "{to}");
            *failures.lock().unwrap() += 1;
        };
        let winner = run(addresses(hosts.map(|(host, ..)| host)), connect, failed).await;
        if winner.is_err() {
            assert_eq!(*failures.lock().unwrap(), N, "each failure is told");
        }
        (winner, tried.into_inner().unwrap(), start.elapsed().as_millis())
    }

    #[test]
    fn families_take_turns() {
        let given = addresses(["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]);
        let turns = addresses(["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]);
        assert_eq!(interleave(given), turns);
        assert_eq!(interleave(vec![address("10.0.0.1"); 100]).len(), MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_costs_a_quarter_of_a_second() {
        let (winner, tried, took) = race([("::1", 60_000, Ok(())), ("10.0.0.1", 20, Ok(()))]).await;
        assert_eq!(winner, Ok(address("10.0.0.1")));
        assert_eq!(tried, [(0, address("::1")), (250, address("10.0.0.1"))]);
        assert_eq!(took, 270);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_may_still_win() {
        let (winner, ..) = race([("::1", 300, Ok(())), ("10.0.0.1", 100, Ok(()))]).await;
        assert_eq!(winner, Ok(address("::1")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_costs_no_time() {
        let refused = Err(ErrorKind::ConnectionRefused);
        let (winner, _, took) = race([("::1", 1, refused), ("127.0.0.1", 1, Ok(()))]).await;
        assert_eq!((winner, took), (Ok(address("127.0.0.1")), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_failures_the_most_telling_is_told() {
        let (winner, ..) = race([
            ("::1", 1, Err(ErrorKind::NetworkUnreachable)),
            ("10.0.0.1", 9, Err(ErrorKind::ConnectionRefused)),
            ("10.0.0.2", 1, Err(ErrorKind::TimedOut)),
        ])
        .await;
        assert_eq!(winner, Err(Refusal::Refused));
    }

    #[tokio::test(start_paused = true)]
    async fn without_addresses_there_is_no_such_name() {
        assert_eq!(race([]).await.0, Err(Refusal::NameNotFound));
    }
}
