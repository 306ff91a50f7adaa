//! Cryptography without any secrecy, for examples and tests of the state machine.
//!
//! It has the form of the real thing: two shares that make a secret, a keyed stream, a tag
//! that every altered bit breaks. Anybody can break it; nobody may use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use adit_proto::config::HostKey;
use adit_proto::name::NameList;
use adit_proto::provider::{
    Alignment, Authenticate, Cipher, Compress, Compression, Decompress, Failure, Group,
    GroupExchange, GroupSize, Initiator, KeyExchange, Keystream, Layout, Mac, MacOrder, Open,
    Provider, Random, Seal, SharedSecret, Standing, StreamCipher, Verify,
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
            Box::new(Exchange { name: "toy-b", random: Arc::clone(&random) }),
        ],
        group_exchanges: vec![Box::new(Groups(random))],
        ciphers: vec![
            Box::new(ToyCipher { name: "toy-gcm", layout: GCM }),
            Box::new(ToyCipher { name: "toy-ctr", layout: CTR }),
        ],
        stream_ciphers: vec![Box::new(ToyStream)],
        macs: vec![
            Box::new(ToyMac { name: "toy-etm", order: MacOrder::EncryptThenMac }),
            Box::new(ToyMac { name: "toy-mac", order: MacOrder::EncryptAndMac }),
        ],
        compressions: vec![Box::new(Runs)],
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

/// An exchange over a "group", which is only hashed into the secret.
#[derive(Debug)]
struct Groups(Arc<Counter>);

impl GroupExchange for Groups {
    fn name(&self) -> &'static str {
        "toy-group"
    }
    fn standing(&self) -> Standing {
        Standing::Named
    }
    fn wanted(&self) -> GroupSize {
        GroupSize { min: 64, preferred: 128, max: 256 }
    }
    fn choose(&self, size: GroupSize) -> Result<Group, Failure> {
        let bits = size.preferred.clamp(64, 512);
        if !(size.min..=size.max).contains(&bits) {
            return Err(Failure::BadGroup);
        }
        let len = usize::try_from(bits / 8).map_err(|_| Failure::Internal)?;
        Ok(Group { prime: vec![0xfb; len].into(), generator: Bytes::from_static(&[5]) })
    }
    fn over(&self, group: &Group, size: GroupSize) -> Result<Box<dyn KeyExchange>, Failure> {
        let bits = u32::try_from(group.prime.len() * 8).map_err(|_| Failure::BadGroup)?;
        if !(size.min..=size.max).contains(&bits) {
            return Err(Failure::BadGroup);
        }
        Ok(Box::new(Exchange { name: "toy-group", random: Arc::clone(&self.0) }))
    }
}

/// A cipher that only conceals.
#[derive(Debug)]
struct ToyStream;

struct Stream {
    key: [u8; 32],
    /// Where in the stream of keys the next byte is.
    at: u64,
}

impl StreamCipher for ToyStream {
    fn name(&self) -> &'static str {
        "toy-stream"
    }
    fn key_len(&self) -> usize {
        24
    }
    fn block_len(&self) -> usize {
        16
    }
    fn keystream(&self, key: &Secret, iv: &Secret) -> Result<Box<dyn Keystream>, Failure> {
        Ok(Box::new(Stream { key: digest(&[key.expose(), iv.expose()]), at: 0 }))
    }
}

impl Keystream for Stream {
    fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Failure> {
        for byte in bytes {
            let [key, ..] = digest(&[&self.key, &self.at.to_be_bytes()]);
            *byte ^= key;
            self.at += 1;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct ToyMac {
    name: &'static str,
    order: MacOrder,
}

struct Tagger(Secret);

impl Mac for ToyMac {
    fn name(&self) -> &'static str {
        self.name
    }
    fn key_len(&self) -> usize {
        20
    }
    fn tag_len(&self) -> usize {
        16
    }
    fn order(&self) -> MacOrder {
        self.order
    }
    fn authenticator(&self, key: &Secret) -> Result<Box<dyn Authenticate>, Failure> {
        Ok(Box::new(Tagger(key.clone())))
    }
}

impl Authenticate for Tagger {
    fn tag(&self, sequence: u32, packet: &[u8], tag: &mut [u8]) -> Result<(), Failure> {
        let digest = digest(&[self.0.expose(), b"tag", &sequence.to_be_bytes(), packet]);
        tag.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Ok(())
    }
    fn verify(&self, sequence: u32, packet: &[u8], tag: &[u8]) -> Result<(), Failure> {
        let mut expected = [0; 16];
        self.tag(sequence, packet, &mut expected)?;
        if *tag == expected { Ok(()) } else { Err(Failure::BadTag) }
    }
}

/// Runs of equal bytes, each as its length and the byte, behind the number of the payload: a
/// payload that is left out, or compressed from a fresh start, is noticed.
#[derive(Debug)]
struct Runs;

#[derive(Default)]
struct Numbered(u8);

impl Compression for Runs {
    fn name(&self) -> &'static str {
        "toy-runs"
    }
    fn compressor(&self) -> Box<dyn Compress> {
        Box::new(Numbered::default())
    }
    fn decompressor(&self) -> Box<dyn Decompress> {
        Box::new(Numbered::default())
    }
}

impl Compress for Numbered {
    fn compress(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        out.push(self.0);
        self.0 = self.0.wrapping_add(1);
        for run in payload.chunk_by(|one, other| one == other).flat_map(|run| run.chunks(255)) {
            if let Some(byte) = run.first() {
                out.extend([u8::try_from(run.len()).map_err(|_| Failure::Internal)?, *byte]);
            }
        }
        Ok(())
    }
}

impl Decompress for Numbered {
    fn decompress(
        &mut self,
        compressed: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let (number, runs) = compressed.split_first().ok_or(Failure::BadCompression)?;
        if *number != self.0 {
            return Err(Failure::BadCompression);
        }
        self.0 = self.0.wrapping_add(1);
        for run in runs.chunks(2) {
            let [len, byte] = run else { return Err(Failure::BadCompression) };
            if out.len() + usize::from(*len) > limit {
                return Err(Failure::BadCompression);
            }
            out.extend(std::iter::repeat_n(*byte, usize::from(*len)));
        }
        Ok(())
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
