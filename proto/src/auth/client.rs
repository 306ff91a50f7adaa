//! Who logs in.
//!
//! ```text
//!   Idle ---> Ready ---- authenticate ----> AwaitSignature ---- signature ----.
//!               ^ '----------------- authenticate -------------------------.  |
//!               |                                                          v  v
//!               '--- FAILURE, PK_OK, PASSWD_CHANGEREQ --------------- AwaitAnswer ---> Done
//!                                                  INFO_REQUEST |      ^
//!                                                               v      | respond
//!                                                               Asked -'
//! ```

use std::collections::VecDeque;

use bytes::Bytes;

use crate::error::{Error, Violation};
use crate::event::{Credential, Event, Invitation, SignRequest};
use crate::message::codec::Message;
use crate::message::ext_info::ExtInfo;
use crate::message::number::Number;
use crate::message::service::{CONNECTION, ServiceAccept, ServiceRequest, USERAUTH};
use crate::message::userauth::{UserauthBanner, UserauthFailure, UserauthSuccess};
use crate::message::userauth_interactive::{List, UserauthInfoRequest, UserauthInfoResponse};
use crate::message::userauth_password::UserauthPasswdChangereq;
use crate::message::userauth_publickey::UserauthPkOk;
use crate::message::userauth_request::{Method, UserauthRequest};
use crate::secret::Secret;
use crate::transport::Transport;

/// The login of a client.
#[derive(Debug)]
pub(crate) struct Login {
    user: String,
    state: State,
    service: Service,
    binding: Binding,
}

/// Whether requests by keys name the server's host key, so that they are good for no other server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binding {
    None,
    HostKey,
}

#[derive(Debug)]
enum State {
    Idle,
    Ready,
    /// The user is signing for this key.
    AwaitSignature {
        key: Bytes,
        algorithm: String,
    },
    AwaitAnswer(Tried),
    Asked {
        questions: usize,
    },
    Done,
}

/// What was tried last: it tells what message 60 means.
#[derive(Debug)]
enum Tried {
    Offer { key: Bytes, algorithm: String },
    Password,
    Interactive,
    Other,
}

/// How far the service is. Requests go out behind that for it without waiting.
#[derive(Debug, PartialEq, Eq)]
enum Service {
    Requested,
    Accepted,
}

impl Login {
    pub(crate) fn new(user: String) -> Self {
        Self { user, state: State::Idle, service: Service::Requested, binding: Binding::None }
    }

    /// Learns what the server has.
    pub(crate) fn learn(&mut self, extensions: &ExtInfo) {
        if extensions.takes_hostbound() {
            self.binding = Binding::HostKey;
        }
    }

    /// The host key that requests are bound to.
    fn host_key(&self, transport: &Transport) -> Option<Bytes> {
        match self.binding {
            Binding::HostKey => transport.exchange.host_key().cloned(),
            Binding::None => None,
        }
    }

    /// Whether the server has to answer, and not the user.
    pub(crate) fn awaits_server(&self) -> bool {
        matches!(self.state, State::AwaitAnswer(_))
    }

    /// Asks for the service.
    pub(crate) fn begin(&mut self, transport: &mut Transport) -> Result<(), Error> {
        transport.send(&ServiceRequest { service: USERAUTH.to_owned() })
    }

    /// Invites the user for the first time, once.
    pub(crate) fn invite(&mut self, events: &mut VecDeque<Event>) {
        if matches!(self.state, State::Idle) {
            self.state = State::Ready;
            events.push_back(Event::Authenticate(Invitation::First));
        }
    }

    /// Tries to log in.
    pub(crate) fn authenticate(
        &mut self,
        credential: Credential,
        transport: &mut Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        if !matches!(self.state, State::Ready | State::AwaitSignature { .. }) {
            return Err(Error::Misuse("a credential that nobody asked for"));
        }
        let (method, tried) = match credential {
            Credential::None => (Method::None, Tried::Other),
            Credential::Offer { key, algorithm } => (
                Method::PublicKey {
                    algorithm: algorithm.clone(),
                    key: key.clone(),
                    host_key: self.host_key(transport),
                    signature: None,
                },
                Tried::Offer { key, algorithm },
            ),
            Credential::PublicKey { key, algorithm } => {
                return self.ask_signature(key, algorithm, transport, events);
            }
            Credential::Password { password, new_password } => {
                (Method::Password { password, new_password }, Tried::Password)
            }
            Credential::KeyboardInteractive => (
                Method::KeyboardInteractive { language: String::new(), submethods: String::new() },
                Tried::Interactive,
            ),
        };
        self.request(method, tried, transport)
    }

    fn request(
        &mut self,
        method: Method,
        tried: Tried,
        transport: &mut Transport,
    ) -> Result<(), Error> {
        let (user, service) = (self.user.clone(), CONNECTION.to_owned());
        transport.send(&UserauthRequest { user, service, method })?;
        self.state = State::AwaitAnswer(tried);
        Ok(())
    }

