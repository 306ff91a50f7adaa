//! A small HTTP service to show a tunnel with, and the client that fetches from it.
//!
//! It knows GET, one request a connection, and answers with as many bytes as the path says.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The longest head of a request or an answer.
const MAX_HEAD: u64 = 16 * 1024;

/// What the service sends over and over: text, so that a look at it shows what it is.
const LINE: &[u8] = b"the quick brown fox jumps over the lazy dog and carries on digging.\n";

/// Serves until it is dropped.
///
/// # Errors
/// Where no connection can be accepted any more.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = answer(stream).await {
                tracing::debug!(%error, "a request was not answered");
            }
        });
    }
}

async fn answer(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let head = head(&mut stream).await?;
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    match path.strip_prefix("/bytes/").and_then(|digits| digits.parse().ok()) {
        Some(length) => {
            start(&mut stream, "200 OK", length).await?;
            fill(&mut stream, length).await?;
        }
        None if path == "/" => {
            let text = "hello through the tunnel\n";
            start(&mut stream, "200 OK", len(text.len())).await?;
            stream.write_all(text.as_bytes()).await?;
        }
        None => start(&mut stream, "404 Not Found", 0).await?,
    }
    stream.shutdown().await
}

async fn start(
    stream: &mut (impl AsyncWrite + Unpin),
    status: &str,
    length: u64,
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await
}

async fn fill(stream: &mut (impl AsyncWrite + Unpin), mut length: u64) -> io::Result<()> {
    let block = LINE.repeat(1024);
    while length > 0 {
        let part = usize::try_from(length).unwrap_or(usize::MAX).min(block.len());
        stream.write_all(block.get(..part).unwrap_or_default()).await?;
        length -= len(part);
    }
    Ok(())
}

/// Fetches `path` from the service at `address`, tells how much has come as it comes, and
/// yields how much came in all.
///
/// # Errors
/// Where the connection fails, the answer is no success, or it is shorter than it said.
pub(crate) async fn fetch(
    address: SocketAddr,
    path: &str,
    mut progress: impl FnMut(u64),
) -> io::Result<u64> {
    let stream = TcpStream::connect(address).await?;
    let mut stream = BufReader::with_capacity(256 * 1024, stream);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let expected = content_length(&head(&mut stream).await?)?;
    let mut received = 0;
    while received < expected {
        let part = stream.fill_buf().await?.len();
        if part == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        stream.consume(part);
        received += len(part);
        progress(received);
    }
    Ok(received)
}

/// The lines up to the first empty one.
async fn head(stream: &mut (impl AsyncRead + AsyncBufReadExt + Unpin)) -> io::Result<String> {
    let mut head = String::new();
    let mut limited = stream.take(MAX_HEAD);
    loop {
        let start = head.len();
        limited.read_line(&mut head).await?;
        match head.get(start..).map(str::trim_end) {
            Some("") if head.ends_with('\n') => return Ok(head),
            Some(_) if head.ends_with('\n') => {}
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn content_length(head: &str) -> io::Result<u64> {
    if !head.starts_with("HTTP/1.1 200 ") {
        let status = head.lines().next().unwrap_or_default();
        return Err(io::Error::other(format!("the service answered \"{status}\"")));
    }
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn len(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fetched(path: &str) -> io::Result<u64> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let service = tokio::spawn(serve(listener));
        let fetched = fetch(address, path, |_| {}).await;
        service.abort();
        fetched
    }

    #[tokio::test]
    async fn as_much_is_fetched_as_was_asked_for() {
        for length in [0, 1, 1_000_003] {
            assert_eq!(fetched(&format!("/bytes/{length}")).await.unwrap(), length);
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_an_error() {
        let error = fetched("/nothing").await.unwrap_err();
        assert!(error.to_string().contains("404"), "{error}");
    }
}
