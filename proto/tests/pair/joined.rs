//! A client and a server joined in memory under virtual time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adit_proto::Connection;
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::connection::ConnectionMessage;
use bytes::{Bytes, BytesMut};

use crate::pair::line::Line;
use crate::pair::setup::Setup;
use crate::pair::side::{Side, Who};

/// Both sides and both directions.
pub(crate) struct Pair {
    pub(crate) client: Side,
    pub(crate) server: Side,
    pub(crate) to_client: Line,
    pub(crate) to_server: Line,
    pub(crate) now: Instant,
}

/// A pair that does so much without time passing does not come to rest.
const RESTLESS: usize = 20_000;

impl Pair {
    pub(crate) fn new(setup: Setup) -> Self {
        let now = Instant::now();
        let client = Connection::client(now, &setup.client);
        let server = Connection::server(now, &Arc::new(setup.server));
        Self {
            client: Side::new(client, setup.client_answers),
            server: Side::new(server, setup.server_answers),
            to_client: Line::new(setup.latency, setup.chunk),
            to_server: Line::new(setup.latency, setup.chunk),
            now,
        }
    }

    /// A pair that is logged in.
    pub(crate) fn connected(setup: Setup) -> Self {
        let mut pair = Self::new(setup);
        pair.run();
        pair.expect_connected();
        pair
    }

    pub(crate) fn expect_connected(&self) {
        for who in Who::BOTH {
            let side = self.side(who);
            assert_eq!(side.error(), None, "{who:?}");
            assert!(side.is_connected(), "{who:?} only came to {:?}", side.story());
        }
    }

    pub(crate) fn side(&self, who: Who) -> &Side {
        match who {
            Who::Client => &self.client,
            Who::Server => &self.server,
        }
    }

    pub(crate) fn side_mut(&mut self, who: Who) -> &mut Side {
        match who {
            Who::Client => &mut self.client,
            Who::Server => &mut self.server,
        }
    }

    /// The line that leads to this side.
    pub(crate) fn line_to(&mut self, who: Who) -> &mut Line {
        match who {
            Who::Client => &mut self.to_client,
            Who::Server => &mut self.to_server,
        }
    }

    /// Runs until nothing is on the way any more. Deadlines later than that do not come.
    pub(crate) fn run(&mut self) {
        loop {
            self.run_now();
            let arrivals = [self.to_client.next_arrival(), self.to_server.next_arrival()];
            let Some(next) = arrivals.into_iter().flatten().min() else { break };
            self.pass_to(next);
        }
    }

    /// Runs for so long, deadlines included.
    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.run_now();
            let arrivals = [self.to_client.next_arrival(), self.to_server.next_arrival()];
            let next = arrivals.into_iter().chain(self.deadlines()).flatten().min();
            let Some(next) = next.filter(|it| *it <= end) else { break };
            self.pass_to(next);
        }
        self.pass_to(end);
    }

    /// Runs, deadlines included, until each side has an error, or waits without a deadline for
    /// one that has: it would see the end of the stream.
    pub(crate) fn run_to_end(&mut self) {
        for _ in 0..1000 {
            self.run();
            match self.deadlines().into_iter().flatten().min() {
                Some(next) => self.pass_to(next),
                None => break,
            }
        }
        let ended = Who::BOTH.into_iter().any(|who| self.side(who).error().is_some());
        assert!(ended, "the pair does not come to an end");
    }

    fn deadlines(&self) -> [Option<Instant>; 2] {
        [self.client.connection.poll_timeout(), self.server.connection.poll_timeout()]
    }

    /// Lets the time pass to `next`, and its deadlines come.
    pub(crate) fn pass_to(&mut self, next: Instant) {
        self.now = self.now.max(next);
        for side in [&mut self.client, &mut self.server] {
            side.expire(self.now);
        }
    }

    /// Does all that can be done without time passing.
    pub(crate) fn run_now(&mut self) {
        for _ in 0..RESTLESS {
            let done = self.turn(Who::Client) | self.turn(Who::Server);
            if !done {
                return;
            }
        }
        panic!("the pair does not come to rest");
    }

    /// One chunk for one side; says whether anything was done.
    fn turn(&mut self, who: Who) -> bool {
        let (side, inbound, outbound) = match who {
            Who::Client => (&mut self.client, &mut self.to_client, &mut self.to_server),
            Who::Server => (&mut self.server, &mut self.to_server, &mut self.to_client),
        };
        let chunk = inbound.take(self.now);
        side.input.extend_from_slice(chunk.as_deref().unwrap_or_default());
        side.turn(self.now);
        let mut output = BytesMut::new();
        let transmitted = side.connection.poll_transmit(&mut output);
        assert_eq!(transmitted, !output.is_empty());
        if transmitted {
            outbound.put(self.now, &output);
        }
        transmitted || chunk.is_some()
    }

    /// Sends data that can be told apart by their number.
    pub(crate) fn send(&mut self, who: Who, number: u32) {
        self.side_mut(who).connection.send(&data(number)).unwrap();
    }

    /// What of [`data`] has come to this side, by number, in order.
    pub(crate) fn received(&self, who: Who) -> Vec<u32> {
        let number = |message: ConnectionMessage| match message {
            ConnectionMessage::ChannelData(it) => {
                assert_eq!(ConnectionMessage::from(it.clone()), data(it.recipient.0));
                it.recipient.0
            }
            other => panic!("{other:?} was never sent"),
        };
        self.side(who).messages().into_iter().map(number).collect()
    }
}

/// Channel data that can be told apart by their number.
pub(crate) fn data(number: u32) -> ConnectionMessage {
    let len = usize::try_from(number % 50).unwrap();
    let data = Bytes::from(number.to_be_bytes().into_iter().cycle().take(len).collect::<Vec<_>>());
    ChannelData { recipient: ChannelId(number), data }.into()
}
