//! The ways to a TCP target.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream, lookup_host};

use crate::refusal::{Refusal, is_shortage};
use crate::tcp::race;
use crate::tcp::stream::Stream;

/// The addresses of a name, in the order in which the system would have them tried. An
/// address is its own name.
///
/// The system's resolver decides how long it takes; put a limit around it.
///
/// # Errors
/// [`Refusal::NameNotFound`] where there are none, [`Refusal::ResourceShortage`] where the
/// system had not the means to find out.
///
/// # Cancel safety
/// Dropping the future gives up the wait. The question itself, on a thread of the runtime,
/// ends when the resolver ends it.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Refusal> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    // The resolver takes an empty name for this machine, and cannot be given these.
    if host.is_empty() || host.contains('\0') {
        return Err(Refusal::NameNotFound);
    }
    match lookup_host((host, port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) if is_shortage(&error) => Err(Refusal::ResourceShortage),
        Err(error) => {
            tracing::debug!(host, %error, "cannot resolve");
            Err(Refusal::NameNotFound)
        }
    }
}

/// Connects to the first of these addresses that answers. They are tried in turns of family,
/// the next beside the last after a quarter of a second or at once after a failure
/// ([RFC 8305](https://www.rfc-editor.org/rfc/rfc8305)).
///
/// The system decides how long it takes, which may be minutes; put a limit around it.
///
/// # Errors
/// The most telling of the failures.
///
/// # Cancel safety
/// Dropping the future gives up all tries.
pub async fn connect(addresses: Vec<SocketAddr>) -> Result<Stream, Refusal> {
    connect_telling(addresses, None, |_, _| {}).await
}

/// As [`connect`], from this address of the machine, where one is named: those of another family
/// than it are not reached. Each address that fails before one answers is told.
///
/// # Errors
/// As [`connect`]; [`Refusal::NetworkUnreachable`] where the machine has no such address.
///
/// # Cancel safety
/// Dropping the future gives up all tries.
pub async fn connect_telling(
    addresses: Vec<SocketAddr>,
    from: Option<IpAddr>,
    failed: impl FnMut(SocketAddr, &Refusal),
) -> Result<Stream, Refusal> {
    race::run(addresses, |address| connect_one(address, from), failed).await.map(Stream::from)
}

async fn connect_one(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Given up between its making and our hearing of it, it must not look like a visitor
    // who came, said nothing and left content.
    socket.set_zero_linger()?;
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(address).await?;
    // With nobody listening, the system may by chance give the connection its target as its
    // own port and connect it to itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_address_is_its_own_name() {
        let found = resolve("::1", 80).await;
        assert_eq!(found, Ok(vec!["[::1]:80".parse().unwrap()]));
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_not_found() {
        for host in ["", "a\0b", "no such name"] {
            assert_eq!(resolve(host, 80).await, Err(Refusal::NameNotFound), "{host:?}");
        }
    }

    #[tokio::test]
    async fn a_try_that_is_given_up_is_no_empty_visit() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        {
            let mut try_it = pin!(connect_one(listener.local_addr().unwrap(), None));
            let mut context = Context::from_waker(Waker::noop());
            assert!(try_it.as_mut().poll(&mut context).is_pending());
        }
        let (mut visitor, _) = listener.accept().await.unwrap();
        assert_eq!(visitor.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_connection_comes_from_the_address_that_is_wanted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (from, to) = ("127.0.0.2".parse().unwrap(), listener.local_addr().unwrap());
        let connect_from = |from| connect_telling(vec![to], Some(from), |_, _| {});
        let (stream, visitor) = tokio::join!(connect_from(from), listener.accept());
        assert_eq!(visitor.unwrap().1.ip(), from);
        drop(stream.unwrap());
        let foreign = "192.0.2.1".parse().unwrap();
        assert_eq!(connect_from(foreign).await.unwrap_err(), Refusal::NetworkUnreachable);
    }

    #[tokio::test]
    async fn a_connection_to_itself_is_a_refusal() {
        let own = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        own.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let address = own.local_addr().unwrap().as_socket().unwrap();
        own.connect(&address.into()).unwrap();
        assert_eq!(own.peer_addr().unwrap().as_socket(), Some(address), "it talks to itself");
        drop(own);
        assert_eq!(connect(vec![address]).await.unwrap_err(), Refusal::Refused);
    }
}
