//! The parts of a session.

use tokio::time::Instant;

use crate::mux::mux::Mux;
use crate::pipe::Pipe;
use crate::session::config::Config;
use crate::session::driver::Driver;
use crate::session::global_request::GlobalRequests;
use crate::session::handle::Handle;
use crate::session::opening::Openings;
use crate::session::shared::Shared;

/// The parts of a session; the [module](crate::session) says what each is for.
#[derive(Debug)]
pub struct Session<P: Pipe> {
    /// Opens channels and asks the peer things.
    pub handle: Handle,
    /// To be run, in a task of its own for instance.
    pub driver: Driver<P>,
    /// The channels that the peer asks for.
    pub openings: Openings,
    /// What the peer asks of the connection.
    pub global_requests: GlobalRequests,
}

impl<P: Pipe> Session<P> {
    /// A session over a pipe.
    pub fn new(pipe: P, config: Config) -> Self {
        let mut config = config.settled();
        let limits = &mut config.limits;
        limits.early_credit = limits.early_credit.or_else(|| pipe.early_credit());
        let now = Instant::now().into_std();
        let mut mux = Mux::new(now, config.limits.clone());
        mux.measure_path(now);
        let shared = Shared::new(mux);
        Self {
            handle: Handle::new(shared.member()),
            openings: Openings::new(shared.member()),
            global_requests: GlobalRequests::new(shared.member()),
            driver: Driver::new(pipe, config, shared),
        }
    }
}
