//! Ports of the loopback address: free ones, and waiting until one is listened on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};

/// How long a program may take until it listens.
const LIMIT: Duration = Duration::from_secs(20);

/// How often the system is asked.
const PERIOD: Duration = Duration::from_millis(5);

/// An address of this machine that nobody listens on now.
pub(crate) fn free() -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .context("find a free port")
}

/// Waits until somebody listens on `address`. The table of the system is read: a connection would be
/// a visit, and sshd holds visits without a login against the visitor.
pub(crate) fn wait(
    address: SocketAddr,
    mut gone: impl FnMut() -> Result<Option<String>>,
) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !is_listened_on(address)? {
        if let Some(said) = gone()? {
            return Err(Error::new(said));
        }
        if Instant::now() > deadline {
            return Err(Error::new(format!("nobody listened on {address} after {LIMIT:?}")));
        }
        crate::process::check_interrupt()?;
        thread::sleep(PERIOD);
    }
    Ok(())
}

fn is_listened_on(address: SocketAddr) -> Result<bool> {
    let table = std::fs::read_to_string("/proc/net/tcp").context("read /proc/net/tcp")?;
    Ok(table.lines().any(|line| listens(line, address.port())))
}

/// Whether a line of `/proc/net/tcp` is a listener on this port: state 0A.
fn listens(line: &str, port: u16) -> bool {
    let mut words = line.split_whitespace().skip(1);
    let local = words.next().and_then(|address| address.rsplit_once(':'));
    let on_port = local.is_some_and(|(_, it)| u16::from_str_radix(it, 16) == Ok(port));
    on_port && words.nth(1) == Some("0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_noticed_and_its_absence_too() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(is_listened_on(address).unwrap());
        drop(listener);
        assert!(!is_listened_on(address).unwrap());
        let error = wait(address, || Ok(Some("it has ended".to_owned()))).unwrap_err();
        assert_eq!(error.to_string(), "it has ended");
    }

    #[test]
    fn a_connection_is_no_listener() {
        let line = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        assert!(listens(line, 8080) && !listens(line, 8081));
        assert!(!listens(&line.replace(" 0A ", " 01 "), 8080));
    }
}
