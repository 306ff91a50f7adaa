//! What a peer may have listened on.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::flow::Observe;
use crate::target::Target;
use crate::unix::Existing;

/// Decides what a peer may have listened on.
pub trait Permit: Send + Sync + 'static {
    /// Whether it may be listened at the place that the peer names, and where that is.
    ///
    /// The host of a TCP place is what the peer says, not looked at: an address, a name, empty
    /// or `*`, as [RFC 4254 section 7.1](https://www.rfc-editor.org/rfc/rfc4254#section-7.1)
    /// has them and programs make them up. Port 0 leaves the port to the system; where that is
    /// granted this is asked again with the port that was chosen, and what the second answer
    /// does not grant is closed before anything can come.
    ///
    /// # Errors
    /// [`Denied`], with the cause.
    ///
    /// # Cancel safety
    /// The future is dropped where the session ends.
    fn permit(&self, asked: &Target) -> impl Future<Output = Result<Grant, Denied>> + Send;
}

/// Where it may be listened.
pub struct Grant {
    /// Where exactly.
    pub place: Place,
    /// Who wants to know of the connections.
    pub observer: Arc<dyn Observe>,
}

/// Where exactly to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On these addresses, with the port that was asked for. `::` is IPv6 only.
    Tcp(Vec<IpAddr>),
    /// On a Unix socket, to which only the user who runs this may connect.
    Unix {
        /// Where it is.
        path: PathBuf,
        /// What to do where something is there already.
        existing: Existing,
    },
}

/// It may not be listened there. The cause is for the log: the protocol has no words for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(pub String);

impl From<Place> for Grant {
    /// Nobody wants to know of the connections.
    fn from(place: Place) -> Self {
        Self { place, observer: Arc::new(()) }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("place", &self.place).finish_non_exhaustive()
    }
}
