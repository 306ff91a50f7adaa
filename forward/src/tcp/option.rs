//! Options of sockets that change while a connection runs, on the systems that have them.

use tokio::net::TcpStream;

/// Whether [`tell_of`] does what it says, so that nothing waits for ever for the rest of much.
pub(super) fn can_gather() -> bool {
    #[cfg(target_os = "linux")]
    return *low_water::IS_TOLD;
    #[cfg(not(target_os = "linux"))]
    false
}

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
    use std::sync::LazyLock;

    use nix::libc;
    use nix::sys::socket::sockopt::SetUsize;

    #[derive(Clone)]
    pub(super) struct Mark;

    nix::setsockopt_impl!(Mark, libc::SOL_SOCKET, libc::SO_RCVLOWAT, usize, SetUsize);

    /// Whether the system tells at once of what is there already when the mark is lowered.
    pub(super) static IS_TOLD: LazyLock<bool> =
        LazyLock::new(|| rustix::system::uname().release().to_str().is_ok_and(is_told_by));

    /// Linux does since 4.18 (`tcp_set_rcvlowat`).
    fn is_told_by(release: &str) -> bool {
        let mut numbers = release.split(['.', '-']).map_while(|it| it.parse::<u32>().ok());
        numbers.next().zip(numbers.next()).is_some_and(|version| version >= (4, 18))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_low_water_mark_is_relied_on_since_linux_4_18() {
            for release in ["4.18.0-553.el8_10.x86_64", "5.4", "6.1.0-28-amd64", "10.0-rc1"] {
                assert!(is_told_by(release), "{release}");
            }
            for release in ["3.10.0-1160.el7.x86_64", "4.17.19", "4.9-rt", "4", "later", ""] {
                assert!(!is_told_by(release), "{release}");
            }
        }
    }
}
