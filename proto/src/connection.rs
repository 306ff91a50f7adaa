//! One side of a Secure Shell connection.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::auth;
use crate::config::{ClientConfig, Common, ServerConfig};
use crate::error::{Deadline, Error};
use crate::event::{Credential, Decision, Event};
use crate::ident::{Identification, Preamble, Scanner};
use crate::kex::exchange::Role;
use crate::kex::proposal::Offers;
use crate::machine::{Login, Machine, Parked};
use crate::message::connection::ConnectionMessage;
use crate::message::disconnect::Reason;
use crate::message::ext_info::{self, ExtInfo};
use crate::message::ping::Ping;
use crate::phase::Phase;
use crate::secret::Secret;
use crate::timer::Timer;

/// One side of a Secure Shell connection, client or server.
///
/// Bytes and time go in, bytes and events come out; the caller owns the buffers, the clock and
/// the socket. The crate's documentation shows the loop. Errors are sticky: after one, every
/// call that can fail yields it, and [`poll_transmit`](Self::poll_transmit) yields what is to be
/// written before the socket is closed.
pub struct Connection {
    machine: Machine,
    error: Option<Error>,
}

/// # Beginning
impl Connection {
    /// The side that opened the connection. It speaks at once: call
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn client(now: Instant, config: &ClientConfig) -> Self {
        let login = Login::Client(auth::client::Login::new(config.user.clone()));
        let scanner = Scanner::new(Preamble::Allowed);
        let common = config.common.clone();
        let mut client = Self::new(now, common, Role::Client, ExtInfo::default(), scanner, login);
        client.machine.answer_timeout = config.answer_timeout;
        client
    }

    /// The side that accepted the connection. It speaks at once: call
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn server(now: Instant, config: &Arc<ServerConfig>) -> Self {
        let login = Login::Server(auth::server::Login::new(Arc::clone(config)));
        let scanner = Scanner::new(Preamble::Forbidden);
        let role = Role::Server { host_keys: config.host_keys.clone() };
        let ext_info = server_extensions(config);
        let mut server = Self::new(now, config.common.clone(), role, ext_info, scanner, login);
        if server.error.is_none() {
            server.machine.timers.set(Timer::Login, now.checked_add(config.login_timeout));
        }
        server
    }

    fn new(
        now: Instant,
        common: Common,
        role: Role,
        ext_info: ExtInfo,
        scanner: Scanner,
        login: Login,
    ) -> Self {
        let machine = Machine::new(now, common, role, ext_info, scanner, login);
        let mut connection = Self { machine, error: None };
        // The offer follows the identification string without waiting for the peer's.
        match connection.machine.transport.begin() {
            Ok(()) => connection.machine.watch_exchange(),
            Err(error) => connection.fail(error),
        }
        connection
    }
}

/// What a server tells that it has.
fn server_extensions(config: &ServerConfig) -> ExtInfo {
    let signatures = config.common.algorithms.signatures.as_str().to_owned();
    ExtInfo {
        extensions: vec![
            (ext_info::SERVER_SIG_ALGS.to_owned(), Bytes::from(signatures)),
            (ext_info::PING.to_owned(), Bytes::from_static(b"0")),
            (ext_info::HOSTBOUND.to_owned(), Bytes::from_static(b"0")),
        ],
    }
}

/// # What the world did
impl Connection {
    /// Takes packets from `input` until one of them makes an event, or none is left whole;
    /// what is left stays in `input`. Call it again when
    /// [`poll_event`](Self::poll_event) has nothing, whether or not more bytes have come.
    ///
    /// While an event waits for its answer ([`Event::HostKey`], [`Event::Login`], at a server
    /// [`Event::Sign`]) nothing is taken.
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn handle_input(&mut self, now: Instant, input: &mut BytesMut) -> Result<(), Error> {
        self.attempt(now, |machine| machine.take_input(input))
    }

    /// Acts on deadlines that have come; to be called at
    /// [`poll_timeout`](Self::poll_timeout).
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.attempt(now, |machine| {
            while let Some(timer) = machine.timers.take_expired(now) {
                match timer {
                    Timer::Exchange => return Err(Error::TimedOut(Deadline::KeyExchange)),
                    Timer::Login => return Err(Error::TimedOut(Deadline::Login)),
                    Timer::Rekey if machine.is_unused() => machine.schedule_rekey(),
                    Timer::Rekey => machine.transport.begin()?,
                }
            }
            Ok(())
        })
    }
}

/// # What the world shall do
impl Connection {
    /// Appends to `output` what is to be written; says whether there was anything.
    pub fn poll_transmit(&mut self, output: &mut BytesMut) -> bool {
        self.machine.transport.record.sealer.take(output)
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.machine.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called. It changes with every
    /// other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.machine.timers.next()
    }
}

/// # Commands, and answers to events
impl Connection {
    /// Sends a message of the connection protocol, behind a key exchange where one is under
    /// way. To be called after [`Event::Authenticated`].
    ///
    /// The message waits in memory until it is transmitted: see [`backlog`](Self::backlog).
    /// Where it makes a key exchange due, [`poll_timeout`](Self::poll_timeout) says so.
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn send(&mut self, message: &ConnectionMessage) -> Result<(), Error> {
        self.attempt_untimed(|machine| {
            if machine.phase != Phase::Connected {
                return Err(Error::Misuse("a connection message before the login"));
            }
            machine.transport.send_connection(message)
        })
    }

    /// How many bytes wait to be transmitted. Each message that waits for new keys counts for
    /// some bytes more than it has, so that this bounds the memory that it takes.
    pub fn backlog(&self) -> usize {
        self.machine.transport.backlog()
    }

