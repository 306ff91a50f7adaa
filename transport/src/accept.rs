//! The server's side of a connection's beginning: who is asked whether a user may come in.

use std::future::{Future, poll_fn};
use std::sync::Arc;

use adit_proto::event::{Decision, Event, LoginRequest};
use adit_proto::message::disconnect::Reason;
use adit_proto::{Connection, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::identity::private_key::PrivateKey;
use crate::link::{self, Link, now};

/// Decides who may log in.
pub trait Decide: Send {
    /// Decides on one request. Of a user that comes in, the last accepted request with proof
    /// says who it is.
    fn decide(&mut self, request: LoginRequest) -> impl Future<Output = Decision> + Send;
}

/// Exchanges keys and lets a user log in, as server. Both have deadlines: those of `config`.
///
/// `host_keys` are the private halves of the keys in `config`.
///
/// Cancel safe in that nothing is left behind: dropping the future ends the connection.
///
/// # Errors
/// Where the connection ends before the user is logged in.
pub async fn accept<S, D>(
    stream: S,
    config: &Arc<ServerConfig>,
    host_keys: Arc<[PrivateKey]>,
    decide: &mut D,
) -> Result<Link<S>, link::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    D: Decide,
{
    let connection = Connection::server(now(), config);
    let mut link = Link::new(stream, connection, host_keys);
    loop {
        match poll_fn(|cx| link.poll_event(cx)).await? {
            Event::Sign(request) => {
                if let Err(error) = link.sign(&request) {
                    link.disconnect(Reason::KEY_EXCHANGE_FAILED, "the host key cannot sign");
                    link.farewell().await;
                    return Err(error);
                }
            }
            Event::Login(request) => {
                let decision = decide.decide(request).await;
                // Where that ends the connection, the next event says why.
                let _ = link.connection().decide(now(), decision);
            }
            Event::Authenticated => return Ok(link),
            event => tracing::debug!(?event, "nothing to do"),
        }
    }
}
