//! A tunnel that runs: a listener and a dialer, joined.

use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle as Runtime;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::dial::Dial;
use crate::flow::{Flow, Observe, Outcome, Running};
use crate::listen::{Inbound, Listen};
use crate::pipe::{Broken, Side, Traffic, pipe};
use crate::refusal::Refusal;
use crate::stop::Signal;
use crate::stream::Stream;

/// Runs a tunnel: dials a target for each connection that comes, and joins the two.
///
/// This is [`Relay`] without its options.
///
/// # Errors
/// Where no connection can come any more; those that run are cut off then.
///
/// # Cancel safety
/// Dropping the future ends the tunnel: all its connections are reset.
pub async fn relay<L: Listen, D: Dial>(listen: L, dial: D, limits: Limits) -> io::Result<()> {
    Relay::new(listen, dial).limits(limits).run().await
}

/// How much a tunnel may do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most connections at once. Beyond them, the next is left waiting where it came from.
    pub connections: usize,
    /// How long a connection may take to say where it goes, and then how long until the
    /// target is reached.
    pub opening: Duration,
}

/// 10,000 connections, and a minute for each step of the opening.
impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, opening: Duration::from_secs(60) }
    }
}

/// A tunnel, ready to run.
///
/// ```text
///  Listen::next --> Inbound::target --> Dial::dial --> Inbound::accept --> pipe
///                        |                  |
///                     dropped        Inbound::refuse
/// ```
pub struct Relay<L, D> {
    listen: L,
    dial: D,
    limits: Limits,
    observer: Arc<dyn Observe>,
    stop: Signal,
}

impl<L: Listen, D: Dial> Relay<L, D> {
    /// A tunnel with the default limits, which runs until it is dropped.
    pub fn new(listen: L, dial: D) -> Self {
        let (limits, observer, stop) = (Limits::default(), Arc::new(()), Signal::never());
        Self { listen, dial, limits, observer, stop }
    }

    /// Sets how much it may do.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Tells somebody of every connection.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observe>) -> Self {
        self.observer = observer;
        self
    }

    /// Ends when a signal is given: stops listening at once, and cuts off what still runs
    /// when the time of grace is over.
    #[must_use]
    pub fn until(mut self, stop: Signal) -> Self {
        self.stop = stop;
        self
    }

    /// Runs it until it is stopped.
    ///
    /// # Errors
    /// Where no connection can come any more; those that run are cut off then.
    ///
    /// # Cancel safety
    /// Dropping the future ends the tunnel: all its connections are reset.
    pub async fn run(self) -> io::Result<()> {
        let Self { mut listen, dial, limits, observer, mut stop } = self;
        let far = Arc::new(Far { dial, opening: limits.opening, observer });
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.asked() => break,
                Some(ended) = running.join_next() => check(ended),
                inbound = listen.next(), if running.len() < limits.connections => {
                    running.spawn(Arc::clone(&far).handle(inbound?));
                }
            }
        }
        drop(listen);
        finish(running, stop).await;
        Ok(())
    }
}

/// Waits for what runs, and cuts it off when the time is over.
async fn finish(mut running: JoinSet<()>, mut stop: Signal) {
    loop {
        tokio::select! {
            biased;
            ended = running.join_next() => match ended {
                Some(ended) => check(ended),
                None => return,
            },
            () = stop.due() => {
                tracing::debug!(connections = running.len(), "cutting off");
                return running.shutdown().await;
            }
        }
    }
}

/// A connection that died of a defect must not go unseen, nor take others with it.
fn check(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection died of a defect");
    }
}

/// What all connections of a tunnel share.
struct Far<D> {
    dial: D,
    opening: Duration,
    observer: Arc<dyn Observe>,
}

impl<D: Dial> Far<D> {
    /// Serves one connection, to its end.
    async fn handle<I: Inbound>(self: Arc<Self>, mut inbound: I) {
        let (target, origin) = match timeout(self.opening, inbound.target()).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(error)) => return tracing::debug!(%error, "no target was asked for"),
            Err(_) => return tracing::debug!("no target was asked for in time"),
        };
        let running = Running::begin(Flow::new(origin, target), Arc::clone(&self.observer));
        let outcome = self.carry(inbound, &running.flow).await;
        running.end(outcome);
    }

    async fn carry<I: Inbound>(&self, inbound: I, flow: &Arc<Flow>) -> Outcome {
        let dialled = timeout(self.opening, self.dial.dial(&flow.target, &flow.origin)).await;
        let far = match dialled.unwrap_or(Err(Refusal::TimedOut)) {
            Ok(far) => far,
            Err(refusal) => {
                // Who does not take the answer in time does without.
                let _ = timeout(self.opening, inbound.refuse(refusal.clone())).await;
                return Outcome::Refused(refusal);
            }
        };
        let accepted = timeout(self.opening, inbound.accept()).await;
        let near = match accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(near) => near,
            Err(error) => return Outcome::Broken(Broken { side: Side::A, error }),
        };
        match join(near, far, flow).await {
            Ok(_) => Outcome::Finished,
            Err(broken) => Outcome::Broken(broken),
        }
    }
}

