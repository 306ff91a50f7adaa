//! What a packet costs: sealed, opened, decoded; and a message's way through two muxes.
//!
//! `cargo bench -p adit-tests`

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use adit_channels::mux::{Id, Limits, Mux, Stream, Taken};
use adit_proto::message::channel_open::Kind;
use adit_proto::message::connection::ConnectionMessage;
use adit_proto::provider::{Cipher, Open, Seal};
use adit_proto::secret::Secret;
use adit_transport::provider;
use bytes::{BufMut, Bytes, BytesMut};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

const CIPHERS: [&str; 3] =
    ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"];

/// A key press, a segment, the packet that every peer takes.
const LENGTHS: [usize; 3] = [64, 1456, 32 * 1024];

fn main() {
    divan::main();
}

#[divan::bench(args = CIPHERS, consts = LENGTHS)]
fn seal<const LENGTH: usize>(bencher: Bencher<'_, '_>, name: &str) {
    let mut sealer = sealer(name);
    let mut packet = vec![0; LENGTH];
    let mut tag = vec![0; sealer.layout().tag];
    bencher.counter(BytesCount::new(LENGTH)).bench_local(|| {
        head(&mut packet);
        sealer.seal(7, &mut packet, &mut tag).expect("a packet that can be sealed");
    });
}

/// What a session seals for one write: by one thread, and with another that is handed a half of it.
#[divan::bench(args = CIPHERS, consts = [1, 2])]
fn seal_for_a_write<const THREADS: usize>(bencher: Bencher<'_, '_>, name: &'static str) {
    const PACKETS: usize = 16;
    const LENGTH: usize = 32 * 1024;
    let (give, given) = mpsc::channel::<Vec<Vec<u8>>>();
    let (give_back, given_back) = mpsc::channel();
    let other = thread::spawn(move || {
        let mut sealer = sealer(name);
        for mut packets in given {
            seal_all(&mut *sealer, &mut packets);
            if give_back.send(packets).is_err() {
                return;
            }
        }
    });
    let mut sealer = sealer(name);
    let mut own = vec![vec![0; LENGTH]; PACKETS / THREADS];
    let mut lent = own.clone();
    bencher.counter(BytesCount::new(PACKETS * LENGTH)).bench_local(|| {
        if THREADS > 1 {
            give.send(std::mem::take(&mut lent)).expect("the other thread takes it");
        }
        seal_all(&mut *sealer, &mut own);
        if THREADS > 1 {
            lent = given_back.recv().expect("the other thread gives it back");
        }
    });
    drop(give);
    other.join().expect("the other thread ends");
}

fn seal_all(sealer: &mut dyn Seal, packets: &mut [Vec<u8>]) {
    let mut tag = vec![0; sealer.layout().tag];
    for packet in packets {
        head(packet);
        sealer.seal(7, packet, &mut tag).expect("a packet that can be sealed");
    }
}

#[divan::bench(args = CIPHERS, consts = LENGTHS)]
fn open<const LENGTH: usize>(bencher: Bencher<'_, '_>, name: &str) {
    let (mut sealer, mut opener) = (sealer(name), opener(name));
    let (layout, mut tag) = (sealer.layout(), vec![0; sealer.layout().tag]);
    // Ciphers that count packets want each as it was sealed, so it is sealed again for each.
    let mut sequence = 0;
    bencher
        .counter(BytesCount::new(LENGTH))
        .with_inputs(|| {
            let mut packet = vec![0; LENGTH];
            head(&mut packet);
            sequence += 1;
            sealer.seal(sequence, &mut packet, &mut tag).expect("a packet that can be sealed");
            packet.extend(&tag);
            (sequence, packet)
        })
        .bench_local_values(|(sequence, mut packet)| {
            let _ = opener.length(sequence, packet.get_mut(..layout.head).unwrap_or_default());
            opener.open(sequence, &mut packet).expect("a packet that was sealed");
            packet
        });
}

#[divan::bench(args = LENGTHS)]
fn decode(bencher: Bencher<'_, '_>, length: usize) {
    let payload = channel_data(length);
    bencher.counter(BytesCount::new(length)).bench_local(|| {
        ConnectionMessage::decode(black_box(&payload)).expect("a message that is well formed")
    });
}

/// A message's turn: written to one mux, sent, received by the other, read and credited, with so many other channels.
#[divan::bench(args = [1, 1000], consts = LENGTHS)]
fn turn<const LENGTH: usize>(bencher: Bencher<'_, '_>, channels: usize) {
    let mut pair = Pair::open(channels);
    let data = Bytes::from(vec![7; LENGTH]);
    bencher.counter(BytesCount::new(LENGTH)).bench_local(|| pair.carry(&data));
}

fn sealer(name: &str) -> Box<dyn Seal> {
    with_cipher(name, |cipher, key, iv| cipher.sealer(key, iv).expect("lengths of the cipher"))
}

fn opener(name: &str) -> Box<dyn Open> {
    with_cipher(name, |cipher, key, iv| cipher.opener(key, iv).expect("lengths of the cipher"))
}

fn with_cipher<T>(name: &str, make: impl FnOnce(&dyn Cipher, &Secret, &Secret) -> T) -> T {
    let provider = provider::default();
    let cipher = provider.ciphers.iter().find(|it| it.name() == name).expect("a known cipher");
    make(cipher.as_ref(), &Secret::zeroed(cipher.key_len()), &Secret::zeroed(cipher.iv_len()))
}

/// The length field, as the peer would read it.
fn head(packet: &mut [u8]) {
    let length = u32::try_from(packet.len() - 4).expect("a short packet");
    packet[..4].copy_from_slice(&length.to_be_bytes());
}

/// SSH_MSG_CHANNEL_DATA, [RFC 4254 section 5.2](https://www.rfc-editor.org/rfc/rfc4254#section-5.2).
fn channel_data(length: usize) -> Bytes {
    let mut payload = BytesMut::new();
    payload.put_u8(94);
    payload.put_u32(3);
    payload.put_u32(u32::try_from(length).expect("a short packet"));
    payload.put_bytes(7, length);
    payload.freeze()
}

/// Two muxes, joined, with a channel between them.
struct Pair {
    now: Instant,
    here: Mux,
    there: Mux,
    near: Id,
    far: Id,
}

impl Pair {
    fn open(channels: usize) -> Self {
        let now = Instant::now();
        let [mut here, mut there] = [(); 2].map(|()| Mux::new(now, Limits::default()));
        let mut last = None;
        for _ in 0..channels {
            let near = here.open(Kind::Session).expect("room for a channel");
            exchange(now, &mut here, &mut there);
            let far = there.next_offer().expect("the offer of a channel").id;
            there.accept(far);
            exchange(now, &mut here, &mut there);
            last = Some((near, far));
        }
        let (near, far) = last.expect("a channel at least");
        Self { now, here, there, near, far }
    }

    fn carry(&mut self, data: &Bytes) {
        self.here.write_chunk(self.near, Stream::Main, &mut data.clone()).expect("an open channel");
        exchange(self.now, &mut self.here, &mut self.there);
        while let Taken::Data(data) = self.there.take(self.far, Stream::Main) {
            self.there.consume(self.far, data.len());
        }
    }
}

fn exchange(now: Instant, here: &mut Mux, there: &mut Mux) {
    while here.has_message() || there.has_message() {
        while let Some(message) = here.poll_message() {
            there.handle_message(now, message).expect("a message of an honest peer");
        }
        while let Some(message) = there.poll_message() {
            here.handle_message(now, message).expect("a message of an honest peer");
        }
    }
    while here.poll_event().is_some() {}
    while there.poll_event().is_some() {}
}
