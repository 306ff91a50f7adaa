//! Services behind a tunnel.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;

/// A service on a port of loopback, that deals with each connection by `serve`.
pub(crate) fn service(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// Sends back what it gets, and when its client has ended, these words.
pub(crate) fn echo(last: &'static [u8]) -> SocketAddr {
    service(move |mut stream| {
        std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
        stream.write_all(last).unwrap();
    })
}

/// Says this and ends, without waiting for anything.
pub(crate) fn speaker(words: &'static [u8]) -> SocketAddr {
    service(move |mut stream| stream.write_all(words).unwrap())
}

/// Says this, and resets the connection once it has got a byte.
pub(crate) fn resetter(words: &'static [u8]) -> SocketAddr {
    service(move |mut stream| {
        stream.write_all(words).unwrap();
        stream.read_exact(&mut [0]).unwrap();
        rustix::net::sockopt::set_socket_linger(stream.as_fd(), Some(std::time::Duration::ZERO))
            .unwrap();
    })
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

/// Takes connections and says nothing, ever.
pub(crate) fn silence() -> SocketAddr {
    service(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
        let _ = stream.shutdown(Shutdown::Both);
    })
}
