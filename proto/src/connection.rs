//! One side of a Secure Shell connection.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::auth;
use crate::config::{ClientConfig, Common, ServerConfig};
use crate::error::{Deadline, Error};
use crate::event::{Credential, Decision, Event};
use crate::ident::{Identification, Preamble, Scanner};
use crate::kex::exchange::{Exchange, Progress, Role};
use crate::message::codec::Message;
use crate::message::connection::ConnectionMessage;
use crate::message::disconnect::{Disconnect, Reason};
use crate::message::ext_info::{self, ExtInfo};
use crate::message::informative::{Debug, Unimplemented};
use crate::message::number::Number;
use crate::message::ping::{Ping, Pong};
use crate::packet::opener::Packet;
use crate::packet::record::Record;
use crate::packet::sealer::Usage;
use crate::phase::{Phase, Verdict, judge};
use crate::secret::{Secret, wipe};
use crate::timer::{self, Timer};
use crate::transport::Transport;
use crate::wire::Text;

/// One side of a Secure Shell connection, client or server.
///
/// Bytes and time go in, bytes and events come out; the caller owns the buffers, the clock and
/// the socket. The crate's documentation shows the loop. Errors are sticky: after one, every
/// call that can fail yields it, and [`poll_transmit`](Self::poll_transmit) yields what is to be
/// written before the socket is closed.
pub struct Connection {
    common: Common,
    now: Instant,
    phase: Phase,
    scanner: Scanner,
    transport: Transport,
    login: Login,
    events: VecDeque<Event>,
    parked: Parked,
    timers: timer::Table,
    /// How long a server may take to answer a client's login request.
    answer_timeout: Duration,
    error: Option<Error>,
}

enum Login {
    Client(auth::client::Login),
    Server(auth::server::Login),
}

