//! How a proxy is asked over SOCKS5.

use crate::conversation::Conversation;
use crate::credentials::Credentials;
use crate::socks5::{Choice, Command, Greeting, Login, Method, Reply, Request, Verdict};
use crate::stream::Stream;
use crate::upstream::error::Fault;

/// Asks a proxy for a target, after a login if it wants one and there is one.
pub(super) async fn ask<S: Stream>(
    talk: &mut Conversation<S>,
    host: &str,
    port: u16,
    credentials: Option<&Credentials>,
) -> Result<(), Fault> {
    let request = Request { command: Command::Connect, host: host.to_owned(), port };
    let request = request.encode().map_err(|_| Fault::Target)?;
    log_in(talk, credentials).await?;
    talk.say(&request).await?;
    match talk.hear(Reply::parse).await? {
        Reply::SUCCEEDED => Ok(()),
        reply => Err(Fault::Socks(reply)),
    }
}

async fn log_in<S: Stream>(
    talk: &mut Conversation<S>,
    credentials: Option<&Credentials>,
) -> Result<(), Fault> {
    let mut methods = vec![Method::OPEN];
    methods.extend(credentials.map(|_| Method::PASSWORD));
    talk.say(&Greeting { methods }.encode()).await?;
    match (talk.hear(Choice::parse).await?, credentials) {
        (Choice(Method::OPEN), _) => Ok(()),
        (Choice(Method::PASSWORD), Some(credentials)) => {
            let login = Login(credentials.clone()).encode().map_err(|_| Fault::Credentials)?;
            talk.say(&login).await?;
            match talk.hear(Verdict::parse).await? {
                Verdict::Right => Ok(()),
                Verdict::Wrong => Err(Fault::LoginWrong),
            }
        }
        _ => Err(Fault::LoginNeeded),
    }
}
