//! A relay between sockets of this machine, without any Secure Shell:
//!
//! ```sh
//! cargo run --example relay -- 8080:localhost:80
//! ```

use std::error::Error;

use adit_forward::fixed::Fixed;
use adit_forward::relay::{Limits, relay};
use adit_forward::socket::{Dialer, Listener};
use adit_forward::spec::Local;
use adit_forward::unix::Existing;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let spec = std::env::args().nth(1).ok_or("usage: relay [bind:]port:host:hostport")?;
    let Local { entry, target } = spec.parse()?;
    let listener = Listener::bind(&entry, Existing::Keep).await?;
    eprintln!("{listener} leads to {target}");
    relay(Fixed::new(listener, target), Dialer::default(), Limits::default()).await?;
    Ok(())
}
