//! How a proxy is asked over HTTP.

use crate::connect::{self, Request, Response, Status};
use crate::conversation::Conversation;
use crate::credentials::Credentials;
use crate::stream::Stream;
use crate::upstream::error::Fault;

/// Most responses that may come before the one that counts.
const INTERIM: usize = 8;

/// Asks a proxy for a target, with a login if there is one.
pub(super) async fn ask<S: Stream>(
    talk: &mut Conversation<S>,
    host: &str,
    port: u16,
    credentials: Option<&Credentials>,
) -> Result<(), Fault> {
    let request = Request { host: host.to_owned(), port, credentials: credentials.cloned() };
    let request = request.encode().map_err(|fault| match fault {
        connect::Fault::User => Fault::Credentials,
        _ => Fault::Target,
    })?;
    talk.say(&request).await?;
    let mut response = talk.hear(Response::parse).await?;
    for _ in 0..INTERIM {
        if !response.status.is_interim() {
            break;
        }
        response = talk.hear(Response::parse).await?;
    }
    match (response.status, credentials) {
        (status, _) if status.is_success() => Ok(()),
        (Status::LOGIN_REQUIRED, None) => Err(Fault::LoginNeeded),
        (Status::LOGIN_REQUIRED, Some(_)) => Err(Fault::LoginWrong),
        _ => Err(Fault::Http(response)),
    }
}
