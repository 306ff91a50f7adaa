//! The near end of a tunnel, where programs connect.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::bench::target::Request;
use crate::error::{Context, Error, Result};

/// How long a tunnel may take to say something before it counts as stuck.
const LIMIT: Duration = Duration::from_secs(30);

/// An address that leads to a target, or a proxy that has to be told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) address: SocketAddr,
    /// Where a SOCKS 5 proxy is to lead.
    pub(crate) socks: Option<SocketAddr>,
}

impl Entry {
    /// A connection through the tunnel, for which the target was told what it is for.
    pub(crate) fn connect(self, request: Request) -> Result<TcpStream> {
        self.try_connect(request).context("connect through the tunnel")
    }

    fn try_connect(self, request: Request) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        if let Some(target) = self.socks {
            ask_proxy(&mut stream, target)?;
        }
        stream.write_all(&[request.byte()])?;
        Ok(stream)
    }

    /// A connection that the target has answered.
    pub(crate) fn connect_and_hear(self, request: Request) -> Result<TcpStream> {
        let mut stream = self.connect(request)?;
        let mut byte = [0];
        stream.read_exact(&mut byte).context("hear from behind the tunnel")?;
        if byte == [request.byte()] {
            Ok(stream)
        } else {
            Err(Error::new("another byte came through the tunnel than was sent"))
        }
    }
}

/// RFC 1928: no authentication, CONNECT to an IPv4 address.
fn ask_proxy(stream: &mut TcpStream, target: SocketAddr) -> std::io::Result<()> {
    let IpAddr::V4(address) = target.ip() else {
        return Err(std::io::ErrorKind::Unsupported.into());
    };
    stream.write_all(&[5, 1, 0])?;
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting)?;
    let mut request = vec![5, 1, 0, 1];
    request.extend(address.octets());
    request.extend(target.port().to_be_bytes());
    stream.write_all(&request)?;
    let mut reply = [0; 10];
    stream.read_exact(&mut reply)?;
    match (greeting, reply) {
        ([5, 0], [5, 0, ..]) => Ok(()),
        _ => Err(std::io::Error::other("the proxy refused")),
    }
}