/// What must be answered before more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parked {
    No,
    Trust,
    HostSignature,
    Decision,
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
        client.answer_timeout = config.answer_timeout;
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
            server.timers.set(Timer::Login, now.checked_add(config.login_timeout));
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
        let mut record = Record::new(Arc::clone(&common.provider));
        record.sealer.put_raw(common.identification.as_bytes());
        record.sealer.put_raw(b"\r\n");
        let exchange = Exchange::new(role, common.clone(), ext_info);
        let mut connection = Self {
            common,
            now,
            phase: Phase::Identification,
            scanner,
            transport: Transport::new(record, exchange),
            login,
            events: VecDeque::new(),
            parked: Parked::No,
            timers: timer::Table::default(),
            answer_timeout: Duration::ZERO,
            error: None,
        };
        // The offer follows the identification string without waiting for the peer's.
        if let Err(error) = connection.transport.begin() {
            connection.fail(error);
        }
        connection.watch_exchange();
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
        self.attempt(now, |connection| connection.take_input(input))
    }

    /// Acts on deadlines that have come; to be called at
    /// [`poll_timeout`](Self::poll_timeout).
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.attempt(now, |connection| {
            while let Some(timer) = connection.timers.take_expired(now) {
                match timer {
                    Timer::Exchange => return Err(Error::TimedOut(Deadline::KeyExchange)),
                    Timer::Login => return Err(Error::TimedOut(Deadline::Login)),
                    Timer::Rekey if connection.is_unused() => connection.schedule_rekey(),
                    Timer::Rekey => connection.transport.begin()?,
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
        self.transport.record.sealer.take(output)
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called. It changes with every
    /// other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
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
        self.attempt_untimed(|connection| {
            if connection.phase != Phase::Connected {
                return Err(Error::Misuse("a connection message before the login"));
            }
            connection.transport.send_connection(message)
        })
    }

    /// How many bytes wait to be transmitted. Each message that waits for new keys counts for
    /// some bytes more than it has, so that this bounds the memory that it takes.
    pub fn backlog(&self) -> usize {
        self.transport.backlog()
    }

    /// Exchanges keys again, unless that is under way.
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn rekey(&mut self, now: Instant) -> Result<(), Error> {
        self.attempt(now, |connection| match connection.phase {
            Phase::Connected => connection.transport.begin(),
            _ => Ok(()),
        })
    }

    /// Sends SSH_MSG_PING, which the peer must have said that it answers
    /// ([`ext_info::PING`]). Its answer is not told.
    ///
    /// # Errors
    /// Where the connection is at its end.
    pub fn ping(&mut self, data: Bytes) -> Result<(), Error> {
        self.attempt_untimed(|connection| connection.transport.send(&Ping { data }))
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
        self.attempt(now, |connection| {
            let progress = connection.transport.trust(trusted)?;
            connection.parked = Parked::No;
            connection.advance(progress)
        })
    }

    /// Answers [`Event::Sign`]. `signature` is one as on the wire, see
    /// [`signature::encode`](crate::signature::encode).
    ///
    /// # Errors
    /// Where nobody asked, or the connection is at its end.
    pub fn provide_signature(&mut self, now: Instant, signature: Bytes) -> Result<(), Error> {
        self.attempt(now, |connection| {
            if connection.parked == Parked::HostSignature {
                connection.parked = Parked::No;
                let progress = connection.transport.sign(signature)?;
                return connection.advance(progress);
            }
            match &mut connection.login {
                Login::Client(login) => login.sign(signature, &mut connection.transport),
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
        self.attempt(now, |connection| match &mut connection.login {
            Login::Client(login) => {
                login.authenticate(credential, &mut connection.transport, &mut connection.events)
            }
            Login::Server(_) => Err(Error::Misuse("a server does not log in")),
        })
    }

    /// Answers [`Event::Asked`], one answer for each question.
    ///
    /// # Errors
    /// Where nobody asked, or the connection is at its end.
    pub fn respond(&mut self, now: Instant, answers: Vec<Secret>) -> Result<(), Error> {
        self.attempt(now, |connection| match &mut connection.login {
            Login::Client(login) => login.respond(answers, &mut connection.transport),
            Login::Server(_) => Err(Error::Misuse("a server does not log in")),
        })
    }

    /// Answers [`Event::Login`].
    ///
    /// # Errors
    /// Where nobody asked, the decision does not fit, too many were refused, or the connection
    /// is at its end.
    pub fn decide(&mut self, now: Instant, decision: Decision) -> Result<(), Error> {
        self.attempt(now, |connection| {
            let Login::Server(login) = &mut connection.login else {
                return Err(Error::Misuse("a client does not decide"));
            };
            connection.parked = Parked::No;
            login.decide(decision, &mut connection.transport, &mut connection.events)
        })
    }
}

/// # What is known
impl Connection {
    /// The identifier of the session, the hash of the first key exchange
    /// ([RFC 4253 section 7.2](https://www.rfc-editor.org/rfc/rfc4253#section-7.2)).
    pub fn session_id(&self) -> Option<&Bytes> {
        self.transport.exchange.session_id()
    }

    /// Who the peer says it is.
    pub fn peer_identification(&self) -> Option<&Identification> {
        self.transport.exchange.peer_identification()
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
        step: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.now = self.now.max(now);
        self.run(|connection| step(connection).and_then(|()| connection.settle()))
    }

    /// Runs a step that is not told the time, which may have been a while since the last call
    /// that was: what needs a deadline waits for [`handle_timeout`](Self::handle_timeout).
    fn attempt_untimed(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.run(|connection| {
            step(connection)?;
            if connection.is_rekey_due() {
                connection.timers.set(Timer::Rekey, Some(connection.now));
            }
            Ok(())
        })
    }

    fn run(&mut self, step: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let done = step(self);
        if let Err(error) = &done {
            self.fail(error.clone());
        }
        done
    }

    fn fail(&mut self, error: Error) {
        tracing::debug!(%error, "the connection ends");
        if let Some(reason) = error.disconnect_reason() {
            let description = match &error {
                Error::Closed { description, .. } => Text::from(description.as_str()),
                _ => Text(error.to_string()),
            };
            let message = Disconnect { reason, description, language: Text::default() };
            // It is the last packet: where even that fails, nothing is left to be done.
            let _ = self.transport.record.send(&message);
        }
        self.transport.abandon();
        self.events.clear();
        self.timers = timer::Table::default();
        self.error = Some(error);
    }

    /// What every step must leave behind it: login events acted on, keys exchanged in time,
    /// a key exchange watched.
    fn settle(&mut self) -> Result<(), Error> {
        match self.events.back() {
            Some(Event::Authenticated) if self.phase == Phase::Login => self.connected(),
            Some(Event::Login(_)) => self.parked = Parked::Decision,
            _ => {}
        }
        if self.is_rekey_due() {
            self.transport.begin()?;
        }
        self.watch_exchange();
        self.watch_answer();
        Ok(())
    }

    /// A server has to answer a login request in time.
    fn watch_answer(&mut self) {
        let Login::Client(login) = &self.login else { return };
        if !login.awaits_server() {
            self.timers.set(Timer::Login, None);
        } else if !self.timers.is_set(Timer::Login) {
            self.timers.set(Timer::Login, self.now.checked_add(self.answer_timeout));
        }
    }

    fn connected(&mut self) {
        self.phase = Phase::Connected;
        self.timers.set(Timer::Login, None);
        self.schedule_rekey();
    }

    fn is_rekey_due(&self) -> bool {
        self.phase == Phase::Connected && self.transport.exchange.is_idle() && self.overused()
    }

    fn overused(&self) -> bool {
        self.usage().iter().any(|usage| usage.reaches(self.common.rekey.bytes))
    }

    /// Whether nothing passed under the keys, so that there is nothing to renew.
    fn is_unused(&self) -> bool {
        self.usage().iter().all(|usage| usage.packets == 0)
    }

    fn usage(&self) -> [Usage; 2] {
        let record = &self.transport.record;
        [record.sealer.usage(), record.opener.usage()]
    }

    fn schedule_rekey(&mut self) {
        let time = self.common.rekey.time.filter(|time| !time.is_zero());
        let at = time.and_then(|time| self.now.checked_add(time));
        self.timers.set(Timer::Rekey, at);
    }

    /// A key exchange has a deadline, which does not run while the user is asked for trust.
    fn watch_exchange(&mut self) {
        let exchange = &self.transport.exchange;
        if self.error.is_some() || exchange.is_idle() || self.parked == Parked::Trust {
            self.timers.set(Timer::Exchange, None);
        } else if !self.timers.is_set(Timer::Exchange) {
            let at = self.now.checked_add(self.common.exchange_timeout);
            self.timers.set(Timer::Exchange, at);
        }
    }

    fn take_input(&mut self, input: &mut BytesMut) -> Result<(), Error> {
        while self.parked == Parked::No && self.events.is_empty() {
            if self.phase == Phase::Identification {
                let Some(peer) = self.scanner.scan(input).map_err(Error::Identification)? else {
                    break;
                };
                self.transport.exchange.set_peer_identification(peer.clone());
                self.phase = Phase::FirstExchange;
                self.events.push_back(Event::Identified(peer));
            } else if let Some(packet) = self.transport.record.opener.open(input)? {
                self.handle_packet(packet)?;
            } else {
                self.invite();
                break;
            }
        }
        Ok(())
    }

    /// A client is invited to log in when all that came with the keys has been read, the
    /// server's extensions mostly among it.
    fn invite(&mut self) {
        if self.phase == Phase::Login
            && let Login::Client(login) = &mut self.login
        {
            login.invite(&mut self.events);
        }
    }

    fn handle_packet(&mut self, mut packet: Packet) -> Result<(), Error> {
        let sequence = packet.sequence;
        let number = Number(packet.payload.first().copied().unwrap_or(0));
        let verdict = judge(self.phase, self.transport.exchanging(), number);
        if verdict != Verdict::Admit {
            // It may be a login request that came too late.
            wipe(&mut packet.payload);
        }
        match verdict {
            Verdict::Admit => self.handle_message(number, packet),
            Verdict::Ignore => Ok(()),
            Verdict::Refuse(during) => Err(Error::Unexpected { number, during }),
            Verdict::Unknown => {
                tracing::debug!(%number, "the peer sent an unknown message");
                self.transport.send(&Unimplemented { sequence })
            }
        }
    }

    fn handle_message(&mut self, number: Number, packet: Packet) -> Result<(), Error> {
        match number {
            Number(80..=127) => self.handle_connection_message(packet),
            Number(20..=49) => {
                let progress = self.transport.handle(number, &packet.freeze())?;
                self.advance(progress)
            }
            Number(50..=79) | Number::SERVICE_REQUEST | Number::SERVICE_ACCEPT => {
                self.handle_login_message(number, packet)
            }
            _ => self.handle_talk(number, &packet.freeze()),
        }
    }

    fn handle_connection_message(&mut self, packet: Packet) -> Result<(), Error> {
        let sequence = packet.sequence;
        match ConnectionMessage::decode(&packet.freeze())? {
            Some(message) => self.events.push_back(Event::Message(message)),
            None => self.transport.send(&Unimplemented { sequence })?,
        }
        Ok(())
    }

    /// Login messages may hold secrets, so they are decoded from a copy, and both are wiped.
    fn handle_login_message(&mut self, number: Number, mut packet: Packet) -> Result<(), Error> {
        let payload = Bytes::copy_from_slice(&packet.payload);
        wipe(&mut packet.payload);
        let done = match &mut self.login {
            Login::Client(login) => login.handle(number, &payload, &mut self.events),
            Login::Server(login) => {
                login.handle(number, &payload, &mut self.transport, &mut self.events)
            }
        };
        // It is shared only where it holds a public key, and then no secret.
        if let Ok(mut payload) = payload.try_into_mut() {
            wipe(&mut payload);
        }
        done
    }

    /// Messages that no layer above needs.
    fn handle_talk(&mut self, number: Number, payload: &Bytes) -> Result<(), Error> {
        match number {
            Number::DISCONNECT => Err(Disconnect::decode(payload)?.into()),
            Number::DEBUG => {
                let said = Debug::decode(payload)?.message.sanitized();
                tracing::debug!(said, "the peer sent a debug message");
                Ok(())
            }
            Number::UNIMPLEMENTED => {
                let sequence = Unimplemented::decode(payload)?.sequence;
                tracing::debug!(sequence, "the peer did not understand a message");
                Ok(())
            }
            Number::EXT_INFO => {
                self.events.push_back(Event::Extensions(ExtInfo::decode(payload)?));
                Ok(())
            }
            Number::PING => {
                let Ping { data } = Ping::decode(payload)?;
                self.transport.send(&Pong { data })
            }
            // IGNORE and PONG.
            _ => Ok(()),
        }
    }

    /// Acts on what a step of the key exchange came to.
    fn advance(&mut self, progress: Progress) -> Result<(), Error> {
        match progress {
            Progress::None => {}
            Progress::HostKey { key, algorithm } => {
                self.parked = Parked::Trust;
                self.events.push_back(Event::HostKey { key, algorithm });
            }
            Progress::Sign(request) => {
                self.parked = Parked::HostSignature;
                self.events.push_back(Event::Sign(request));
            }
            Progress::Done(agreement) => {
                self.timers.set(Timer::Exchange, None);
                if self.phase == Phase::Connected {
                    self.schedule_rekey();
                } else if mem::replace(&mut self.phase, Phase::Login) == Phase::FirstExchange {
                    self.events.push_back(Event::Agreed(agreement));
                    if let Login::Client(login) = &mut self.login {
                        login.begin(&mut self.transport)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("phase", &self.phase)
            .field("parked", &self.parked)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
