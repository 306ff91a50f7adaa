//! The program before a tunnel: it connects, tells the target what to do, does its own half, and
//! writes one report to standard output.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Context, Result};
use crate::traffic::endpoint::{Endpoint, Stream};
use crate::traffic::exchange::Exchange;
use crate::traffic::meeting::Meeting;
use crate::traffic::pattern::Pattern;
use crate::traffic::player::{self, Part};
use crate::traffic::script::{Account, Order, Step};
use crate::traffic::target;
use crate::traffic::way::Way;

const STACK: usize = 256 * 1024;

/// Between two attempts to reach a listener that is not there yet.
const PAUSE: Duration = Duration::from_millis(20);

/// The most failures that a report quotes.
const QUOTED: usize = 5;

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) way: Way,
    pub(crate) connections: usize,
    /// The number of the first of them; each seeds the bytes of its connection.
    pub(crate) first: u64,
    /// The longest wait for a byte, in milliseconds.
    pub(crate) patience: u64,
    /// For how long to try to connect, in milliseconds; 0 is once.
    pub(crate) connect_within: u64,
    pub(crate) near: Vec<Step>,
    /// For the target; without it nothing is ordered, as there is none.
    pub(crate) far: Option<Vec<Step>>,
}

/// What came of all connections together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) accounts: Vec<Account>,
    pub(crate) milliseconds: u64,
}

impl Plan {
    /// One connection that has this conversation.
    pub(crate) fn new(begin: Endpoint, exchange: &Exchange) -> Self {
        Self {
            way: Way::Begin(begin),
            connections: 1,
            first: 0,
            patience: 60_000,
            connect_within: 0,
            near: exchange.near.clone(),
            far: Some(exchange.far.clone()),
        }
    }

    /// One connection to a target that is not there.
    pub(crate) fn alone(to: Endpoint, near: Vec<Step>) -> Self {
        let exchange = Exchange { name: "alone", near, far: Vec::new() };
        Self { far: None, ..Self::new(to, &exchange) }
    }
}

impl Report {
    /// The first failures in words; none if every script was followed to its end.
    pub(crate) fn failures(&self) -> Option<String> {
        let failed: Vec<&str> =
            self.accounts.iter().filter_map(|account| account.error.as_deref()).collect();
        let quoted = failed.iter().take(QUOTED).copied().collect::<Vec<_>>().join("; ");
        match failed.len() {
            0 => None,
            count if count <= QUOTED => Some(quoted),
            count => Some(format!("{count} connections failed: {quoted}; ...")),
        }
    }
}

/// Carries out a plan that comes as JSON on standard input.
pub(crate) fn run() -> Result<()> {
    let plan: Plan = serde_json::from_reader(io::stdin()).context("read a plan")?;
    let report = carry_out(&plan);
    let mut line = serde_json::to_string(&report).context("write JSON")?;
    line.push('\n');
    io::stdout().lock().write_all(line.as_bytes()).context("write to standard output")
}

fn carry_out(plan: &Plan) -> Report {
    let meeting = Meeting::of(plan.connections);
    let started = Instant::now();
    let accounts = thread::scope(|scope| {
        let threads: Vec<_> = (plan.first..)
            .take(plan.connections)
            .map(|id| {
                let meeting = &meeting;
                let work = move || connection(plan, id, meeting);
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(account)) => account,
                Ok(Err(_)) => failed("a thread of the driver failed".to_owned()),
                Err(cause) => failed(format!("start a thread: {cause}")),
            })
            .collect()
    });
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Report { accounts, milliseconds }
}

fn connection(plan: &Plan, id: u64, meeting: &Meeting) -> Account {
    // The target takes the next seed.
    let seed = id.wrapping_mul(2);
    let opened = connect(plan).and_then(|stream| {
        order(&stream, plan, id, seed)?;
        Ok(stream)
    });
    match opened {
        Ok(stream) => {
            let part = Part {
                id,
                own: Pattern::new(seed),
                other: target::far_pattern(seed),
                patience: Duration::from_millis(plan.patience),
                meeting: Some(meeting),
            };
            let account = player::play(stream, &plan.near, part);
            if account.error.is_some() {
                meeting.arrive();
            }
            account
        }
        Err(cause) => {
            meeting.arrive();
            failed(format!("connect to {}: {cause}", plan.way))
        }
    }
}

fn failed(error: String) -> Account {
    Account { error: Some(error), ..Account::default() }
}

