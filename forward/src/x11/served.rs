//! A display at the server that stands for one of the client.

use std::fmt;
use std::future::pending;
use std::io::{self, ErrorKind};

use crate::accept::Accept;
use crate::entry::{Bind, Unavailable};
use crate::origin::Origin;
use crate::tcp;
use crate::x11::display::BASE;
use crate::x11::displays::Connections;

/// How many numbers are tried, as with OpenSSH.
const NUMBERS: u16 = 1000;

/// A display at the server that stands for one of the client: a port on the loopback addresses,
/// 6000 and the number of the display. Each connection to it is to become a
/// [channel](crate::channel::X11).
#[derive(Debug)]
pub struct Served {
    /// None where no more connections are taken.
    listener: Option<tcp::Listener>,
    number: u16,
    connections: Connections,
}

impl Served {
    /// Opens the first display from the number `offset` on whose port is free on all loopback
    /// addresses. A thousand are tried.
    ///
    /// # Errors
    /// [`Unavailable`], where there is none.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn bind(offset: u16, connections: Connections) -> Result<Self, Unavailable> {
        let mut last = Unavailable {
            place: format!("display {offset}"),
            cause: ErrorKind::AddrNotAvailable.into(),
        };
        for number in (offset..=u16::MAX - BASE).take(NUMBERS.into()) {
            let port = number.saturating_add(BASE);
            match tcp::Listener::bind(&Bind::Localhost, port).await {
                Ok(listener) => return Ok(Self { listener: Some(listener), number, connections }),
                Err(error) if error.cause.kind() == ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// What `DISPLAY` is to be for programs that are to use this screen of it.
    pub fn name(&self, screen: u32) -> String {
        format!("localhost:{}.{screen}", self.number)
    }

    /// By which words `xauth` is to know its cookie: libraries look for those of loopback
    /// addresses among local ones.
    pub fn known_as(&self, screen: u32) -> String {
        format!("unix:{}.{screen}", self.number)
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "display {}", self.number)
    }
}

impl Accept for Served {
    type Stream = tcp::Stream;

    async fn accept(&mut self) -> io::Result<(tcp::Stream, Origin)> {
        let Some(listener) = &mut self.listener else { return pending().await };
        let accepted = listener.accept().await?;
        if self.connections == Connections::One {
            self.listener = None;
        }
        Ok(accepted)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_first_free_number_is_taken() {
        let one = Served::bind(40_000, Connections::Any).await.unwrap();
        let two = Served::bind(one.number(), Connections::Any).await.unwrap();
        assert!(two.number() > one.number());
        assert_eq!(two.name(1), format!("localhost:{}.1", two.number()));
        assert_eq!(two.known_as(0), format!("unix:{}.0", two.number()));
    }

    #[tokio::test]
    async fn beyond_the_last_port_there_is_no_display() {
        assert!(Served::bind(u16::MAX, Connections::Any).await.is_err());
    }

    #[tokio::test]
    async fn one_connection_is_taken_where_one_is_wanted() {
        let mut display = Served::bind(41_000, Connections::One).await.unwrap();
        let port = 6000 + display.number();
        let _program = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        display.accept().await.unwrap();
        let refused = TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(timeout(Duration::from_millis(1), display.accept()).await.is_err());
    }
}
