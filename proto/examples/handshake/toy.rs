//! Cryptography without any secrecy, for examples and tests of the state machine.
//!
//! It has the form of the real thing: two shares that make a secret, a keyed stream, a tag
//! that every altered bit breaks. Anybody can break it; nobody may use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use adit_proto::config::HostKey;
use adit_proto::name::NameList;
use adit_proto::provider::{
    Alignment, Cipher, Failure, Initiator, KeyExchange, Layout, Open, Provider, Random, Seal,
    SharedSecret, Verify,
};
use adit_proto::secret::Secret;
use adit_proto::signature;
use adit_proto::wire::{self, Put};
use bytes::Bytes;

/// A provider with two methods of each kind. Equal seeds make equal connections.
pub(crate) fn provider(seed: u64) -> Arc<Provider> {
    let random = Arc::new(Counter(AtomicU64::new(seed)));
    Arc::new(Provider {
        random: Box::new(Counter(AtomicU64::new(seed ^ 0x5eed))),
        exchanges: vec![
            Box::new(Exchange { name: "toy-a", random: Arc::clone(&random) }),
            Box::new(Exchange { name: "toy-b", random }),
        ],
        ciphers: vec![
            Box::new(ToyCipher { name: "toy-gcm", layout: GCM }),
            Box::new(ToyCipher { name: "toy-ctr", layout: CTR }),
        ],
        verifiers: vec![Box::new(Signature)],
    })
}

/// The public half of the toy key of this name, fit for host and user.
pub(crate) fn public_key(name: &str) -> Bytes {
    let mut key = Vec::new();
    key.put_string(b"toy-key");
    key.put_string(name.as_bytes());
    key.into()
}

/// A host key with the algorithms that it has.
#[allow(dead_code, reason = "not every user of this file is a server")]
pub(crate) fn host_key(name: &str) -> HostKey {
    let algorithms = NameList::parse("toy-signature").unwrap_or_default();
    HostKey { key: public_key(name), algorithms }
}

/// The signature of a toy key, as on the wire.
pub(crate) fn sign(key: &[u8], data: &[u8]) -> Bytes {
    signature::encode("toy-signature", &digest(&[b"signed", key, data]))
}

#[derive(Debug)]
struct Counter(AtomicU64);

impl Counter {
    fn next(&self) -> [u8; 32] {
        digest(&[&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes()])
    }
}

