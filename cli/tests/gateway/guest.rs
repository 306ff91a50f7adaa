//! Who logs in to a gateway and then says whatever he likes.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use adit_tests::message::channel_open::Kind;
use adit_tests::raw::{Agreed, Raw, loopback};
use adit_tests::visitor::Visitor;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::house::{Gateway, House};

pub(crate) type Guest = Raw<TcpStream>;

/// How long a test may take that should be over in seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether a guest has room for what he does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    AsUsual,
    Little,
}

/// Connects from this address of loopback.
pub(crate) async fn connect(
    gateway: &Gateway,
    from: Ipv4Addr,
    room: Room,
) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if room == Room::Little {
        socket.set_recv_buffer_size(4096)?;
    }
    socket.bind((from, 0).into())?;
    socket.connect(gateway.address).await
}

/// `ann`, from this address of loopback. `None` where she is not let in.
pub(crate) async fn arrive(
    house: &House,
    gateway: &Gateway,
    from: Ipv4Addr,
    room: Room,
) -> Option<Guest> {
    let stream = connect(gateway, from, room).await.ok()?;
    let visitor = Visitor::new(&house.at().join("ann"), None);
    visitor.connect(stream, "ann").await.ok().map(Raw::new)
}

/// `ann`, with nothing special about her.
pub(crate) async fn ann(house: &House, gateway: &Gateway) -> Guest {
    arrive(house, gateway, Ipv4Addr::LOCALHOST, Room::AsUsual).await.unwrap()
}

/// Opens a tunnel to an echo, and sees that it works.
pub(crate) async fn tunnel(guest: &mut Guest, ours: u32, target: SocketAddr) -> Agreed {
    let kind = Kind::DirectTcpip(loopback(target.port()));
    let channel = guest.open(ours, kind).await.unwrap();
    guest.echo(channel, b"is it there").await;
    channel
}

/// Runs this, but not for ever.
pub(crate) async fn bounded<T>(test: impl Future<Output = T>) -> T {
    timeout(PATIENCE, test).await.unwrap_or_else(|_| panic!("it hangs"))
}
