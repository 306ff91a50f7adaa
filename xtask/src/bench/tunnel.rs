//! A tunnel of a contestant, at work.

use std::net::SocketAddr;
use std::time::Duration;

use crate::bench::delay::{Delay, Link};
use crate::bench::entry::Entry;
use crate::bench::setup::Setup;
use crate::bench::tunnel_kind::Kind;
use crate::bench::usage::{self, Memory};
use crate::bench::{client, port, server};
use crate::error::Result;
use crate::process::Process;

/// Two programs and what joins them; all of it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Tunnel {
    client: Option<Process>,
    server: Option<Process>,
    /// The path between them, where it is a long one.
    _link: Option<Link>,
    entry: Entry,
}

/// What the two programs have used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ends<T> {
    pub(crate) client: T,
    pub(crate) server: T,
}

impl Tunnel {
    /// Starts the programs, and waits until the tunnel's near end is listened on.
    pub(crate) fn start(setup: &Setup<'_>, delay: Option<Delay>) -> Result<Self> {
        let listen = port::free()?;
        let server = server::start(setup, listen)?;
        let far = if server.is_some() { listen } else { setup.target };
        let link = delay.map(|delay| Link::start(delay, far)).transpose()?;
        let far = link.as_ref().map_or(far, Link::address);
        let entry = if server.is_some() { port::free()? } else { far };
        let mut tunnel = Self { client: None, server, _link: link, entry: at(setup, entry) };
        tunnel.client = client::start(setup, far, entry)?;
        if let Some(client) = &mut tunnel.client {
            let log = setup.site.log("client");
            port::wait(entry, || {
                let ended = client.ended()?;
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                Ok(ended.map(|status| format!("the client ended, {status}: {}", said.trim())))
            })?;
        }
        Ok(tunnel)
    }

    pub(crate) fn entry(&self) -> Entry {
        self.entry
    }

    /// The CPU time that either end has used so far.
    pub(crate) fn cpu(&self) -> Ends<Duration> {
        self.ends(usage::cpu)
    }

    /// What either end keeps in memory now.
    pub(crate) fn memory(&self) -> Ends<Memory> {
        self.ends(usage::memory)
    }

    fn ends<T: Default>(&self, of: impl Fn(u32) -> T) -> Ends<T> {
        let [client, server] = [&self.client, &self.server];
        let of = |process: &Option<Process>| {
            process.as_ref().map(|process| of(process.id())).unwrap_or_default()
        };
        Ends { client: of(client), server: of(server) }
    }
}

fn at(setup: &Setup<'_>, address: SocketAddr) -> Entry {
    let socks = (setup.kind == Kind::Dynamic).then_some(setup.target);
    Entry { address, socks }
}

impl Drop for Tunnel {
    /// At once: there is nothing that an orderly end would save.
    fn drop(&mut self) {
        for process in [&mut self.client, &mut self.server].into_iter().flatten() {
            // Where this fails, the process is ended when it is dropped.
            let _ = process.kill();
        }
    }
}