impl Random for Counter {
    fn fill(&self, out: &mut [u8]) -> Result<(), Failure> {
        for chunk in out.chunks_mut(32) {
            chunk.iter_mut().zip(self.next()).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Exchange {
    name: &'static str,
    random: Arc<Counter>,
}

struct Share([u8; 32]);

/// The secret is the hash of both shares.
fn secret(client: &[u8], server: &[u8]) -> Result<SharedSecret, Failure> {
    if client.len() != 32 || server.len() != 32 {
        return Err(Failure::BadShare);
    }
    Ok(SharedSecret::Number(Secret::from(&digest(&[client, server])[..])))
}

impl KeyExchange for Exchange {
    fn name(&self) -> &'static str {
        self.name
    }
    fn initiate(&self) -> Result<Box<dyn Initiator>, Failure> {
        Ok(Box::new(Share(self.random.next())))
    }
    fn respond(&self, client_share: &[u8]) -> Result<(Vec<u8>, SharedSecret), Failure> {
        let share = self.random.next();
        Ok((share.to_vec(), secret(client_share, &share)?))
    }
    fn hash(&self, parts: &[&[u8]]) -> Secret {
        Secret::from(&digest(parts)[..])
    }
}

impl Initiator for Share {
    fn share(&self) -> &[u8] {
        &self.0
    }
    fn finish(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Failure> {
        secret(&self.0, server_share)
    }
}

/// Like AES-GCM: the length is plain and not counted.
const GCM: Layout = Layout { block: 16, alignment: Alignment::WithoutLength, tag: 16, head: 4 };
/// Like AES-CTR with a MAC over the plain packet: the length is hidden in the first block.
const CTR: Layout = Layout { block: 16, alignment: Alignment::WithLength, tag: 16, head: 16 };

#[derive(Debug)]
struct ToyCipher {
    name: &'static str,
    layout: Layout,
}

struct Keyed {
    key: [u8; 32],
    layout: Layout,
}

impl Keyed {
    fn new(key: &Secret, iv: &Secret, layout: Layout) -> Self {
        Self { key: digest(&[key.expose(), iv.expose()]), layout }
    }

    /// How much of the length field is left plain.
    fn plain(&self) -> usize {
        if self.layout.head == 4 { 4 } else { 0 }
    }

    /// Applies the stream to bytes that begin `at` into the packet.
    fn apply(&self, sequence: u32, at: usize, bytes: &mut [u8]) {
        let stream = digest(&[&self.key, &sequence.to_be_bytes()]);
        let stream = stream.iter().cycle().skip(at % 32);
        bytes.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
    }

    fn tag(&self, sequence: u32, packet: &[u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        let digest = digest(&[&self.key, b"tag", &sequence.to_be_bytes(), packet]);
        tag.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        tag
    }
}

impl Cipher for ToyCipher {
    fn name(&self) -> &'static str {
        self.name
    }
    fn key_len(&self) -> usize {
        40
    }
    fn iv_len(&self) -> usize {
        12
    }
    fn sealer(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Seal>, Failure> {
        Ok(Box::new(Keyed::new(key, iv, self.layout)))
    }
    fn opener(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Open>, Failure> {
        Ok(Box::new(Keyed::new(key, iv, self.layout)))
    }
}

impl Seal for Keyed {
    fn layout(&self) -> Layout {
        self.layout
    }
    fn seal(&mut self, sequence: u32, packet: &mut [u8], tag: &mut [u8]) -> Result<(), Failure> {
        tag.copy_from_slice(&self.tag(sequence, packet));
        let plain = self.plain();
        let body = packet.get_mut(plain..).ok_or(Failure::Internal)?;
        self.apply(sequence, plain, body);
        Ok(())
    }
}

impl Open for Keyed {
    fn layout(&self) -> Layout {
        self.layout
    }
    fn length(&mut self, sequence: u32, head: &mut [u8]) -> u32 {
        if self.plain() == 0 {
            self.apply(sequence, 0, head);
        }
        head.first_chunk().map_or(0, |head| u32::from_be_bytes(*head))
    }
    fn open(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Failure> {
        let (packet, tag) = packet.split_last_chunk_mut::<16>().ok_or(Failure::BadTag)?;
        // The head was opened to read the length, or is the plain length.
        let head = self.layout.head;
        self.apply(sequence, head, packet.get_mut(head..).ok_or(Failure::BadTag)?);
        if *tag == self.tag(sequence, packet) { Ok(()) } else { Err(Failure::BadTag) }
    }
}

#[derive(Debug)]
struct Signature;

impl Verify for Signature {
    fn name(&self) -> &'static str {
        "toy-signature"
    }
    fn key_type(&self) -> &'static str {
        "toy-key"
    }
    fn verify(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let digest = digest(&[b"signed", key, message]);
        match wire::string(signature) {
            Ok(([], signature)) if signature == digest => Ok(()),
            _ => Err(Failure::BadSignature),
        }
    }
}

/// Four lanes of a multiplying hash; the lengths of the parts do not count, as in a real one.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let [mut a, mut b, mut c, mut d] = [0x9e37_79b9_7f4a_7c15_u64, 2, 3, 4];
    for part in parts {
        for byte in *part {
            let byte = u64::from(*byte);
            a = mix(a ^ byte ^ (1 << 32));
            b = mix(b ^ byte ^ (2 << 32));
            c = mix(c ^ byte ^ (3 << 32));
            d = mix(d ^ byte ^ (4 << 32));
        }
    }
    let mut out = [0; 32];
    for (chunk, lane) in out.chunks_mut(8).zip([a, b, c, d]) {
        let mixed = (lane ^ (lane >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 32)).to_be_bytes());
    }
    out
}

fn mix(lane: u64) -> u64 {
    let lane = lane.wrapping_mul(0x100_0000_01b3);
    lane ^ (lane >> 29)
}