/// Joins the two, on the threads of the far one where it has others.
async fn join(near: impl Stream, far: impl Stream, flow: &Arc<Flow>) -> Result<Traffic, Broken> {
    let home = far.home().filter(|home| home.id() != Runtime::current().id()).cloned();
    let Some(home) = home else { return pipe(near, far, &flow.meter).await };
    let flow = Arc::clone(flow);
    let joining = async move {
        let near = near.settle().map_err(|error| Broken { side: Side::A, error })?;
        pipe(near, far, &flow.meter).await
    };
    // Dropped, it cuts the connection off.
    let mut joined = JoinSet::new();
    joined.spawn_on(joining, &home);
    match joined.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
        // Its threads have ended, and the connection with them.
        _ => Err(Broken { side: Side::B, error: io::ErrorKind::ConnectionAborted.into() }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::origin::Origin;
    use crate::sim;
    use crate::stop::Switch;
    use crate::target::Target;

    /// A listener in memory: what the test sends it comes, and is for the port it is sent with.
    struct Listener(mpsc::Receiver<Coming>);

    struct Coming {
        stream: sim::Stream,
        port: u16,
    }

    impl Listen for Listener {
        type Inbound = Coming;

        async fn next(&mut self) -> io::Result<Coming> {
            self.0.recv().await.ok_or_else(|| ErrorKind::NotConnected.into())
        }
    }

    impl Inbound for Coming {
        type Stream = sim::Stream;

        async fn target(&mut self) -> io::Result<(Target, Origin)> {
            if self.port == MUTE {
                sleep(Duration::MAX).await;
            }
            Ok((Target::Tcp { host: "sim".to_owned(), port: self.port }, Origin::Unix))
        }

        async fn accept(self) -> io::Result<sim::Stream> {
            Ok(self.stream)
        }

        async fn refuse(self, _: Refusal) {}
    }

    /// Nobody asks for this port: it is the port of those who do not say what they want.
    const MUTE: u16 = 0;
    /// Who answers here says back what is said.
    const ECHO: u16 = 7;
    /// Nobody answers here, neither yes nor no.
    const SILENT: u16 = 8;
    /// The dialer has a defect here.
    const DEFECT: u16 = 9;
    /// Any other port is refused.
    const CLOSED: u16 = 1;

    struct Dialer;

    impl Dial for Dialer {
        type Stream = sim::Stream;

        async fn dial(&self, target: &Target, _: &Origin) -> Result<sim::Stream, Refusal> {
            match target {
                Target::Tcp { port: ECHO, .. } => {
                    let (near, far) = sim::pair(64, 64);
                    tokio::spawn(echo(far));
                    Ok(near)
                }
                Target::Tcp { port: SILENT, .. } => std::future::pending().await,
                Target::Tcp { port: DEFECT, .. } => panic!("a defect, as the test wants it"),
                _ => Err(Refusal::Refused),
            }
        }
    }

    async fn echo(mut stream: sim::Stream) -> io::Result<()> {
        let mut bytes = [0; 64];
        loop {
            match stream.read(&mut bytes).await? {
                0 => return stream.shutdown().await,
                len => stream.write_all(&bytes[..len]).await?,
            }
        }
    }

    /// Writes down what it is told.
    #[derive(Default)]
    struct Book {
        began: Mutex<usize>,
        ended: Mutex<Vec<(Traffic, String)>>,
    }

    impl Observe for Book {
        fn handle_began(&self, _: &Arc<Flow>) {
            *self.began.lock().unwrap() += 1;
        }

        fn handle_ended(&self, flow: &Flow, outcome: &Outcome) {
            self.ended.lock().unwrap().push((flow.traffic(), outcome.to_string()));
        }
    }

    impl Book {
        fn ended(&self) -> Vec<String> {
            self.ended.lock().unwrap().iter().map(|(_, outcome)| outcome.clone()).collect()
        }
    }

    struct Rig {
        come: mpsc::Sender<Coming>,
        switch: Switch,
        book: Arc<Book>,
        relay: JoinHandle<io::Result<()>>,
    }

    const LIMITS: Limits = Limits { connections: 2, opening: Duration::from_secs(60) };

    fn rig() -> Rig {
        let (come, coming) = mpsc::channel(1);
        let (switch, signal) = Switch::new();
        let book = Arc::new(Book::default());
        let relay = Relay::new(Listener(coming), Dialer)
            .limits(LIMITS)
            .observer(book.clone())
            .until(signal);
        Rig { come, switch, book, relay: tokio::spawn(relay.run()) }
    }

    impl Rig {
        async fn connect(&self, port: u16) -> sim::Stream {
            let (app, stream) = sim::pair(64, 64);
            self.come.send(Coming { stream, port }).await.expect("the relay runs");
            app
        }
    }

    async fn says(app: &mut sim::Stream, word: &[u8]) {
        app.write_all(word).await.unwrap();
        let mut echo = vec![0; word.len()];
        app.read_exact(&mut echo).await.unwrap();
        assert_eq!(echo, word);
    }

    async fn is_reset(app: &mut sim::Stream) {
        assert_eq!(app.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_carried_and_booked() {
        let rig = rig();
        let mut app = rig.connect(ECHO).await;
        says(&mut app, b"hello").await;
        app.shutdown().await.unwrap();
        assert_eq!(app.read(&mut [0]).await.unwrap(), 0);
        rig.switch.stop(Duration::MAX);
        rig.relay.await.unwrap().unwrap();
        let traffic = Traffic { a_to_b: 5, b_to_a: 5 };
        assert_eq!(*rig.book.ended.lock().unwrap(), [(traffic, "finished".to_owned())]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_target_is_no_success() {
        let rig = rig();
        is_reset(&mut rig.connect(CLOSED).await).await;
        assert_eq!(rig.book.ended(), ["refused: connection refused"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_does_not_answer_is_given_up() {
        let (rig, start) = (rig(), Instant::now());
        is_reset(&mut rig.connect(SILENT).await).await;
        assert_eq!(start.elapsed(), LIMITS.opening);
        assert_eq!(rig.book.ended(), ["refused: no answer in time"]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_say_where_it_goes_is_given_up() {
        let (rig, start) = (rig(), Instant::now());
        is_reset(&mut rig.connect(MUTE).await).await;
        assert_eq!(start.elapsed(), LIMITS.opening);
        assert_eq!(*rig.book.began.lock().unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_defect_ends_one_connection_and_no_other() {
        let rig = rig();
        let mut other = rig.connect(ECHO).await;
        is_reset(&mut rig.connect(DEFECT).await).await;
        says(&mut other, b"still here").await;
        assert_eq!(rig.book.ended(), ["cut off"]);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_limit_the_next_one_waits() {
        let rig = rig();
        let mut one = rig.connect(ECHO).await;
        let mut two = rig.connect(ECHO).await;
        let mut three = rig.connect(ECHO).await;
        says(&mut one, b"1").await;
        says(&mut two, b"2").await;
        three.write_all(b"3").await.unwrap();
        let answer = timeout(Duration::from_secs(3_600), three.read_u8()).await;
        assert!(answer.is_err(), "it waits");
        drop(one);
        assert_eq!(three.read_u8().await.unwrap(), b'3');
        assert_eq!(*rig.book.began.lock().unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn stopped_it_takes_nothing_new_and_lets_the_rest_finish() {
        let Rig { come, switch, book, relay } = rig();
        let (mut app, stream) = sim::pair(64, 64);
        come.send(Coming { stream, port: ECHO }).await.ok().unwrap();
        says(&mut app, b"before").await;
        switch.stop(Duration::from_secs(30));
        come.closed().await;
        says(&mut app, b"after").await;
        app.shutdown().await.unwrap();
        let start = Instant::now();
        relay.await.unwrap().unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(book.ended(), ["finished"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_finish_in_the_time_of_grace_is_cut_off() {
        let rig = rig();
        let mut app = rig.connect(ECHO).await;
        says(&mut app, b"before").await;
        let start = Instant::now();
        rig.switch.stop(Duration::from_secs(30));
        is_reset(&mut app).await;
        assert_eq!(start.elapsed(), Duration::from_secs(30));
        rig.relay.await.unwrap().unwrap();
        assert_eq!(rig.book.ended(), ["cut off"]);
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_it_leaves_nothing_behind() {
        let rig = rig();
        let mut apps = [rig.connect(ECHO).await, rig.connect(SILENT).await];
        says(&mut apps[0], b"hello").await;
        rig.relay.abort();
        for app in &mut apps {
            is_reset(app).await;
        }
        assert_eq!(rig.book.ended(), ["cut off", "cut off"]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_its_listener() {
        let Rig { come, book, relay, .. } = rig();
        let (mut app, stream) = sim::pair(64, 64);
        come.send(Coming { stream, port: ECHO }).await.ok().unwrap();
        says(&mut app, b"hello").await;
        drop(come);
        assert_eq!(relay.await.unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
        is_reset(&mut app).await;
        assert_eq!(book.ended(), ["cut off"]);
    }
}
