//! The near end of a tunnel: what asks for connections.

use std::io;

use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::stream::Stream;
use crate::target::Target;

/// The near end of a tunnel, where connections come from: a port and a fixed target, a
/// proxy, the channels that an SSH peer opens.
pub trait Listen: Send {
    /// What comes.
    type Inbound: Inbound;

    /// The next connection.
    ///
    /// What passes is dealt with here; who calls this need not wait before the next call.
    ///
    /// # Errors
    /// Where no connection can come any more.
    ///
    /// # Cancel safety
    /// A connection is not lost by dropping the future.
    fn next(&mut self) -> impl Future<Output = io::Result<Self::Inbound>> + Send;
}

/// A connection that came and has not been answered.
///
/// One that is dropped is refused without a reason.
pub trait Inbound: Send + 'static {
    /// What it becomes.
    type Stream: Stream;

    /// Where it is to go, and who asks. A proxy reads its client's request here.
    ///
    /// # Errors
    /// Where that cannot be learned: the client is gone, or does not speak the protocol. It
    /// has been told so where the protocol can; the connection is only good for dropping.
    fn target(&mut self) -> impl Future<Output = io::Result<(Target, Origin)>> + Send;

    /// Tells the one who asks that the target was reached.
    ///
    /// # Errors
    /// Where the one who asked is gone.
    fn accept(self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Tells the one who asks that the target was not reached, as exactly as the protocol
    /// can; where it cannot, the connection is reset.
    fn refuse(self, why: Refusal) -> impl Future<Output = ()> + Send;
}
