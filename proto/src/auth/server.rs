//! Who decides.
//!
//! ```text
//!   AwaitService --> Ready <----------- PK_OK, FAILURE, PASSWD_CHANGEREQ ----.
//!                      | request                                             |
//!                      '------------------------------> Deciding -- decide --+--> Done
//!                                                         ^  | INFO_REQUEST
//!                                           INFO_RESPONSE |  v
//!                                                        Asking
//! ```

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use crate::config::ServerConfig;
use crate::error::{Error, Violation};
use crate::event::{Decision, Event, LoginMethod, LoginRequest, Proof};
use crate::message::codec::Message;
use crate::message::number::Number;
use crate::message::service::{CONNECTION, ServiceAccept, ServiceRequest, USERAUTH};
use crate::message::userauth::{UserauthBanner, UserauthFailure, UserauthSuccess};
use crate::message::userauth_interactive::{UserauthInfoRequest, UserauthInfoResponse};
use crate::message::userauth_password::UserauthPasswdChangereq;
use crate::message::userauth_publickey::UserauthPkOk;
use crate::message::userauth_request::{Method, UserauthRequest};
use crate::name::NameList;
use crate::provider::Failure;
use crate::signature;
use crate::transport::Transport;
use crate::wire::Text;

/// The login of a server.
#[derive(Debug)]
pub(crate) struct Login {
    config: Arc<ServerConfig>,
    state: State,
    refused: u32,
    /// Whether the user has asked which methods there are.
    asked: bool,
}

#[derive(Debug)]
enum State {
    AwaitService,
    Ready,
    /// The user of the core decides.
    Deciding(Pending),
    /// The peer answers, for this user and with so many answers.
    Asking {
        user: String,
        prompts: usize,
    },
    Done,
}

/// A request by a key.
struct Asked<'a> {
    user: &'a str,
    algorithm: &'a str,
    key: &'a [u8],
    host_key: Option<Bytes>,
}

/// What is decided on.
#[derive(Debug)]
enum Pending {
    None,
    Offer { key: Bytes, algorithm: String },
    Password,
    Interactive { user: String },
    Key,
}

impl Login {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Self {
        Self { config, state: State::AwaitService, refused: 0, asked: false }
    }

    /// Takes a message of the login, numbers 5, 6 and 50 to 79.
    pub(crate) fn handle(
        &mut self,
        number: Number,
        payload: &Bytes,
        transport: &mut Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        match (mem::replace(&mut self.state, State::Ready), number) {
            (State::AwaitService, Number::SERVICE_REQUEST) => {
                self.handle_service(ServiceRequest::decode(payload)?, transport)
            }
            // A new request gives up the questions of an old one (RFC 4256 section 3.1).
            (State::Ready | State::Asking { .. }, Number::USERAUTH_REQUEST) => {
                self.handle_request(UserauthRequest::decode(payload)?, transport, events)
            }
            (State::Asking { user, prompts }, Number::USERAUTH_INFO_RESPONSE) => {
                let response = UserauthInfoResponse::decode(payload)?;
                if response.responses.0.len() != prompts {
                    return Err(Violation::UnrelatedAnswer.into());
                }
                let method = LoginMethod::Answers(response.responses.0);
                let pending = Pending::Interactive { user: user.clone() };
                self.ask(LoginRequest { user, method }, pending, events);
                Ok(())
            }
            _ => Err(Error::Unexpected { number, during: "during the login" }),
        }
    }

    fn handle_service(
        &mut self,
        request: ServiceRequest,
        transport: &mut Transport,
    ) -> Result<(), Error> {
        if request.service != USERAUTH {
            return Err(Violation::Service.into());
        }
        transport.send(&ServiceAccept { service: request.service })?;
        if !self.config.banner.is_empty() {
            let message = Text::from(self.config.banner.as_str());
            transport.send(&UserauthBanner { message, language: Text::default() })?;
        }
        Ok(())
    }

