//! A service that sends back what it gets.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts a service on a port of loopback that sends back what it gets, and yields its address. It
/// has a task for each connection, of the runtime that this is called in, and ends with it.
///
/// # Errors
/// Where no port can be had.
pub async fn echo() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(send_back(stream));
        }
    });
    Ok(address)
}

/// Sends back what comes until it ends, with a small buffer, since there may be very many.
async fn send_back(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let len = stream.read(&mut buffer).await?;
        if len == 0 {
            return Ok(());
        }
        stream.write_all(buffer.get(..len).unwrap_or_default()).await?;
    }
}
