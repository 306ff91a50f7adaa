//! The heads of HTTP's CONNECT ([RFC 9110 section
//! 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)) in HTTP/1
//! ([RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)), for both sides.
//!
//! ```text
//!  client                                           proxy
//!    Request: host, port [, credentials]  ---------->
//!                                         <----------  Response
//!    =============== bytes of the tunnel ===============
//! ```
//!
//! Each `parse` reads from what has come so far, and yields the head and how many bytes it
//! took, or nothing where more has to come first. A head is [`LONGEST`] bytes at most.
//!
//! A line may end with a bare LF: [RFC 9112 section
//! 2.2](https://www.rfc-editor.org/rfc/rfc9112#section-2.2) allows it, and as no head is
//! handed on to others there is nobody who could see another end than we do. Everything else
//! by which two readers of one head come to differ is an error: bare CR, folded lines, white
//! space before a colon, control characters, a field of ours that comes twice. What a request
//! says of the length of its content is not looked at: CONNECT has none, and all that follows
//! the head is the tunnel's.

mod authority;
mod authorization;
mod fault;
mod head;
mod request;
mod response;
mod status;

pub use crate::connect::fault::{Fault, LONGEST};
pub use crate::connect::request::Request;
pub use crate::connect::response::Response;
pub use crate::connect::status::Status;