    fn handle_request(
        &mut self,
        request: UserauthRequest,
        transport: &mut Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        let UserauthRequest { user, service, method } = request;
        if service != CONNECTION {
            return Err(Violation::Service.into());
        }
        let (method, pending) = match method {
            Method::None => (LoginMethod::None, Pending::None),
            Method::PublicKey { algorithm, key, host_key, signature } => {
                let asked = Asked { user: &user, algorithm: &algorithm, key: &key, host_key };
                let Ok(proof) = self.prove(&asked, signature, transport) else {
                    return self.refuse(self.config.methods.clone(), transport);
                };
                let pending = match proof {
                    Proof::Verified(_) => Pending::Key,
                    Proof::None => {
                        Pending::Offer { key: key.clone(), algorithm: algorithm.clone() }
                    }
                };
                (LoginMethod::PublicKey { key, algorithm, proof }, pending)
            }
            Method::Password { password, new_password } => {
                (LoginMethod::Password { password, new_password }, Pending::Password)
            }
            Method::KeyboardInteractive { .. } => {
                (LoginMethod::KeyboardInteractive, Pending::Interactive { user: user.clone() })
            }
            Method::Other { .. } => return self.refuse(self.config.methods.clone(), transport),
        };
        self.ask(LoginRequest { user, method }, pending, events);
        Ok(())
    }

    /// Verifies the signature of a request by a key, where it has one.
    fn prove(
        &self,
        asked: &Asked<'_>,
        signature: Option<Bytes>,
        transport: &Transport,
    ) -> Result<Proof, Failure> {
        let Asked { user, algorithm, key, host_key } = asked;
        let common = &self.config.common;
        // A request that is bound to another host key was meant for another server.
        let bound_elsewhere =
            host_key.is_some() && transport.exchange.host_key() != host_key.as_ref();
        if bound_elsewhere || !common.algorithms.signatures.contains(algorithm) {
            return Err(Failure::BadSignature);
        }
        let Some(signature) = signature else { return Ok(Proof::None) };
        let session_id = transport.exchange.session_id().ok_or(Failure::Internal)?;
        let data = UserauthRequest::signed_data(
            session_id,
            user,
            CONNECTION,
            algorithm,
            key,
            host_key.as_deref(),
        );
        signature::verify(&common.provider, algorithm, key, &data, &signature).map(Proof::Verified)
    }

    fn ask(&mut self, request: LoginRequest, pending: Pending, events: &mut VecDeque<Event>) {
        self.state = State::Deciding(pending);
        events.push_back(Event::Login(request));
    }

    /// Takes the decision on what was asked.
    pub(crate) fn decide(
        &mut self,
        decision: Decision,
        transport: &mut Transport,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Error> {
        let State::Deciding(pending) = mem::replace(&mut self.state, State::Ready) else {
            return Err(Error::Misuse("a decision that nobody asked for"));
        };
        match (decision, pending) {
            (Decision::Accept, Pending::Offer { key, algorithm }) => {
                transport.send(&UserauthPkOk { algorithm, key })
            }
            (Decision::Accept, _) => {
                transport.send(&UserauthSuccess {})?;
                self.state = State::Done;
                events.push_back(Event::Authenticated);
                Ok(())
            }
            (Decision::Partial { methods }, Pending::Key | Pending::Password)
            | (Decision::Partial { methods }, Pending::Interactive { .. }) => {
                transport.send(&UserauthFailure { methods, partial_success: true })
            }
            // Asking which methods there are is no attempt, the first time.
            (Decision::Refuse { methods }, Pending::None)
                if !mem::replace(&mut self.asked, true) =>
            {
                transport.send(&UserauthFailure { methods, partial_success: false })
            }
            (Decision::Refuse { methods }, _) => self.refuse(methods, transport),
            (Decision::Ask(request), Pending::Interactive { user }) => {
                self.question(request, user, transport)
            }
            (Decision::ChangePassword(words), Pending::Password) => {
                let prompt = Text(words);
                transport.send(&UserauthPasswdChangereq { prompt, language: Text::default() })
            }
            _ => Err(Error::Misuse("a decision that does not fit the request")),
        }
    }

    fn question(
        &mut self,
        request: UserauthInfoRequest,
        user: String,
        transport: &mut Transport,
    ) -> Result<(), Error> {
        transport.send(&request)?;
        self.state = State::Asking { user, prompts: request.prompts.0.len() };
        Ok(())
    }

    fn refuse(&mut self, methods: NameList, transport: &mut Transport) -> Result<(), Error> {
        self.refused += 1;
        if self.refused >= self.config.max_login_attempts {
            return Err(Violation::TooManyLoginAttempts.into());
        }
        transport.send(&UserauthFailure { methods, partial_success: false })
    }
}
