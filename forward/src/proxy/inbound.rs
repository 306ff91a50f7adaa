//! A connection to the proxy.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::conversation::Conversation;
use crate::early::Early;
use crate::listen;
use crate::origin::Origin;
use crate::proxy::access::Access;
use crate::proxy::fault::Fault;
use crate::proxy::protocol::Protocol;
use crate::proxy::rejection::Rejection;
use crate::proxy::{http, socks};
use crate::refusal::Refusal;
use crate::stream::Stream;
use crate::target::Target;

/// What all connections of a proxy share.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) access: Arc<Access>,
    /// How long a connection may take to say where it wants to go.
    pub(super) patience: Duration,
}

/// A connection to a [proxy](crate::proxy::Proxy).
///
/// ```text
///  4: request ------------------------.
///  5: greeting [, login], request ----+--> target --> granted --> tunnel
///  a letter: CONNECT -----------------'            |
///     |            |                             refused
///     |            '--> not understood -----.       |
///     |                                     '-------+--> told, then ended so that it is read
///     '--> neither: reset
/// ```
#[derive(Debug)]
pub struct Inbound<S> {
    talk: Conversation<S>,
    origin: Origin,
    terms: Terms,
    /// What the client speaks, once it has said where it wants to go.
    protocol: Option<Protocol>,
}

impl<S: Stream> Inbound<S> {
    pub(super) fn new(stream: S, origin: Origin, terms: Terms) -> Self {
        Self { talk: Conversation::new(stream), origin, terms, protocol: None }
    }

    async fn hear(&mut self) -> Result<Target, Rejection> {
        let (talk, access) = (&mut self.talk, &self.terms.access);
        let first = talk.peek().await?;
        let protocol = Protocol::of(first).map_err(Rejection::Untold)?;
        let target = match protocol {
            Protocol::Socks4 => socks::version_4(talk, access).await?,
            Protocol::Socks5 => socks::version_5(talk, access).await?,
            Protocol::Http => http::connect(talk, access).await?,
        };
        self.protocol = Some(protocol);
        Ok(target)
    }
}

impl<S: Stream> listen::Inbound for Inbound<S> {
    type Stream = Early<S>;

    async fn target(&mut self) -> io::Result<(Target, Origin)> {
        match timeout(self.terms.patience, self.hear()).await {
            Ok(Ok(target)) => Ok((target, self.origin.clone())),
            Ok(Err(Rejection::Lost(error))) => Err(error),
            Ok(Err(Rejection::Untold(fault))) => Err(io::Error::new(ErrorKind::InvalidData, fault)),
            Ok(Err(Rejection::Told(words, fault))) => {
                self.talk.end(&words).await;
                Err(io::Error::new(ErrorKind::InvalidData, fault))
            }
            Err(_) => Err(io::Error::new(ErrorKind::TimedOut, Fault::Silent)),
        }
    }

    async fn accept(mut self) -> io::Result<Early<S>> {
        // Who has not said where to go waits for no answer.
        if let Some(protocol) = self.protocol {
            self.talk.say(&protocol.granted()).await?;
        }
        Ok(self.talk.into_stream())
    }

    async fn refuse(mut self, why: Refusal) {
        if let Some(protocol) = self.protocol {
            self.talk.end(&protocol.refused(&why)).await;
        }
    }
}
