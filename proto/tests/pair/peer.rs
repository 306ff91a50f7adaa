//! A peer that says what it is told, right or wrong.
//!
//! It is written a second time, by the RFCs and without the core's states: packets, exchange
//! hash and keys are its own; only the codecs of messages and the toy cryptography are shared.

use std::sync::Arc;

use adit_proto::message::codec::Message;
use adit_proto::message::kex::{KexEcdhInit, KexEcdhReply};
use adit_proto::message::kexinit::KexInit;
use adit_proto::message::newkeys::NewKeys;
use adit_proto::name::NameList;
use adit_proto::provider::{Initiator, KeyExchange, Open, Provider, Seal};
use adit_proto::secret::Secret;
use bytes::{Bytes, BytesMut};

use crate::pair::schedule::{Agreed, Said};
use crate::pair::setup::names;
use crate::pair::side::Who;
use crate::toy;

/// The peer of a connection.
pub(crate) struct Peer {
    pub(crate) who: Who,
    pub(crate) provider: Arc<Provider>,
    /// What it has said and nobody has taken yet.
    pub(crate) out: BytesMut,
    /// What came and was not yet opened.
    pub(crate) input: BytesMut,
    /// Whether sequence numbers begin anew with new keys.
    pub(crate) strict: bool,
    /// The sequence numbers of the next packets.
    pub(crate) sent: u32,
    pub(crate) heard: u32,
    /// What it offers when asked to.
    pub(crate) offer: KexInit,
    /// The host key that it shows as server.
    pub(crate) host_key: Bytes,
    pub(crate) said: Said,
    pub(crate) session_id: Vec<u8>,
    method: String,
    /// The share that came behind the other's offer, where it is of use.
    guess: Option<KexEcdhInit>,
    initiator: Option<Box<dyn Initiator>>,
    agreed: Option<Agreed>,
    sealer: Option<Box<dyn Seal>>,
    opener: Option<Box<dyn Open>>,
}

const CIPHER: &str = "toy-gcm";

impl Peer {
    /// A peer of this role with strict key exchange.
    pub(crate) fn new(who: Who) -> Self {
        let markers = match who {
            Who::Client => "toy-a,ext-info-c,kex-strict-c-v00@openssh.com",
            Who::Server => "toy-a,ext-info-s,kex-strict-s-v00@openssh.com",
        };
        Self {
            who,
            provider: toy::provider(77),
            out: BytesMut::new(),
            input: BytesMut::new(),
            strict: true,
            sent: 0,
            heard: 0,
            offer: offer(markers),
            host_key: toy::public_key("host"),
            said: Said::default(),
            session_id: Vec::new(),
            method: "toy-a".to_owned(),
            guess: None,
            initiator: None,
            agreed: None,
            sealer: None,
            opener: None,
        }
    }

    /// The same without strict key exchange.
    pub(crate) fn lax(who: Who) -> Self {
        let markers = match who {
            Who::Client => "toy-a,ext-info-c",
            Who::Server => "toy-a,ext-info-s",
        };
        Self { strict: false, offer: offer(markers), ..Self::new(who) }
    }

    /// Says bytes that are no packet.
    pub(crate) fn say_raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Says who it is.
    pub(crate) fn identify(&mut self) {
        let identification = b"SSH-2.0-script";
        self.say_raw(&[&identification[..], b"\r\n"].concat());
        *self.own_identification() = identification.to_vec();
    }

    fn own_identification(&mut self) -> &mut Vec<u8> {
        match self.who {
            Who::Client => &mut self.said.v_c,
            Who::Server => &mut self.said.v_s,
        }
    }

    /// Takes the other's identification string.
    pub(crate) fn hear_identification(&mut self) {
        let end = self.input.iter().position(|byte| *byte == b'\n').expect("an identification");
        let line = self.input.split_to(end + 1);
        let line = line.strip_suffix(b"\r\n").unwrap().to_vec();
        match self.who {
            Who::Client => self.said.v_s = line,
            Who::Server => self.said.v_c = line,
        }
    }

    /// Says a message.
    pub(crate) fn say(&mut self, message: &impl Message) {
        self.say_payload(&encoded(message));
    }

    /// Says a payload, which need not be a message.
    pub(crate) fn say_payload(&mut self, payload: &[u8]) {
        let packet = self.packet(payload);
        self.say_raw(&packet);
    }

