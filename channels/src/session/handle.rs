//! What a session is asked to do.

use std::io;

use adit_proto::message::{channel_open, global_request};
use tokio::sync::oneshot;

use crate::mux::load::Load;
use crate::mux::mux::Shortage;
use crate::mux::request::{Answer, Reply};
use crate::mux::traffic::Traffic;
use crate::session::cause::Cause;
use crate::session::channel::Channel;
use crate::session::refusal::Refusal;
use crate::session::shared::Member;
use crate::session::state::State;

/// Opens channels, asks the peer things, and ends the session. All its clones are the same.
#[derive(Debug, Clone)]
pub struct Handle {
    member: Member,
}

impl Handle {
    pub(super) fn new(member: Member) -> Self {
        Self { member }
    }

    /// Asks for a channel. The question is on its way when this returns; the future is the
    /// answer. Dropping it withdraws the question: a channel that is granted all the same is
    /// closed.
    ///
    /// # Errors
    /// Where the peer refuses, there are too many channels, or the session has ended.
    pub fn open(
        &self,
        kind: channel_open::Kind,
    ) -> impl Future<Output = Result<Channel, OpenError>> + Send + use<> {
        let asked = self.member.act(|state| {
            if let Some(cause) = state.cause() {
                return Err(OpenError::Ended(cause));
            }
            let id = state.mux.open(kind).map_err(OpenError::Shortage)?;
            let (tell, told) = oneshot::channel();
            state.waiters.add(id);
            if let Some(waiter) = state.waiters.of(id) {
                waiter.open = Some(tell);
            }
            Ok((id, told))
        });
        let member = self.member.clone();
        // From here on the channel closes itself when it is dropped.
        let asked = asked.map(|(id, told)| (Channel::new(member.clone(), id), told));
        async move {
            let (channel, told) = asked?;
            match told.await {
                Ok(Ok(())) => Ok(channel),
                Ok(Err(refusal)) => Err(OpenError::Refused(refusal)),
                Err(_) => Err(OpenError::Ended(member.lock().last_words())),
            }
        }
    }

    /// Asks something of the connection, and waits for the answer. The request is on its way
    /// when this returns; dropping the future changes nothing about that.
    ///
    /// # Errors
    /// Where the session ends before the peer has answered.
    pub fn global_request(
        &self,
        kind: global_request::Kind,
    ) -> impl Future<Output = Result<Answer, Cause>> + Send + use<> {
        let (tell, told) = oneshot::channel();
        self.member.act(|state| {
            if state.cause().is_none() {
                state.mux.global_request(kind, Reply::Wanted);
                state.answers.push_back(tell);
            }
        });
        let member = self.member.clone();
        async move {
            match told.await {
                Ok(answer) => Ok(answer),
                Err(_) => Err(member.lock().last_words()),
            }
        }
    }

    /// Asks something of the connection that wants no answer.
    pub fn notify(&self, kind: global_request::Kind) {
        self.member.act(|state| state.mux.global_request(kind, Reply::Unwanted));
    }

    /// Has keys exchanged anew, unless that is under way.
    pub fn rekey(&self) {
        self.member.act(State::want_keys);
    }

    /// Ends the session: channels are broken off, and the peer is told.
    pub fn disconnect(&self) {
        self.member.act(|state| state.leave());
    }

    /// Waits for the end of the session, and says why it ended. Cancel safe.
    pub async fn closed(&self) -> Cause {
        self.member.ended().await
    }

    /// Waits until there is no channel any more, or the session has ended: all that was written
    /// to channels that were then dropped has arrived, and the peer has closed them too. To
    /// disconnect before breaks them off. Cancel safe.
    pub async fn idle(&self) {
        self.member.idle().await;
    }

    /// What the session holds at the moment.
    pub fn load(&self) -> Load {
        self.member.lock().mux.load()
    }

    /// What the session has carried so far.
    pub fn traffic(&self) -> Traffic {
        self.member.lock().mux.traffic()
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.member.lock().cause().is_some()
    }
}

/// Why a channel could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The peer refused it.
    #[error("the peer refused the channel: {0}")]
    Refused(Refusal),
    /// There are too many here.
    #[error(transparent)]
    Shortage(Shortage),
    /// The session has ended.
    #[error(transparent)]
    Ended(Cause),
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::Refused(_) => io::ErrorKind::ConnectionRefused,
            OpenError::Shortage(_) => io::ErrorKind::QuotaExceeded,
            OpenError::Ended(_) => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, error)
    }
}