    fn ask_signature(
        &mut self,
        key: Bytes,
        algorithm: String,
        transport: &Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        let session_id =
            transport.exchange.session_id().ok_or(Error::Misuse("a login before the keys"))?;
        let host_key = self.host_key(transport);
        let data = UserauthRequest::signed_data(
            session_id,
            &self.user,
            CONNECTION,
            &algorithm,
            &key,
            host_key.as_deref(),
        );
        events.push_back(Event::Sign(SignRequest {
            key: key.clone(),
            algorithm: algorithm.clone(),
            data: data.into(),
        }));
        self.state = State::AwaitSignature { key, algorithm };
        Ok(())
    }

    /// Takes the signature that was asked for.
    pub(crate) fn sign(
        &mut self,
        signature: Bytes,
        transport: &mut Transport,
    ) -> Result<(), Error> {
        let State::AwaitSignature { key, algorithm } = &self.state else {
            return Err(Error::Misuse("a signature that nobody asked for"));
        };
        let method = Method::PublicKey {
            algorithm: algorithm.clone(),
            key: key.clone(),
            host_key: self.host_key(transport),
            signature: Some(signature),
        };
        self.request(method, Tried::Other, transport)
    }

    /// Takes the answers that were asked for.
    pub(crate) fn respond(
        &mut self,
        answers: Vec<Secret>,
        transport: &mut Transport,
    ) -> Result<(), Error> {
        match self.state {
            State::Asked { questions } if questions == answers.len() => {}
            State::Asked { .. } => return Err(Error::Misuse("not an answer for each question")),
            _ => return Err(Error::Misuse("answers that nobody asked for")),
        }
        transport.send(&UserauthInfoResponse { responses: List(answers) })?;
        self.state = State::AwaitAnswer(Tried::Interactive);
        Ok(())
    }

    /// Takes a message of the login, numbers 5, 6 and 50 to 79.
    pub(crate) fn handle(
        &mut self,
        number: Number,
        payload: &Bytes,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        if number == Number::SERVICE_ACCEPT {
            return self.handle_accept(&ServiceAccept::decode(payload)?);
        }
        if self.service == Service::Requested {
            return Err(Error::Unexpected { number, during: "before it accepted the service" });
        }
        match number {
            Number::USERAUTH_BANNER => {
                let banner = UserauthBanner::decode(payload)?;
                events.push_back(Event::Banner(banner.message.sanitized()));
                Ok(())
            }
            Number::USERAUTH_FAILURE => {
                self.handle_failure(UserauthFailure::decode(payload)?, events)
            }
            Number::USERAUTH_SUCCESS => {
                UserauthSuccess::decode(payload)?;
                self.handle_success(events)
            }
            // It is PK_OK, PASSWD_CHANGEREQ or INFO_REQUEST, as the method says.
            Number::USERAUTH_INFO_REQUEST => self.handle_answer(payload, events),
            _ => Err(Error::Unexpected { number, during: "during the login" }),
        }
    }

    fn handle_accept(&mut self, accept: &ServiceAccept) -> Result<(), Error> {
        if self.service == Service::Accepted || accept.service != USERAUTH {
            return Err(Violation::Service.into());
        }
        self.service = Service::Accepted;
        Ok(())
    }

    fn handle_failure(
        &mut self,
        failure: UserauthFailure,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        if !matches!(self.state, State::AwaitAnswer(_) | State::Asked { .. }) {
            return Err(Violation::UnrelatedAnswer.into());
        }
        self.state = State::Ready;
        events.push_back(Event::Authenticate(Invitation::Again {
            methods: failure.methods,
            partial_success: failure.partial_success,
        }));
        Ok(())
    }

    fn handle_success(&mut self, events: &mut VecDeque<Event>) -> Result<(), Error> {
        match self.state {
            State::AwaitAnswer(Tried::Offer { .. }) => Err(Violation::UnrelatedAnswer.into()),
            State::AwaitAnswer(_) => {
                self.state = State::Done;
                events.push_back(Event::Authenticated);
                Ok(())
            }
            _ => Err(Violation::UnrelatedAnswer.into()),
        }
    }

    fn handle_answer(
        &mut self,
        payload: &Bytes,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        let (state, event) = match &self.state {
            State::AwaitAnswer(Tried::Offer { key, algorithm }) => {
                let accepted = UserauthPkOk::decode(payload)?;
                if accepted.key != *key || accepted.algorithm != *algorithm {
                    return Err(Violation::UnrelatedAnswer.into());
                }
                (State::Ready, Event::KeyAccepted)
            }
            State::AwaitAnswer(Tried::Password) => {
                let wanted = UserauthPasswdChangereq::decode(payload)?;
                (State::Ready, Event::ChangePassword(wanted.prompt.sanitized()))
            }
            State::AwaitAnswer(Tried::Interactive) => {
                let asked = UserauthInfoRequest::decode(payload)?;
                (State::Asked { questions: asked.prompts.0.len() }, Event::Asked(asked))
            }
            _ => return Err(Violation::UnrelatedAnswer.into()),
        };
        self.state = state;
        events.push_back(event);
        Ok(())
    }
}
