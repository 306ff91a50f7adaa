//! What an SSH connection runs on.

use adit_forward::stream;

/// What an SSH connection runs on: a socket, a proxy, a command or a channel. Dropped, it ends
/// behind all that was written, since an SSH connection says itself how it ends.
pub(crate) type Stream = Box<dyn stream::Stream>;
