//! What is said on a stream before it carries anything.

mod buffer;

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::conversation::buffer::Buffer;
use crate::early::Early;
use crate::stream::Stream;

/// Most bytes that are kept while they are not understood.
const LONGEST: usize = 16 * 1024;
/// Most bytes that are taken from the other side while it is let go.
const UNREAD: usize = 256 * 1024;
/// How long the other side may take to go.
const FAREWELL: Duration = Duration::from_secs(5);

/// What is said on a stream before it carries anything, with either side in turn.
#[derive(Debug)]
pub(crate) struct Conversation<S> {
    stream: S,
    heard: Buffer,
}

impl<S: Stream> Conversation<S> {
    /// Begins one. There is no time limit; put one around it.
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, heard: Buffer::new(LONGEST) }
    }

    /// The first byte that was not heard so far. It remains to be heard.
    pub(crate) async fn peek(&mut self) -> io::Result<u8> {
        loop {
            if let Some(first) = self.heard.bytes().first() {
                return Ok(*first);
            }
            self.listen().await?;
        }
    }

    /// Hears one message. What comes behind it remains to be heard.
    ///
    /// # Errors
    /// [`Unheard`], where there is none.
    pub(crate) async fn hear<T, F>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, F>,
    ) -> Result<T, Unheard<F>> {
        loop {
            if let Some((message, used)) = parse(self.heard.bytes()).map_err(Unheard::Wrong)? {
                self.heard.take(used);
                return Ok(message);
            }
            self.listen().await.map_err(Unheard::Lost)?;
        }
    }

    /// Says something.
    pub(crate) async fn say(&mut self, words: &[u8]) -> io::Result<()> {
        self.stream.write_all(words).await?;
        self.stream.flush().await
    }

    /// Ends with some last words, so that they can be read: the stream is ended and not
    /// reset, and what the other side still sends is taken, for a while and to an extent.
    pub(crate) async fn end(&mut self, words: &[u8]) {
        let farewell = async {
            self.say(words).await?;
            self.stream.shutdown().await?;
            let mut unread = (&mut self.stream).take(u64::try_from(UNREAD).unwrap_or(u64::MAX));
            tokio::io::copy(&mut unread, &mut tokio::io::sink()).await
        };
        match timeout(FAREWELL, farewell).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the last words may not have been heard"),
            Err(_) => tracing::debug!("the other side does not go"),
        }
    }

    /// What the stream carries from now on.
    pub(crate) fn into_stream(self) -> Early<S> {
        Early::new(Bytes::copy_from_slice(self.heard.bytes()), self.stream)
    }

    async fn listen(&mut self) -> io::Result<()> {
        let Some(mut room) = self.heard.room() else {
            return Err(io::Error::new(ErrorKind::InvalidData, "the message has no end"));
        };
        match self.stream.read_buf(&mut room).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// A message was not heard.
#[derive(Debug)]
pub(crate) enum Unheard<F> {
    /// The other side is gone.
    Lost(io::Error),
    /// What it said is not what it should say.
    Wrong(F),
}
