//! Options of sockets that change while a connection runs, on the systems that have them.

use tokio::net::TcpStream;

/// Whether [`tell_of`] does what it says.
pub(super) const CAN_GATHER: bool = cfg!(target_os = "linux");

/// Acknowledges what was read without delay (`TCP_QUICKACK`). The system forgets that soon, so it
/// is told each time.
pub(super) fn acknowledge(socket: &TcpStream) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket.set_quickack(true) {
        tracing::debug!(%error, "cannot acknowledge at once");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}

/// Limits what the system holds and has not sent for the first time (`TCP_NOTSENT_LOWAT`).
pub(super) fn limit_unsent(socket: &TcpStream, limit: u32) {
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(socket).set_tcp_notsent_lowat(limit) {
        tracing::debug!(%error, limit, "what is not sent yet cannot be limited");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, limit);
}

/// Has the system tell of what has come when there are `much` bytes of it (`SO_RCVLOWAT`), or the
/// stream has ended. What is there already is told of at once if it is that much.
pub(super) fn tell_of(socket: &TcpStream, much: usize) {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::socket::setsockopt(socket, low_water::Mark, &much) {
        tracing::debug!(%error, much, "cannot be told of much only");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, much);
}

#[cfg(target_os = "linux")]
mod low_water {
    use nix::libc;
    use nix::sys::socket::sockopt::SetUsize;

    #[derive(Clone)]
    pub(super) struct Mark;

    nix::setsockopt_impl!(Mark, libc::SOL_SOCKET, libc::SO_RCVLOWAT, usize, SetUsize);
}
