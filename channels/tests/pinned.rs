//! What a mux really holds, as the system counts it: pieces of messages must not keep alive
//! the buffers that the messages came in, beyond what is stated.

#![cfg(test)]
#![cfg(target_os = "linux")]

use std::time::Instant;

use adit_channels::mux::{KEPT_SLICES, Limits, Mux};
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::channel_open::{ChannelOpen, Kind};
use bytes::Bytes;

const READ_BUFFER: usize = 64 * 1024;
const MIB: usize = 1024 * 1024;

/// Resident memory of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    // The unit of the file; all Linux machines that this runs on have pages of 4 KiB.
    pages * 4096
}

/// A mux whose users accept everything and read nothing.
fn stalled(channels: u32) -> (Instant, Mux) {
    let now = Instant::now();
    let mut mux = Mux::new(now, Limits::default());
    for sender in 0..channels {
        let (sender, kind) = (ChannelId(sender), Kind::Session);
        let open = ChannelOpen { kind, sender, window: 0, max_packet: 1 };
        mux.handle_message(now, open.into()).unwrap();
        while let Some(offer) = mux.next_offer() {
            mux.accept(offer.id);
        }
        while mux.poll_message().is_some() {}
        while mux.poll_event().is_some() {}
    }
    (now, mux)
}

/// Sends pieces of `len` bytes, each alone in a read buffer of its own, to the channels in
/// turn. Yields the growth of this process.
fn send(channels: u32, pieces: u32, len: usize) -> usize {
    let (now, mut mux) = stalled(channels);
    let before = resident();
    for piece in 0..pieces {
        let data = Bytes::from(vec![7; READ_BUFFER]).slice(..len);
        let recipient = ChannelId(piece % channels);
        mux.handle_message(now, ChannelData { recipient, data }.into()).unwrap();
        while mux.poll_event().is_some() {}
    }
    assert_eq!(mux.load().inbox, len * usize::try_from(pieces).unwrap());
    resident().saturating_sub(before)
}

/// One test, since what one does to the memory of the process the other would see.
#[test]
fn stalled_readers_do_not_pin_read_buffers() {
    // Kept as they came, these would pin 640 MB.
    let growth = send(10, 10_000, 1);
    assert!(growth < 4 * MIB, "{growth} for 10,000 bytes");
    // These may be kept as they came, while they are few.
    let growth = send(100, 4000, 4096);
    let bound = 4000 * 4096 + KEPT_SLICES * READ_BUFFER;
    assert!(growth < bound + 8 * MIB, "{growth} for {bound}");
    // An idle channel.
    let before = resident();
    let (_, mux) = stalled(10_000);
    let each = resident().saturating_sub(before) / mux.load().channels;
    assert!(each < 1024, "{each} bytes for an idle channel");
}
