//! A TCP port that is listened on.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, lookup_host};

use crate::accept::{Accept, Backoff};
use crate::entry::{Bind, Entry, Unavailable};
use crate::origin::Origin;
use crate::tcp::stream::{self, Stream};

/// Connections that the kernel keeps while they wait to be accepted. It may allow fewer.
const BACKLOG: i32 = 1024;
/// How often a port of the system's choice is drawn until it is free in both families.
const DRAWS: usize = 16;

/// A TCP port, open on one address or several.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    /// The socket that is asked first, in turns.
    turn: usize,
    place: Place,
    backoff: Backoff,
}

impl Listener {
    /// Opens a port; 0 lets the system choose one, which is then the same on all addresses.
    ///
    /// `localhost` and "all" mean both families; where the machine lacks one of them the
    /// other is enough. A port that is taken in one of them is taken: else programs that
    /// prefer that family would reach somebody else.
    ///
    /// # Errors
    /// [`Unavailable`], with the first address that could not be had.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn bind(bind: &Bind, port: u16) -> Result<Self, Unavailable> {
        let unavailable = |cause| Unavailable {
            place: Entry::Tcp { bind: bind.clone(), port }.to_string(),
            cause,
        };
        let addresses = addresses(bind, port).await.map_err(unavailable)?;
        let sockets = draw(&addresses)?;
        if sockets.is_empty() {
            return Err(unavailable(ErrorKind::AddrNotAvailable.into()));
        }
        Ok(Self::of(sockets))
    }

    /// Opens a port on just these addresses; 0 lets the system choose one, which is then the
    /// same on all of them. `::` is IPv6 only. Of several addresses, those that every machine
    /// has but for the family, loopback and unspecified ones, may be lacking.
    ///
    /// # Errors
    /// [`Unavailable`], with the first address that could not be had.
    pub fn bind_addresses(addresses: &[IpAddr], port: u16) -> Result<Self, Unavailable> {
        let several = addresses.len() > 1;
        let needed = |address: &IpAddr| {
            let common = address.is_loopback() || address.is_unspecified();
            let need = if several && common { Need::IfPresent } else { Need::Always };
            (SocketAddr::new(*address, port), need)
        };
        let sockets = draw(&addresses.iter().map(needed).collect::<Vec<_>>())?;
        if sockets.is_empty() {
            let place = format!("port {port}");
            return Err(Unavailable { place, cause: ErrorKind::AddrNotAvailable.into() });
        }
        Ok(Self::of(sockets))
    }

    fn of(sockets: Vec<TcpListener>) -> Self {
        let place = Place(sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect());
        Self { sockets, turn: 0, place, backoff: Backoff::default() }
    }

    /// Closes the port on all addresses but these. Where none of them is left, nothing comes
    /// any more.
    pub(crate) fn retain(&mut self, addresses: &[IpAddr]) {
        let kept = |address: &SocketAddr| addresses.contains(&address.ip());
        self.sockets.retain(|socket| socket.local_addr().is_ok_and(|it| kept(&it)));
        self.place.0.retain(kept);
    }

    /// The addresses that are listened on, with the port as it really is.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.place.0
    }

    /// The port as it really is: the same on all addresses.
    pub fn port(&self) -> u16 {
        self.place.0.first().map_or(0, SocketAddr::port)
    }

    /// The next connection of any socket, each of them being first in turn.
    async fn accept_any(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let Self { sockets, turn, .. } = self;
        poll_fn(|cx| {
            let (later, sooner) = sockets.split_at(*turn % sockets.len().max(1));
            for socket in sooner.iter().chain(later) {
                if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                    *turn = turn.wrapping_add(1);
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// The addresses, with commas between.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl Accept for Listener {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<(Stream, Origin)> {
        loop {
            match self.accept_any().await {
                Ok((stream, peer)) => {
                    self.backoff.handle_success(&self.place);
                    return Ok((Stream::accepted(stream), Origin::Tcp(peer)));
                }
                Err(error) => self.backoff.handle_failure(error, &self.place).await?,
            }
        }
    }
}

#[derive(Debug)]
struct Place(Vec<SocketAddr>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, address) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

/// What to bind, in order, and whether the machine may lack it.
async fn addresses(bind: &Bind, port: u16) -> io::Result<Vec<(SocketAddr, Need)>> {
    let both = |v4: Ipv4Addr, v6: Ipv6Addr| {
        vec![((v4, port).into(), Need::IfPresent), ((v6, port).into(), Need::IfPresent)]
    };
    match bind {
        Bind::Default | Bind::Localhost => Ok(both(Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST)),
        Bind::All => Ok(both(Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED)),
        Bind::Host(host) => {
            let mut found: Vec<_> = lookup_host((host.as_str(), port)).await?.collect();
            // The system's table of hosts may have an address twice.
            found.sort_by_key(SocketAddr::is_ipv6);
            found.dedup();
            Ok(found.into_iter().map(|address| (address, Need::Always)).collect())
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Always,
    IfPresent,
}

/// Binds all addresses. A port of the system's choice that is drawn for one family and taken in
/// the other is drawn again.
fn draw(addresses: &[(SocketAddr, Need)]) -> Result<Vec<TcpListener>, Unavailable> {
    let chosen = addresses.first().is_some_and(|(address, _)| address.port() == 0);
    let mut draws = 0;
    loop {
        draws += 1;
        match bind_all(addresses) {
            Err(it) if chosen && draws < DRAWS && it.cause.kind() == ErrorKind::AddrInUse => {}
            other => return other,
        }
    }
}

/// Binds all addresses. Where the first has port 0, the others get the port that it got.
fn bind_all(addresses: &[(SocketAddr, Need)]) -> Result<Vec<TcpListener>, Unavailable> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    for (address, need) in addresses {
        let mut address = *address;
        if let Some(first) = sockets.first().and_then(|first| first.local_addr().ok()) {
            address.set_port(first.port());
        }
        match bind_one(address) {
            Ok(socket) => sockets.push(socket),
            Err(error) if *need == Need::IfPresent && lacks_family(&error) => {
                tracing::debug!(%address, %error, "the machine lacks this address family");
            }
            Err(cause) => return Err(Unavailable { place: address.to_string(), cause }),
        }
    }
    Ok(sockets)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket_for(address)?;
    socket.bind(&address.into())?;
    stream::set_options(&SockRef::from(&socket))?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// A socket for this kind of address, not yet bound.
fn socket_for(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Not to wait for old connections of this port; on Unix it lets nobody share the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn lacks_family(error: &io::Error) -> bool {
    let lacking = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL, Errno::PROTONOSUPPORT];
    Errno::from_io_error(error).is_some_and(|errno| lacking.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_comes_with_all_options_of_a_stream() {
        let mut listener = Listener::bind(&Bind::Localhost, 0).await.unwrap();
        let program = TcpStream::connect(listener.addresses()[0]).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let socket = stream.socket();
        assert_eq!(socket.linger().unwrap(), Some(std::time::Duration::ZERO));
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        drop(program);
    }

    #[tokio::test]
    async fn localhost_is_both_families_with_one_port() {
        let listener = Listener::bind(&Bind::Localhost, 0).await.unwrap();
        let [v4, v6] = listener.addresses() else {
            panic!("needs IPv4 and IPv6 on the loopback interface: {:?}", listener.addresses())
        };
        assert!(v4.is_ipv4() && v6.is_ipv6() && v4.port() == v6.port() && v4.port() != 0);
    }

    #[test]
    fn all_addresses_of_one_family_are_none_of_the_other() {
        let socket = socket_for((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
        assert!(socket.only_v6().unwrap());
    }

    #[tokio::test]
    async fn connections_of_all_addresses_come() {
        let mut listener = Listener::bind(&Bind::Localhost, 0).await.unwrap();
        for address in listener.addresses().to_vec() {
            let client = TcpStream::connect(address).await.unwrap();
            let (stream, origin) = listener.accept().await.unwrap();
            assert_eq!(origin, Origin::Tcp(client.local_addr().unwrap()));
            drop(stream);
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_in_one_family_is_taken() {
        let other = TcpListener::bind("[::1]:0").await.unwrap();
        let port = other.local_addr().unwrap().port();
        let error = Listener::bind(&Bind::Localhost, port).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on [::1]:{port}: {}", error.cause));
        assert_eq!(error.cause.kind(), ErrorKind::AddrInUse);
        assert!(error.hint().unwrap().contains("another port"));
    }

    #[tokio::test]
    async fn just_the_named_addresses_are_bound_and_kept() {
        let addresses = [IpAddr::from([127, 0, 0, 1]), [127, 0, 0, 2].into()];
        let mut listener = Listener::bind_addresses(&addresses, 0).unwrap();
        let port = listener.port();
        assert_eq!(listener.to_string(), format!("127.0.0.1:{port}, 127.0.0.2:{port}"));
        listener.retain(&addresses[1..]);
        assert!(TcpStream::connect((addresses[0], port)).await.is_err());
        assert!(TcpStream::connect((addresses[1], port)).await.is_ok());
    }

    #[tokio::test]
    async fn an_address_that_is_named_and_lacking_is_an_error() {
        let addresses = [IpAddr::from([127, 0, 0, 1]), [192, 0, 2, 1].into()];
        let error = Listener::bind_addresses(&addresses, 0).unwrap_err();
        assert_eq!(error.cause.kind(), ErrorKind::AddrNotAvailable);
        assert!(Listener::bind_addresses(&[], 7).is_err());
    }

    #[tokio::test]
    async fn an_address_of_another_machine_cannot_be_listened_on() {
        let bind = Bind::Host("192.0.2.1".to_owned());
        let error = Listener::bind(&bind, 0).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot listen on 192.0.2.1:0: "), "{error}");
        assert!(error.hint().unwrap().contains("no interface"));
    }
}
