//! A proxy for SOCKS4, SOCKS5 and HTTP CONNECT, without any Secure Shell:
//!
//! ```sh
//! cargo run --example proxy -- 1080
//! curl --socks5-hostname localhost:1080 http://example.org/
//! ```
//!
//! With the URL of another proxy behind the port, it goes through that one.

use std::error::Error;

use adit_forward::entry::Entry;
use adit_forward::proxy::Proxy;
use adit_forward::relay::{Limits, relay};
use adit_forward::socket::{Dialer, Listener};
use adit_forward::unix::Existing;
use adit_forward::upstream::{self, Upstream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let entry: Entry = words.next().ok_or("usage: proxy [bind:]port [proxy url]")?.parse()?;
    let listener = Listener::bind(&entry, Existing::Keep).await?;
    eprintln!("{listener} leads to where each connection says");
    let proxy = Proxy::new(listener);
    match words.next() {
        None => relay(proxy, Dialer::default(), Limits::default()).await?,
        Some(url) => {
            let upstream: Upstream = url.parse()?;
            let dialer = upstream::Dialer::new(upstream, Dialer::default());
            relay(proxy, dialer, Limits::default()).await?;
        }
    }
    Ok(())
}
