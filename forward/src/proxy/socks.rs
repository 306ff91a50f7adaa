//! How a client of SOCKS says where it wants to go.

use crate::conversation::Conversation;
use crate::proxy::access::Access;
use crate::proxy::fault::Fault;
use crate::proxy::rejection::Rejection;
use crate::socks4;
use crate::socks5::{Choice, Command, Greeting, Login, Method, Reply, Request, Verdict};
use crate::stream::Stream;
use crate::target::Target;

/// Hears a request of SOCKS4.
pub(super) async fn version_4<S: Stream>(
    talk: &mut Conversation<S>,
    access: &Access,
) -> Result<Target, Rejection> {
    let rejected = socks4::Reply::Rejected.encode();
    let request = talk.hear(socks4::Request::parse).await;
    let request = request.map_err(|unheard| Rejection::of(unheard, |_| rejected))?;
    if !access.admits(None) {
        return Err(Rejection::Told(rejected.into(), Fault::NoPasswords));
    }
    match request.command {
        socks4::Command::Connect => Ok(Target::Tcp { host: request.host, port: request.port }),
        socks4::Command::Bind => Err(Rejection::Told(rejected.into(), Fault::Command)),
    }
}

/// Lets a client of SOCKS5 log in, and hears its request.
pub(super) async fn version_5<S: Stream>(
    talk: &mut Conversation<S>,
    access: &Access,
) -> Result<Target, Rejection> {
    log_in(talk, access).await?;
    let request = talk.hear(Request::parse).await;
    let request =
        request.map_err(|unheard| Rejection::of(unheard, |fault| Reply::from(fault).encode()))?;
    match request.command {
        Command::Connect => Ok(Target::Tcp { host: request.host, port: request.port }),
        Command::Bind | Command::UdpAssociate => {
            Err(Rejection::Told(Reply::COMMAND.encode().into(), Fault::Command))
        }
    }
}

async fn log_in<S: Stream>(talk: &mut Conversation<S>, access: &Access) -> Result<(), Rejection> {
    let unacceptable = Choice(Method::UNACCEPTABLE).encode();
    let greeting = talk.hear(Greeting::parse).await;
    let greeting = greeting.map_err(|unheard| Rejection::of(unheard, |_| unacceptable))?;
    let method = access.choose(&greeting.methods);
    if method == Method::UNACCEPTABLE {
        return Err(Rejection::Told(unacceptable.into(), Fault::Method));
    }
    talk.say(&Choice(method).encode()).await?;
    if method == Method::OPEN {
        return Ok(());
    }
    let wrong = Verdict::Wrong.encode();
    let login = talk.hear(Login::parse).await;
    let Login(credentials) = login.map_err(|unheard| Rejection::of(unheard, |_| wrong))?;
    if !access.admits(Some(&credentials)) {
        return Err(Rejection::Told(wrong.into(), Fault::Login));
    }
    Ok(talk.say(&Verdict::Right.encode()).await?)
}
