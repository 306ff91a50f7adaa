//! Who decides what a session may do.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use adit_channels::channel_request::X11;

use crate::environment::Environment;
use crate::exit::Exit;
use crate::job::{Job, Wish};

/// Who decides what the sessions of one connection may do, and as whom their programs run.
///
/// All futures are dropped where the channel is closed before they are done.
pub trait Host: Send + Sync + 'static {
    /// Who keeps account of a program.
    type Record: Record;

    /// Whether there may be a terminal, `pty-req`.
    ///
    /// # Errors
    /// [`Denied`].
    fn terminal(&self) -> impl Future<Output = Result<(), Denied>> + Send;

    /// Whether the client may set this variable, `env`.
    fn accepts(&self, name: &[u8]) -> bool;

    /// Whether the client knows `eow@openssh.com`, by which it is told that its program reads no
    /// more. Others may take offence at it.
    fn hears_eow(&self) -> bool;

    /// What the client's agent can be reached by, `auth-agent-req@openssh.com`.
    ///
    /// # Errors
    /// [`Denied`].
    fn agent(&self) -> impl Future<Output = Result<Addition, Denied>> + Send;

    /// What the client's display can be reached by, `x11-req`.
    ///
    /// # Errors
    /// [`Denied`].
    fn display(&self, asked: &X11) -> impl Future<Output = Result<Addition, Denied>> + Send;

    /// What is to be run, `shell`, `exec` and `subsystem`.
    ///
    /// # Errors
    /// [`Denied`].
    fn job(&self, wish: &Wish) -> impl Future<Output = Result<(Job, Self::Record), Denied>> + Send;
}

/// Who keeps account of one program. It is dropped when the session has ended.
pub trait Record: Send + 'static {
    /// Bytes have come from the client. Says how long to wait before more are taken.
    fn received(&mut self, bytes: usize) -> Duration;

    /// Bytes have gone to the client. Says how long to wait before more are sent.
    fn sent(&mut self, bytes: usize) -> Duration;

    /// The program has ended.
    fn exited(&mut self, exit: &Exit);

    /// It could not be started, or was broken off.
    fn failed(&mut self, why: &str);
}

/// What comes to a session by something that is forwarded: variables by which programs find it, and
/// what keeps it there, which is dropped when the session ends.
pub struct Addition {
    /// The variables.
    pub environment: Environment,
    /// What keeps it.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Addition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Addition").finish_non_exhaustive()
    }
}

/// Why something may not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is refused, and the client may be told why.
    #[error("{0}")]
    Refused(String),
    /// It is allowed, and cannot be, for a reason that the user has to know: the account is locked
    /// for instance. It is told as the output of a program that failed, as sshd does.
    #[error("{0}")]
    Failed(String),
}
