//! X11 forwarding: which display programs at the server may use, and by which secret.
//!
//! The server is told a cookie that is made up for the session; that of the display stays here, see
//! [`adit_forward::x11`].

use std::time::Duration;

use adit_channels::channel_request::X11;
use adit_forward::channel::Routes;
use adit_forward::relay::{Limits, relay};
use adit_forward::x11::cookie::{self, Cookie};
use adit_forward::x11::{self, Connections, Dialer, Displays, Permit, Shown};
use adit_transport::provider;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::failure::{Exit, Failure};
use crate::x11::wish::{Trust, Wish};
use crate::x11::xauth::Xauth;

pub(crate) mod wish;
mod xauth;

/// How much longer the display knows an untrusted cookie than connections are taken: where it does
/// not know a cookie, it may let in all that this user runs.
const SLACK: Duration = Duration::from_secs(60);

/// The displays that the server of a connection may show windows on. None is until
/// [`show`](Self::show).
#[derive(Debug)]
pub(crate) struct Gallery {
    displays: Displays,
    relay: JoinHandle<std::io::Result<()>>,
}

/// A display that the server may show windows on, until this is dropped.
#[derive(Debug)]
pub(crate) struct Exhibit {
    /// What the server is to be asked.
    pub(crate) request: X11,
    _permit: Permit,
}

impl Gallery {
    /// One for the connection that has these routes.
    pub(crate) fn open(routes: &Routes) -> Self {
        let (listener, displays) = x11::Listener::new(routes);
        let relay = tokio::spawn(relay(listener, Dialer::default(), Limits::default()));
        Self { displays, relay }
    }

    /// Lets the server show windows on a display, as the user wishes.
    ///
    /// # Errors
    /// Where it must not be: there is no secret that shuts untrusted programs out of the rest.
    pub(crate) async fn show(&self, wish: &Wish) -> Result<Exhibit, Failure> {
        // The time runs from before the display begins to count.
        let begun = Instant::now();
        let real = match (&wish.trust, Xauth::find(&wish.xauth)) {
            (Trust::Full, Some(xauth)) => xauth.list(&wish.display).await,
            (Trust::Limited(time), Some(xauth)) => {
                let time = time.map(|it| it.saturating_add(SLACK));
                xauth.generate(&wish.display, time).await
            }
            (_, None) => None,
        };
        let real = match (real, &wish.trust) {
            (Some(real), _) => real,
            (None, Trust::Full) => {
                // The display may let this user in for another reason; it pays no heed to the cookie.
                Failure::new(Exit::Other, "xauth has no cookie of the display; one is made up")
                    .warn();
                made_up()?
            }
            (None, Trust::Limited(_)) => {
                let message = "X11 is not forwarded: xauth makes no cookie for untrusted programs";
                return Err(Failure::new(Exit::Other, message)
                    .hint("where the server is trusted with all that the display shows, use -Y"));
            }
        };
        let announced = made_up()?;
        let until = match wish.trust {
            Trust::Limited(Some(time)) => begun.checked_add(time),
            _ => None,
        };
        let request = X11 {
            single_connection: false,
            protocol: cookie::PROTOCOL.to_owned(),
            cookie: announced.to_hex().to_string(),
            screen: wish.display.screen(),
        };
        let target = wish.display.target().clone();
        let shown = Shown { announced, real, target, until, connections: Connections::Any };
        Ok(Exhibit { request, _permit: self.displays.show(shown) })
    }
}

impl Drop for Gallery {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// A cookie that nobody knows.
fn made_up() -> Result<Cookie, Failure> {
    let mut bytes = [0; cookie::LEN];
    let filled = provider::default().random.fill(&mut bytes);
    filled.map_err(|error| Failure::new(Exit::Other, format!("no randomness: {error}")))?;
    let cookie = Cookie::new(bytes);
    zeroize::Zeroize::zeroize(&mut bytes);
    Ok(cookie)
}