fn connect(plan: &Plan) -> io::Result<Stream> {
    let deadline = Instant::now() + Duration::from_millis(plan.connect_within);
    loop {
        match plan.way.connect() {
            Err(_) if Instant::now() < deadline => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

fn order(mut stream: &Stream, plan: &Plan, id: u64, seed: u64) -> io::Result<()> {
    let Some(far) = &plan.far else { return Ok(()) };
    let order = Order { id, seed, patience: plan.patience, steps: far.clone() };
    let mut line = serde_json::to_string(&order)?;
    line.push('\n');
    stream.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::traffic::exchange;
    use crate::traffic::script::End;

    /// Has the conversation without any tunnel; what the near ends and the far ends say of it.
    fn talk(exchange: &Exchange, connections: usize) -> (Vec<Account>, Vec<Account>) {
        let listener = "127.0.0.1:0".parse::<Endpoint>().unwrap().listen().unwrap();
        let to = listener.endpoint().unwrap();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            target::serve(&listener, move |account| drop(tell.send(account.clone())));
        });
        let plan = Plan { connections, patience: 10_000, ..Plan::new(to, exchange) };
        let near = carry_out(&plan).accounts;
        let far = (0..connections).map(|_| told.recv_timeout(Duration::from_secs(60)).unwrap());
        let mut far: Vec<Account> = far.collect();
        far.sort_by_key(|account| account.id);
        (near, far)
    }

    #[test]
    fn every_conversation_works_without_a_tunnel() {
        let bytes = (1 << 20) + 3;
        let simple = [exchange::down, exchange::up, exchange::both, exchange::echo];
        let all = simple.iter().map(|make| make(bytes)).chain(exchange::half_closes());
        for exchange in all {
            let (near, far) = talk(&exchange, 1);
            let (near, far) = (&near[0], &far[0]);
            assert_eq!((&near.error, &far.error), (&None, &None), "{}", exchange.name);
            assert_eq!(near.sent_digest, far.received_digest, "{}", exchange.name);
            assert_eq!(near.received_digest, far.sent_digest, "{}", exchange.name);
            assert!(near.sent + near.received > 0);
        }
    }

    #[test]
    fn resets_are_seen_at_the_other_end() {
        for exchange in exchange::resets() {
            let (near, far) = talk(&exchange, 1);
            assert_eq!((&near[0].error, &far[0].error), (&None, &None), "{}", exchange.name);
            let seen = if exchange.name.starts_with("near") { &far[0] } else { &near[0] };
            assert_eq!(seen.end, Some(End::Reset), "{}", exchange.name);
        }
    }

    #[test]
    fn many_connections_are_open_at_once_and_each_gets_its_own_bytes() {
        let (near, far) = talk(&exchange::echo_together(4096), 50);
        assert!(near.iter().all(|account| account.error.is_none()), "{near:?}");
        assert_eq!(near.len(), 50);
        for (near, far) in near.iter().zip(&far) {
            assert_eq!((near.id, &near.sent_digest), (far.id, &far.received_digest));
        }
        assert_ne!(near[0].sent_digest, near[1].sent_digest);
    }

    #[test]
    fn wrong_bytes_are_a_failure() {
        let mut exchange = exchange::up(100);
        // The target expects the bytes of the driver, and gets its own back.
        exchange.far = vec![Step::Send(5), Step::Finish, Step::Receive(100)];
        exchange.near = vec![Step::SendEchoed(5)];
        let (near, _) = talk(&exchange, 1);
        assert!(
            near[0].error.as_ref().unwrap().contains("byte 0 is not what was sent"),
            "{near:?}"
        );
    }

    #[test]
    fn an_end_that_comes_too_soon_is_a_failure() {
        let mut exchange = exchange::down(100);
        exchange.far = vec![Step::Send(60), Step::Finish];
        let (near, _) = talk(&exchange, 1);
        let error = near[0].error.as_ref().unwrap();
        assert!(error.contains("60 bytes received, then the end, 40 bytes too soon"), "{error}");
    }

    #[test]
    fn a_target_that_is_not_there_is_a_failure_and_not_a_wait() {
        let to = "127.0.0.1:1".parse().unwrap();
        let report = carry_out(&Plan::alone(to, vec![Step::ReceiveUntilEnd]));
        assert!(report.failures().unwrap().contains("connect to 127.0.0.1:1"), "{report:?}");
    }
}