    /// Exchanges keys again, unless that is under way.
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn rekey(&mut self, now: Instant) -> Result<(), Error> {
        self.attempt(now, |machine| match machine.phase {
            Phase::Connected => machine.transport.begin(),
            _ => Ok(()),
        })
    }

    /// Sends SSH_MSG_PING, which the peer must have said that it answers
    /// ([`ext_info::PING`]). Its answer is not told.
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn ping(&mut self, data: Bytes) -> Result<(), Error> {
        self.attempt_untimed(|machine| machine.transport.send(&Ping { data }))
    }

    /// Ends the connection; the peer is told why.
    pub fn disconnect(&mut self, reason: Reason, description: &str) {
        if self.error.is_none() {
            self.fail(Error::Closed { reason, description: description.to_owned() });
        }
    }

    /// Answers [`Event::HostKey`].
    ///
    /// # Errors
    /// Where the key is not trusted: the connection is at its end.
    pub fn trust(&mut self, now: Instant, trusted: bool) -> Result<(), Error> {
        self.attempt(now, |machine| {
            let progress = machine.transport.trust(trusted)?;
            machine.parked = Parked::No;
            machine.advance(progress)
        })
    }

    /// Answers [`Event::Sign`]. `signature` is one as on the wire, see
    /// [`signature::encode`](crate::signature::encode).
    ///
    /// # Errors
    /// Where nobody asked, or the connection is at its end.
    pub fn provide_signature(&mut self, now: Instant, signature: Bytes) -> Result<(), Error> {
        self.attempt(now, |machine| {
            if machine.parked == Parked::HostSignature {
                machine.parked = Parked::No;
                let progress = machine.transport.sign(signature)?;
                return machine.advance(progress);
            }
            match &mut machine.login {
                Login::Client(login) => login.sign(signature, &mut machine.transport),
                Login::Server(_) => Err(Error::Misuse("a signature that nobody asked for")),
            }
        })
    }

    /// Answers [`Event::Authenticate`], and [`Event::KeyAccepted`], [`Event::ChangePassword`]
    /// and at a client [`Event::Sign`], which may also be answered by another credential.
    ///
    /// # Errors
    /// Where nobody asked, or the connection is at its end.
    pub fn authenticate(&mut self, now: Instant, credential: Credential) -> Result<(), Error> {
        self.attempt(now, |machine| match &mut machine.login {
            Login::Client(login) => {
                login.authenticate(credential, &mut machine.transport, &mut machine.events)
            }
            Login::Server(_) => Err(Error::Misuse("a server does not log in")),
        })
    }

    /// Answers [`Event::Asked`], one answer for each question.
    ///
    /// # Errors
    /// Where nobody asked, the answers are fewer or more than the questions, or the connection is
    /// at its end.
    pub fn respond(&mut self, now: Instant, answers: Vec<Secret>) -> Result<(), Error> {
        self.attempt(now, |machine| match &mut machine.login {
            Login::Client(login) => login.respond(answers, &mut machine.transport),
            Login::Server(_) => Err(Error::Misuse("a server does not log in")),
        })
    }

    /// Answers [`Event::Login`].
    ///
    /// # Errors
    /// Where nobody asked, the decision does not fit, too many were refused, or the connection
    /// is at its end.
    pub fn decide(&mut self, now: Instant, decision: Decision) -> Result<(), Error> {
        self.attempt(now, |machine| {
            let Login::Server(login) = &mut machine.login else {
                return Err(Error::Misuse("a client does not decide"));
            };
            machine.parked = Parked::No;
            login.decide(decision, &mut machine.transport, &mut machine.events)
        })
    }
}

/// # What is known
impl Connection {
    /// The identifier of the session, the hash of the first key exchange
    /// ([RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2)).
    pub fn session_id(&self) -> Option<&Bytes> {
        self.machine.transport.exchange.session_id()
    }

    /// Who the peer says it is.
    pub fn peer_identification(&self) -> Option<&Identification> {
        self.machine.transport.exchange.peer_identification()
    }

    /// The first line that a server has said, as long as it has not said who it is.
    pub fn preamble(&self) -> Option<&str> {
        self.machine.preamble()
    }

    /// What a client and its server have offered each other first; once.
    pub fn take_offers(&mut self) -> Option<Offers> {
        self.machine.transport.exchange.take_offers()
    }

    /// Why the connection is at its end.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

impl Connection {
    /// Runs a step; an error ends the connection.
    fn attempt(
        &mut self,
        now: Instant,
        step: impl FnOnce(&mut Machine) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.machine.now = self.machine.now.max(now);
        self.run(|machine| step(machine).and_then(|()| machine.settle()))
    }

    /// Runs a step that is not told the time, which may have been a while since the last call
    /// that was: what needs a deadline waits for [`handle_timeout`](Self::handle_timeout).
    fn attempt_untimed(
        &mut self,
        step: impl FnOnce(&mut Machine) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.run(|machine| {
            step(machine)?;
            if machine.is_rekey_due() {
                machine.timers.set(Timer::Rekey, Some(machine.now));
            }
            Ok(())
        })
    }

    fn run(&mut self, step: impl FnOnce(&mut Machine) -> Result<(), Error>) -> Result<(), Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let done = step(&mut self.machine);
        if let Err(error) = &done {
            self.fail(error.clone());
        }
        done
    }

    fn fail(&mut self, error: Error) {
        self.machine.end(&error);
        self.error = Some(error);
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("phase", &self.machine.phase)
            .field("parked", &self.machine.parked)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