    /// A packet with this payload, as if it were said.
    pub(crate) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let (block, excluded, tag) = if self.sealer.is_some() { (16, 4, 16) } else { (8, 0, 0) };
        let mut padding = 4;
        while !(5 + payload.len() + padding - excluded).is_multiple_of(block) {
            padding += 1;
        }
        let length = u32::try_from(1 + payload.len() + padding).unwrap();
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(u8::try_from(padding).unwrap());
        packet.extend_from_slice(payload);
        packet.resize(packet.len() + padding, 0);
        if let Some(sealer) = &mut self.sealer {
            let mut sum = vec![0; tag];
            sealer.seal(self.sent, &mut packet, &mut sum).unwrap();
            packet.extend_from_slice(&sum);
        }
        self.sent = self.sent.wrapping_add(1);
        packet
    }

    /// The payload of the next packet that came; `None` where it is not all there.
    pub(crate) fn hear(&mut self) -> Option<Bytes> {
        let length = u32::from_be_bytes(*self.input.first_chunk()?);
        let tag = if self.opener.is_some() { 16 } else { 0 };
        let end = 4 + usize::try_from(length).unwrap();
        if self.input.len() < end + tag {
            return None;
        }
        let mut packet = self.input.split_to(end + tag);
        if let Some(opener) = &mut self.opener {
            opener.length(self.heard, &mut packet[..4]);
            opener.open(self.heard, &mut packet).expect("a packet that does not open");
        }
        self.heard = self.heard.wrapping_add(1);
        let padding = usize::from(packet[4]);
        assert!(padding >= 4, "too little padding");
        Some(packet.freeze().slice(5..end - padding))
    }

    /// Says its offer.
    pub(crate) fn say_offer(&mut self) {
        let payload = encoded(&self.offer).to_vec();
        self.say_payload(&payload);
        match self.who {
            Who::Client => self.said.i_c = payload,
            Who::Server => self.said.i_s = payload,
        }
    }

    /// Takes the other's offer, the next message.
    pub(crate) fn hear_offer(&mut self) -> KexInit {
        let payload = self.hear().expect("an offer");
        match self.who {
            Who::Client => self.said.i_s = payload.to_vec(),
            Who::Server => self.said.i_c = payload.to_vec(),
        }
        let offer = KexInit::decode(&payload).unwrap();
        if offer.first_kex_packet_follows {
            let guess = self.hear_message();
            let is_right = offer.kex_algorithms.first() == self.offer.kex_algorithms.first();
            self.guess = is_right.then_some(guess);
        }
        offer
    }

    /// Goes on by this method.
    pub(crate) fn choose(&mut self, method: &str) {
        self.method = method.to_owned();
    }

    fn method(&self) -> &dyn KeyExchange {
        self.provider.exchange(&self.method).unwrap()
    }

    /// As client, says its share.
    pub(crate) fn say_init(&mut self) {
        let initiator = self.method().initiate().unwrap();
        self.said.q_c = initiator.share().to_vec();
        self.say(&KexEcdhInit { share: initiator.share().to_vec().into() });
        self.initiator = Some(initiator);
    }

    /// As server, takes the client's share, the next message.
    pub(crate) fn hear_init(&mut self) {
        let init = self.guess.take().unwrap_or_else(|| self.hear_message());
        self.said.q_c = init.share.to_vec();
    }

    /// As server, says its share, and what proves who it is.
    pub(crate) fn say_reply(&mut self) {
        let reply = self.reply();
        self.say(&reply);
    }

    /// As server, its share, and what proves who it is.
    pub(crate) fn reply(&mut self) -> KexEcdhReply {
        let (share, secret) = self.method().respond(&self.said.q_c).unwrap();
        self.said.q_s = share;
        self.said.k_s = self.host_key.to_vec();
        let agreed = self.said.agree(self.method(), &secret);
        let signature = toy::sign(&self.host_key, &agreed.h);
        self.agreed = Some(agreed);
        KexEcdhReply {
            host_key: self.host_key.clone(),
            share: self.said.q_s.clone().into(),
            signature,
        }
    }

    /// As client, takes the server's share, the next message.
    pub(crate) fn hear_reply(&mut self) {
        let reply = self.hear_message::<KexEcdhReply>();
        self.said.q_s = reply.share.to_vec();
        self.said.k_s = reply.host_key.to_vec();
        let secret = self.initiator.take().unwrap().finish(&reply.share).unwrap();
        let agreed = self.said.agree(self.method(), &secret);
        assert_eq!(reply.signature, toy::sign(&reply.host_key, &agreed.h));
        self.agreed = Some(agreed);
    }

    /// Says that what follows is under the new keys.
    pub(crate) fn say_newkeys(&mut self) {
        self.say(&NewKeys {});
        let (key, iv) = self.keys(self.who);
        self.sealer = Some(self.provider.cipher(CIPHER).unwrap().sealer(&key, &iv).unwrap());
        if self.strict {
            self.sent = 0;
        }
    }

    /// Takes the other's word that what follows is under the new keys, the next message.
    pub(crate) fn hear_newkeys(&mut self) {
        self.hear_message::<NewKeys>();
        let (key, iv) = self.keys(self.who.other());
        self.opener = Some(self.provider.cipher(CIPHER).unwrap().opener(&key, &iv).unwrap());
        if self.strict {
            self.heard = 0;
        }
    }

    /// The next message, which must be one of this kind.
    pub(crate) fn hear_message<M: Message>(&mut self) -> M {
        M::decode(&self.hear().expect("a message")).unwrap()
    }

    /// The key and the IV of what this side sends.
    fn keys(&mut self, from: Who) -> (Secret, Secret) {
        let agreed = self.agreed.clone().expect("an exchange");
        if self.session_id.is_empty() {
            self.session_id.clone_from(&agreed.h);
        }
        let cipher = self.provider.cipher(CIPHER).unwrap();
        let (iv, key) = if from == Who::Client { (b'A', b'C') } else { (b'B', b'D') };
        let derive =
            |letter, len| Secret::new(agreed.key(self.method(), letter, &self.session_id, len));
        (derive(key, cipher.key_len()), derive(iv, cipher.iv_len()))
    }
}

/// The bytes of a message.
pub(crate) fn encoded(message: &impl Message) -> Bytes {
    let mut payload = BytesMut::new();
    message.encode(&mut payload);
    payload.freeze()
}

fn offer(exchanges: &str) -> KexInit {
    KexInit {
        cookie: *b"a script's cooky",
        kex_algorithms: names(exchanges),
        server_host_key_algorithms: names("toy-signature"),
        encryption_client_to_server: names(CIPHER),
        encryption_server_to_client: names(CIPHER),
        mac_client_to_server: NameList::default(),
        mac_server_to_client: NameList::default(),
        compression_client_to_server: names("none"),
        compression_server_to_client: names("none"),
        languages_client_to_server: NameList::default(),
        languages_server_to_client: NameList::default(),
        first_kex_packet_follows: false,
        reserved: 0,
    }
}
