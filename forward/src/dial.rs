//! The far end of a tunnel: what makes connections.

use std::sync::Arc;

use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::stream::Stream;
use crate::target::Target;

/// The far end of a tunnel, where connections go to: sockets of this machine, or channels of
/// an SSH session.
pub trait Dial: Send + Sync + 'static {
    /// What is reached.
    type Stream: Stream;

    /// Connects to a target for somebody.
    ///
    /// # Errors
    /// [`Refusal`], with the cause.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the try.
    fn dial(
        &self,
        target: &Target,
        origin: &Origin,
    ) -> impl Future<Output = Result<Self::Stream, Refusal>> + Send;
}

/// Several tunnels share a dialer.
impl<D: Dial> Dial for Arc<D> {
    type Stream = D::Stream;

    fn dial(
        &self,
        target: &Target,
        origin: &Origin,
    ) -> impl Future<Output = Result<Self::Stream, Refusal>> + Send {
        D::dial(self, target, origin)
    }
}
