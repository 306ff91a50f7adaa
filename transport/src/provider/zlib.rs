//! Compression by zlib, [RFC 4253 section 6.2](https://www.rfc-editor.org/rfc/rfc4253#section-6.2).

use adit_proto::provider::{Compress, Compression, Decompress, Failure};
use flate2::{FlushCompress, FlushDecompress, Status};

/// `zlib@openssh.com`, which begins when the user is logged in
/// ([draft-miller-secsh-compression-delayed](https://datatracker.ietf.org/doc/html/draft-miller-secsh-compression-delayed-00)).
#[derive(Debug, Clone, Copy)]
pub struct Zlib;

/// How much room is made at a time.
const ROOM: usize = 16 * 1024;

impl Compression for Zlib {
    fn name(&self) -> &'static str {
        "zlib@openssh.com"
    }

    fn compressor(&self) -> Box<dyn Compress> {
        Box::new(Deflate(flate2::Compress::new(flate2::Compression::default(), true)))
    }

    fn decompressor(&self) -> Box<dyn Decompress> {
        Box::new(Inflate(flate2::Decompress::new(true)))
    }
}

struct Deflate(flate2::Compress);

impl Compress for Deflate {
    /// Every payload is flushed, so that the peer has all of it.
    fn compress(&mut self, mut payload: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            out.reserve(ROOM);
            let before = self.0.total_in();
            self.0
                .compress_vec(payload, out, FlushCompress::Sync)
                .map_err(|_| Failure::Internal)?;
            payload = rest(payload, before, self.0.total_in());
            // Room that is left shows that nothing is held back.
            if payload.is_empty() && out.len() < out.capacity() {
                return Ok(());
            }
        }
    }
}

struct Inflate(flate2::Decompress);

impl Decompress for Inflate {
    fn decompress(
        &mut self,
        mut compressed: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let bad = |_| Failure::BadCompression;
        loop {
            out.reserve(ROOM.min(limit.saturating_sub(out.len())).max(1));
            let (before, filled) = (self.0.total_in(), out.len());
            let status = self.0.decompress_vec(compressed, out, FlushDecompress::Sync);
            let status = status.map_err(bad)?;
            compressed = rest(compressed, before, self.0.total_in());
            // A stream that ends has nothing for the next packet.
            if out.len() > limit || status == Status::StreamEnd {
                return Err(Failure::BadCompression);
            }
            // There is room, and nothing more comes or goes.
            let stands_still = out.len() == filled && before == self.0.total_in();
            if stands_still {
                return if compressed.is_empty() { Ok(()) } else { Err(Failure::BadCompression) };
            }
        }
    }
}

/// What of `input` is left when the total went from `before` to `after`.
fn rest(input: &[u8], before: u64, after: u64) -> &[u8] {
    let taken = usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX);
    input.get(taken..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 300_000;

    struct Pair {
        compressor: Box<dyn Compress>,
        decompressor: Box<dyn Decompress>,
    }

    impl Pair {
        fn new() -> Self {
            Self { compressor: Zlib.compressor(), decompressor: Zlib.decompressor() }
        }

        fn compress(&mut self, payload: &[u8]) -> Vec<u8> {
            let mut out = Vec::new();
            self.compressor.compress(payload, &mut out).unwrap();
            out
        }

        fn decompress(&mut self, compressed: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
            let mut out = Vec::new();
            self.decompressor.decompress(compressed, limit, &mut out).map(|()| out)
        }
    }

    #[test]
    fn what_was_sent_before_makes_it_shorter() {
        let mut pair = Pair::new();
        let payload: Vec<u8> =
            (0..2000_u32).map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let first = pair.compress(&payload);
        let second = pair.compress(&payload);
        assert!(second.len() * 10 < first.len(), "{} {}", first.len(), second.len());
        assert_eq!(pair.decompress(&first, LIMIT).unwrap(), payload);
        assert_eq!(pair.decompress(&second, LIMIT).unwrap(), payload);
    }

    #[test]
    fn a_payload_beyond_the_limit_is_refused_before_it_is_whole() {
        let compressed = Pair::new().compress(&vec![0; 64 << 20]);
        assert!(compressed.len() < 100_000, "it is worth an attack");
        for limit in [0, 1, 1000, LIMIT] {
            let mut out = Vec::new();
            let refused = Zlib.decompressor().decompress(&compressed, limit, &mut out);
            assert_eq!(refused, Err(Failure::BadCompression));
            assert!(out.capacity() <= 2 * limit + 2 * ROOM, "{} for {limit}", out.capacity());
        }
    }

    #[test]
    fn the_limit_itself_is_within_it() {
        for len in [1, 100, ROOM - 1, ROOM, ROOM + 1, 3 * ROOM, 262_144] {
            let mut pair = Pair::new();
            let payload = vec![7; len];
            let compressed = pair.compress(&payload);
            assert_eq!(pair.decompress(&compressed, len).unwrap(), payload, "{len}");
            let mut other = Pair::new();
            assert!(other.decompress(&compressed, len - 1).is_err(), "{len}");
        }
    }

    #[test]
    fn a_stream_that_ends_or_is_none_is_refused() {
        let mut ended = Vec::with_capacity(100);
        let mut compress = flate2::Compress::new(flate2::Compression::default(), true);
        compress.compress_vec(b"payload", &mut ended, FlushCompress::Finish).unwrap();
        for bad in [&ended[..], b"no zlib at all", &[0x78, 0x9c, 0xff, 0xff]] {
            assert_eq!(Pair::new().decompress(bad, LIMIT), Err(Failure::BadCompression));
        }
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_out(payloads in vec(vec(any::<u8>(), 1..40_000), 1..4)) {
            let mut pair = Pair::new();
            for payload in payloads {
                let compressed = pair.compress(&payload);
                prop_assert_eq!(pair.decompress(&compressed, 40_000).unwrap(), payload);
            }
        }

        #[test]
        fn arbitrary_bytes_do_not_panic_or_hang(noise in vec(any::<u8>(), 0..200)) {
            let _ = Pair::new().decompress(&noise, 1000);
            let _ = Pair::new().decompress(&[&[0x78, 0x9c][..], &noise].concat(), 1000);
        }
    }
}
