//! How a client of HTTP says where it wants to go.

use crate::connect::{self, Request, Response, Status};
use crate::conversation::Conversation;
use crate::proxy::access::Access;
use crate::proxy::fault::Fault;
use crate::proxy::rejection::Rejection;
use crate::stream::Stream;
use crate::target::Target;

/// What is offered to a client that did not log in,
/// [RFC 7617 section 2](https://www.rfc-editor.org/rfc/rfc7617#section-2).
const CHALLENGE: &str = "Proxy-Authenticate: Basic realm=\"adit\", charset=\"UTF-8\"\r\n";
/// What is said with [`Status::METHOD_NOT_ALLOWED`],
/// [RFC 9110 section 15.5.6](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6).
const ALLOWED: &str = "Allow: CONNECT\r\n";

/// Hears a CONNECT request.
pub(super) async fn connect<S: Stream>(
    talk: &mut Conversation<S>,
    access: &Access,
) -> Result<Target, Rejection> {
    let request = talk.hear(Request::parse).await;
    let request = request.map_err(|unheard| Rejection::of(unheard, words))?;
    if !access.admits(request.credentials.as_ref()) {
        let response = Response::new(Status::LOGIN_REQUIRED);
        let words = response.encode(CHALLENGE, &format!("{}\n", Fault::Login));
        return Err(Rejection::Told(words, Fault::Login));
    }
    Ok(Target::Tcp { host: request.host, port: request.port })
}

fn words(fault: connect::Fault) -> Vec<u8> {
    let status = Status::from(fault);
    let fields = if status == Status::METHOD_NOT_ALLOWED { ALLOWED } else { "" };
    Response::new(status).encode(fields, &format!("{fault}\n"))
}
