//! One connection and a peer that follows a script.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adit_proto::message::codec::Message;
use adit_proto::message::disconnect::Disconnect;
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::service::{CONNECTION, ServiceAccept, ServiceRequest, USERAUTH};
use adit_proto::message::userauth::UserauthSuccess;
use adit_proto::message::userauth_request::{Method, UserauthRequest};
use adit_proto::{Connection, Error};
use bytes::{Bytes, BytesMut};

use crate::pair::peer::Peer;
use crate::pair::setup::Setup;
use crate::pair::side::{Side, Who};

/// A part of a connection's course.
pub(crate) type Step = fn(&mut Stage);

/// The connection under test, and its peer.
pub(crate) struct Stage {
    pub(crate) side: Side,
    pub(crate) peer: Peer,
    pub(crate) now: Instant,
}

impl Stage {
    /// The side `who` of `setup`, opposite to `peer`.
    pub(crate) fn new(who: Who, setup: Setup, peer: Peer) -> Self {
        assert_ne!(who, peer.who);
        let now = Instant::now();
        let side = match who {
            Who::Client => Side::new(Connection::client(now, &setup.client), setup.client_answers),
            Who::Server => {
                Side::new(Connection::server(now, &Arc::new(setup.server)), setup.server_answers)
            }
        };
        Self { side, peer, now }
    }

    /// A client and a strict server.
    pub(crate) fn client() -> Self {
        Self::new(Who::Client, Setup::new(), Peer::new(Who::Server))
    }

    /// A server and a strict client.
    pub(crate) fn server() -> Self {
        Self::new(Who::Server, Setup::new(), Peer::new(Who::Client))
    }

    /// Hands over what the peer has said, and to the peer what the connection says to it.
    pub(crate) fn turn(&mut self) {
        let said = self.peer.out.split();
        self.side.input.extend_from_slice(&said);
        self.side.turn(self.now);
        let mut output = BytesMut::new();
        self.side.connection.poll_transmit(&mut output);
        self.peer.input.extend_from_slice(&output);
    }

    /// The peer says a message.
    pub(crate) fn say(&mut self, message: &impl Message) {
        self.peer.say(message);
        self.turn();
    }

    /// The peer says a payload.
    pub(crate) fn say_payload(&mut self, payload: &[u8]) {
        self.peer.say_payload(payload);
        self.turn();
    }

    /// All payloads that the connection has said and the peer has not yet taken.
    pub(crate) fn heard(&mut self) -> Vec<Bytes> {
        self.turn();
        std::iter::from_fn(|| self.peer.hear()).collect()
    }

    /// The next message that the connection has said, which must be one of this kind.
    pub(crate) fn hear<M: Message>(&mut self) -> M {
        self.turn();
        self.peer.hear_message()
    }

    /// The connection has nothing more to say.
    pub(crate) fn expect_silence(&mut self) {
        let heard = self.heard();
        assert!(heard.is_empty(), "it says {heard:?}");
    }

    /// The connection has ended, and has told so as its last word; both are yielded.
    pub(crate) fn ended(&mut self) -> (Error, Disconnect) {
        let last = self.heard().pop().expect("a last word");
        let error = self.side.error().expect("an end").clone();
        (error, Disconnect::decode(&last).unwrap())
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        self.side.error()
    }

    /// Lets the time pass, and the connection's deadlines come.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.side.connection.poll_timeout().filter(|it| *it <= end) {
            self.now = self.now.max(next);
            self.side.expire(self.now);
            self.turn();
        }
        self.now = end;
    }

    /// Both say who they are, and the connection what it offers.
    pub(crate) fn identify(&mut self) {
        self.peer.identify();
        self.turn();
        self.peer.hear_identification();
        self.peer.hear_offer();
    }

    /// The peer says its offer.
    pub(crate) fn offer(&mut self) {
        self.peer.say_offer();
        self.turn();
        if self.peer.who == Who::Server && self.error().is_none() {
            self.peer.hear_init();
        }
    }

    /// The peer says its share; both have what they need for the keys then.
    pub(crate) fn share(&mut self) {
        match self.peer.who {
            Who::Client => self.peer.say_init(),
            Who::Server => self.peer.say_reply(),
        }
        self.turn();
        if self.peer.who == Who::Client {
            self.peer.hear_reply();
        }
        self.peer.hear_newkeys();
    }

    /// The peer takes its keys into use; the exchange is done then.
    pub(crate) fn newkeys(&mut self) {
        self.peer.say_newkeys();
        self.turn();
        assert_eq!(self.error(), None);
    }

    /// All of the first exchange, up to where the login begins.
    pub(crate) fn exchange(&mut self) {
        self.identify();
        self.offer();
        self.share();
        self.newkeys();
        if self.peer.offer.kex_algorithms.contains("ext-info-c") {
            self.hear::<ExtInfo>();
        }
    }

    /// Asks for the service of logins, or grants it.
    pub(crate) fn service(&mut self) {
        let service = USERAUTH.to_owned();
        match self.peer.who {
            Who::Client => {
                self.say(&ServiceRequest { service });
                // The extensions may still be in front of it.
                let accept = self.heard().pop().expect("an answer");
                ServiceAccept::decode(&accept).unwrap();
            }
            Who::Server => {
                self.hear::<ServiceRequest>();
                self.say(&ServiceAccept { service });
            }
        }
    }

    /// Logs in, or lets in.
    pub(crate) fn login(&mut self) {
        match self.peer.who {
            Who::Client => {
                self.say(&request("alice", Method::None));
                self.hear::<UserauthSuccess>();
            }
            Who::Server => {
                self.hear::<UserauthRequest>();
                self.say(&UserauthSuccess {});
            }
        }
        assert!(self.side.is_connected(), "{:?}", self.error());
    }

    /// All up to and with the login.
    pub(crate) fn connect(&mut self) {
        self.exchange();
        self.service();
        self.login();
    }

    /// The peer begins to exchange keys again.
    pub(crate) fn begin_rekey(&mut self) {
        self.heard();
        self.peer.say_offer();
        self.turn();
        self.peer.hear_offer();
        if self.peer.who == Who::Server {
            self.peer.hear_init();
        }
    }

    /// A whole key exchange that the peer begins.
    pub(crate) fn rekey(&mut self) {
        self.begin_rekey();
        self.share();
        self.newkeys();
    }
}

/// A login request of this user.
pub(crate) fn request(user: &str, method: Method) -> UserauthRequest {
    UserauthRequest { user: user.to_owned(), service: CONNECTION.to_owned(), method }
}
