//! What channels cost: memory for an idle one, and time for a message, with few channels and
//! with many.
//!
//! `cargo run --release -p adit-channels --example figures`

use std::error::Error;
use std::time::{Duration, Instant};

use adit_channels::memory::{self, Path};
use adit_channels::mux::{Id, Limits, Mux, Stream, Taken, Violation};
use adit_channels::session::{Channel, Config, Session};
use adit_proto::message::channel_open::Kind;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:>8} {:>12} {:>12} {:>12}", "channels", "1 B, ns", "32 KiB, ns", "idle, bytes");
    for channels in [1, 100, 1000, 10_000] {
        let before = resident();
        let (mut pair, here, there) = Pair::open(channels)?;
        let idle = resident().saturating_sub(before) / 2 / channels;
        // For few it says what a page is, and no more.
        let idle = if channels < 1000 { "-".to_owned() } else { idle.to_string() };
        let small = pair.time(here, there, &Bytes::from_static(b"x"), 200_000)?;
        let large = pair.time(here, there, &Bytes::from(vec![7; 32 * 1024]), 100_000)?;
        println!("{channels:>8} {small:>12} {large:>12} {idle:>12}");
    }
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(sessions())
}

/// Two muxes, joined.
struct Pair {
    now: Instant,
    here: Mux,
    there: Mux,
}

impl Pair {
    /// A pair with so many channels, and one of them by both of its names.
    fn open(channels: usize) -> Result<(Self, Id, Id), Box<dyn Error>> {
        let now = Instant::now();
        let mux = || Mux::new(now, Limits::default());
        let mut pair = Self { now, here: mux(), there: mux() };
        let mut last = Err("no channel");
        for _ in 0..channels {
            let here = pair.here.open(Kind::Session)?;
            pair.exchange()?;
            let there = pair.there.next_offer().ok_or("no offer")?.id;
            pair.there.accept(there);
            pair.exchange()?;
            last = Ok((here, there));
        }
        let (here, there) = last?;
        Ok((pair, here, there))
    }

    fn exchange(&mut self) -> Result<(), Violation> {
        while self.here.has_message() || self.there.has_message() {
            while let Some(message) = self.here.poll_message() {
                self.there.handle_message(self.now, message)?;
            }
            while let Some(message) = self.there.poll_message() {
                self.here.handle_message(self.now, message)?;
            }
        }
        while self.here.poll_event().is_some() {}
        while self.there.poll_event().is_some() {}
        Ok(())
    }

    /// Nanoseconds for a message: written, sent, received, read and credited.
    fn time(
        &mut self,
        here: Id,
        there: Id,
        data: &Bytes,
        rounds: u32,
    ) -> Result<u128, Box<dyn Error>> {
        let start = Instant::now();
        for _ in 0..rounds {
            self.here.write_chunk(here, Stream::Main, &mut data.clone())?;
            self.exchange()?;
            while let Taken::Data(data) = self.there.take(there, Stream::Main) {
                self.there.consume(there, data.len());
            }
        }
        Ok(start.elapsed().checked_div(rounds).unwrap_or_default().as_nanos())
    }
}

/// The same through sessions, tasks and streams.
async fn sessions() -> Result<(), Box<dyn Error>> {
    let (here, there) = memory::pair(Path::default());
    let (here, mut there) =
        (Session::new(here, Config::default()), Session::new(there, Config::default()));
    tokio::spawn(here.driver);
    tokio::spawn(there.driver);
    let before = resident();
    let mut idle: Vec<(Channel, Channel)> = Vec::new();
    let start = Instant::now();
    for _ in 0..10_000 {
        let asked = here.handle.open(Kind::Session);
        let far = there.openings.next().await.ok_or("the session has ended")?.accept();
        idle.push((asked.await?, far));
    }
    let memory = resident().saturating_sub(before) / 2 / idle.len();
    let opening = start.elapsed().checked_div(10_000).unwrap_or_default();
    println!("a channel of a session: opened in {opening:?}, {memory} bytes on either side");

    let (mut near, mut far) = idle.pop().ok_or("no channel")?;
    let mut byte = [0];
    let start = Instant::now();
    for _ in 0..50_000 {
        near.write_all(&byte).await?;
        far.read_exact(&mut byte).await?;
        far.write_all(&byte).await?;
        near.read_exact(&mut byte).await?;
    }
    println!(
        "a byte there and back: {:?}",
        start.elapsed().checked_div(50_000).unwrap_or_default()
    );

    let writer = tokio::spawn(async move {
        let data = vec![7; 64 * 1024];
        for _ in 0..64 * 1024 {
            near.write_all(&data).await?;
        }
        near.shutdown().await
    });
    let start = Instant::now();
    let mut bytes: u64 = 0;
    while let Some(chunk) = far.chunk().await? {
        bytes += u64::try_from(chunk.len())?;
    }
    writer.await??;
    let gib = Duration::as_secs_f64(&start.elapsed()) * f64::from(1 << 30);
    println!(
        "bulk: {:.3} s for a GiB",
        gib / f64::from(u32::try_from(bytes >> 20)?) / f64::from(1 << 20)
    );
    Ok(())
}

/// Resident memory of this process, or nothing where the system does not say.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0_usize) * 4096
}
