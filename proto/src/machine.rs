//! The machine inside a connection: what every step does, and what it leaves behind.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::auth;
use crate::config::Common;
use crate::error::Error;
use crate::event::Event;
use crate::ident::Scanner;
use crate::kex::exchange::{Exchange, Progress, Role};
use crate::message::codec::Message;
use crate::message::connection::ConnectionMessage;
use crate::message::disconnect::Disconnect;
use crate::message::ext_info::ExtInfo;
use crate::message::informative::{Debug, Unimplemented};
use crate::message::number::Number;
use crate::message::ping::{Ping, Pong};
use crate::packet::opener::Packet;
use crate::packet::record::Record;
use crate::packet::sealer::Usage;
use crate::phase::{Phase, Verdict, judge};
use crate::secret::wipe;
use crate::timer::{self, Timer};
use crate::transport::Transport;
use crate::wire::Text;

/// All of a connection but its end.
pub(crate) struct Machine {
    pub(crate) common: Common,
    pub(crate) now: Instant,
    pub(crate) phase: Phase,
    scanner: Scanner,
    pub(crate) transport: Transport,
    pub(crate) login: Login,
    pub(crate) events: VecDeque<Event>,
    pub(crate) parked: Parked,
    pub(crate) timers: timer::Table,
    /// How long a server may take to answer a client's login request.
    pub(crate) answer_timeout: Duration,
}

/// Who logs in, or who decides.
pub(crate) enum Login {
    Client(auth::client::Login),
    Server(auth::server::Login),
}

/// What must be answered before more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parked {
    No,
    Trust,
    HostSignature,
    Decision,
}

impl Machine {
    pub(crate) fn new(
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
        Self {
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
        }
    }

    /// Says the last word, and forgets what waited for an answer.
    pub(crate) fn end(&mut self, error: &Error) {
        tracing::debug!(%error, "the connection ends");
        if let Some(reason) = error.disconnect_reason() {
            let description = match error {
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
    }

    /// What every step must leave behind it: login events acted on, keys exchanged in time,
    /// a key exchange watched.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
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
        self.transport.start_compression();
        self.timers.set(Timer::Login, None);
        self.schedule_rekey();
    }

    pub(crate) fn is_rekey_due(&self) -> bool {
        self.phase == Phase::Connected && self.transport.exchange.is_idle() && self.overused()
    }

    fn overused(&self) -> bool {
        self.usage().iter().any(|usage| usage.reaches(self.common.rekey.bytes))
    }

    /// Whether nothing passed under the keys, so that there is nothing to renew.
    pub(crate) fn is_unused(&self) -> bool {
        self.usage().iter().all(|usage| usage.packets == 0)
    }

    fn usage(&self) -> [Usage; 2] {
        let record = &self.transport.record;
        [record.sealer.usage(), record.opener.usage()]
    }

    pub(crate) fn schedule_rekey(&mut self) {
        let time = self.common.rekey.time.filter(|time| !time.is_zero());
        let at = time.and_then(|time| self.now.checked_add(time));
        self.timers.set(Timer::Rekey, at);
    }

    /// A key exchange has a deadline, which does not run while the user is asked for trust.
    pub(crate) fn watch_exchange(&mut self) {
        let exchange = &self.transport.exchange;
        if exchange.is_idle() || self.parked == Parked::Trust {
            self.timers.set(Timer::Exchange, None);
        } else if !self.timers.is_set(Timer::Exchange) {
            let at = self.now.checked_add(self.common.exchange_timeout);
            self.timers.set(Timer::Exchange, at);
        }
    }

    pub(crate) fn take_input(&mut self, input: &mut BytesMut) -> Result<(), Error> {
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
                let said = Debug::decode(payload)?.message.sanitized_line();
                tracing::debug!(said, "the peer sent a debug message");
                Ok(())
            }
            Number::UNIMPLEMENTED => {
                let sequence = Unimplemented::decode(payload)?.sequence;
                tracing::debug!(sequence, "the peer did not understand a message");
                Ok(())
            }
            Number::EXT_INFO => {
                let extensions = ExtInfo::decode(payload)?;
                if let Login::Client(login) = &mut self.login {
                    login.learn(&extensions);
                }
                self.events.push_back(Event::Extensions(extensions));
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

    /// What the peer said in place of who it is.
    pub(crate) fn preamble(&self) -> Option<&str> {
        let unknown = self.transport.exchange.peer_identification().is_none();
        self.scanner.first_line().filter(|_| unknown)
    }

    /// Acts on what a step of the key exchange came to.
    pub(crate) fn advance(&mut self, progress: Progress) -> Result<(), Error> {
        match progress {
            Progress::None => {}
            Progress::HostKey(proof) => {
                self.parked = Parked::Trust;
                self.events.push_back(Event::HostKey(proof));
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
