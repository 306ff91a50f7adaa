//! The traffic of other programs through Secure Shell: every kind of tunnel, both of its ends.
//!
//! A tunnel is a listener and a dialer, joined. What [listens](listen::Listen) yields
//! connections that say where they want to go, what [dials](dial::Dial) gets there, and a
//! [relay](relay::Relay) joins each pair by a [pipe]. No part knows what is at the other end
//! of the tunnel, nor which side of the SSH connection it is on.
//!
//! | tunnel | listens | dials |
//! |---|---|---|
//! | local, at the client | a [socket], for a [fixed] target | the SSH peer, by a channel |
//! | local and dynamic, served | the SSH peer's channels | [sockets](socket::Dialer) |
//! | dynamic, at the client | a socket, for the target its proxy protocol names | a channel |
//! | remote, at the client | the SSH peer's channels | sockets |
//! | remote, served | a socket that the SSH peer asked for | a channel |
//! | X11, at the client | the SSH peer's channels, whose cookie is replaced | a [display](x11::Dialer) |
//! | X11, served | a [port](x11::Served) that stands for a display | a channel |
//! | agent, at the client | the SSH peer's channels | the [agent](agent::Dialer), which is told of the peer |
//! | agent, served | a [socket](agent::Socket) that stands for an agent | a channel |
//! | none: a plain relay | a [socket], for a [fixed] target | [sockets](socket::Dialer) |
//!
//! What holds for all of them:
//! - Each direction of a connection ends for itself. A reset stays a reset: nobody sees a
//!   clean end that did not happen ([`stream::Stream`] says how).
//! - A target that cannot be reached is told as a [refusal](refusal::Refusal), in the words
//!   of the protocol at hand, or as a reset where it has none.
//! - No connection waits for another one, and none that is idle costs a buffer.
//! - All ends when the relay's future is dropped, or in good order by a
//!   [signal](stop::Signal).
//!
//! The words in which users ask for tunnels are read by [`spec`].
//!
//! ```
//! use adit_forward::fixed::Fixed;
//! use adit_forward::relay::{Limits, relay};
//! use adit_forward::socket::{Dialer, Listener};
//! use adit_forward::spec::Local;
//! use adit_forward::unix::Existing;
//! use tokio::io::AsyncReadExt;
//! use tokio::net::{TcpListener, TcpStream};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TcpListener::bind("127.0.0.1:0").await?;
//! let words = format!("127.0.0.1:0:localhost:{}", server.local_addr()?.port());
//!
//! let Local { entry, target } = words.parse()?;
//! let listener = Listener::bind(&entry, Existing::Keep).await?;
//! let address = listener.to_string();
//! let tunnel = relay(Fixed::new(listener, target), Dialer::default(), Limits::default());
//!
//! let program = async {
//!     let mut app = TcpStream::connect(address).await?;
//!     let (mut visitor, _) = server.accept().await?;
//!     tokio::io::copy(&mut &b"hello"[..], &mut visitor).await?;
//!     drop(visitor);
//!     let mut heard = String::new();
//!     app.read_to_string(&mut heard).await?;
//!     assert_eq!(heard, "hello");
//!     Ok(())
//! };
//! tokio::select! {
//!     ended = tunnel => Ok(ended?),
//!     done = program => done,
//! }
//! # }
//! ```

pub mod accept;
pub mod agent;
mod buffer;
pub mod channel;
pub mod connect;
mod conversation;
pub mod credentials;
pub mod dial;
pub mod early;
pub mod entry;
mod escape;
pub mod fixed;
pub mod flow;
mod host;
pub mod listen;
pub mod origin;
pub mod pipe;
mod prefix;
pub mod proxy;
pub mod refusal;
pub mod relay;
pub mod remote;
#[cfg(test)]
mod sim;
pub mod socket;
pub mod socks4;
pub mod socks5;
pub mod spec;
pub mod stop;
pub mod stream;
pub mod target;
pub mod tcp;
pub mod unix;
pub mod upstream;
pub mod x11;
