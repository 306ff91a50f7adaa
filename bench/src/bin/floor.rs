//! The least that a tunnel of two processes can cost: frames of one size, sealed and opened by ring, one
//! system call for each frame and direction, no protocol, no windows, no channels.
//!
//! `floor near LISTEN PEER` stands where the SSH client stands, `floor far LISTEN TARGET` where the server does;
//! each connection has a connection of its own between them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

use clap::{Args, Parser, ValueEnum};
use ring::aead::{self, LessSafeKey, Nonce, UnboundKey};

/// A relay of two processes without SSH
#[derive(Debug, Parser)]
enum Words {
    /// Take plain connections and seal what they say
    Near(Ends),
    /// Take sealed connections and open what they say
    Far(Ends),
}

#[derive(Debug, Args)]
struct Ends {
    /// Where connections come from
    listen: SocketAddr,
    /// Where they go
    target: SocketAddr,
    /// Bytes of a frame
    #[arg(long, default_value_t = 32 * 1024, value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
    frame: u32,
    /// How frames are sealed
    #[arg(long, value_enum, default_value_t = Cipher::Aes128Gcm)]
    cipher: Cipher,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    None,
}

/// A frame's length, as SSH has it.
const HEADER: usize = 4;

fn main() -> ExitCode {
    match run(Words::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: Words) -> io::Result<()> {
    let (Words::Near(ends) | Words::Far(ends)) = &words;
    let near = matches!(words, Words::Near(_));
    let shape = Shape::new(ends)?;
    let listener = TcpListener::bind(ends.listen)?;
    loop {
        let inbound = listener.accept()?.0;
        let outbound = TcpStream::connect(ends.target)?;
        for stream in [&inbound, &outbound] {
            stream.set_nodelay(true)?;
        }
        let (plain, sealed) = if near { (inbound, outbound) } else { (outbound, inbound) };
        let (from, to) = (plain.try_clone()?, sealed.try_clone()?);
        thread::spawn(move || end(&to, seal(&from, &to, shape)));
        thread::spawn(move || end(&plain, open(&sealed, &plain, shape)));
    }
}

/// Hands on the end of a direction; what broke breaks the other side too.
fn end(to: &TcpStream, result: io::Result<()>) {
    let how = if result.is_ok() { Shutdown::Write } else { Shutdown::Both };
    // It may be closed already.
    let _ = to.shutdown(how);
}

/// How frames look. The key is no secret: this measures, and protects nothing.
#[derive(Clone, Copy, Debug)]
struct Shape {
    frame: usize,
    algorithm: Option<&'static aead::Algorithm>,
}

impl Shape {
    fn new(ends: &Ends) -> io::Result<Self> {
        let algorithm = match ends.cipher {
            Cipher::Aes128Gcm => Some(&aead::AES_128_GCM),
            Cipher::Aes256Gcm => Some(&aead::AES_256_GCM),
            Cipher::ChaCha20Poly1305 => Some(&aead::CHACHA20_POLY1305),
            Cipher::None => None,
        };
        let frame = usize::try_from(ends.frame).map_err(io::Error::other)?;
        Ok(Self { frame, algorithm })
    }

    fn key(self) -> io::Result<Option<LessSafeKey>> {
        let Some(algorithm) = self.algorithm else { return Ok(None) };
        let bytes = [7; 32];
        let bytes = bytes.get(..algorithm.key_len()).unwrap_or(&bytes);
        let key = UnboundKey::new(algorithm, bytes).map_err(|_| io::Error::other("no key"))?;
        Ok(Some(LessSafeKey::new(key)))
    }

    fn tag(self) -> usize {
        self.algorithm.map_or(0, aead::Algorithm::tag_len)
    }
}

/// Frames in order, each with a nonce of its own.
#[derive(Debug, Default)]
struct Counter(u64);

impl Counter {
    fn next(&mut self) -> Nonce {
        let [a, b, c, d, e, f, g, h] = self.0.to_be_bytes();
        self.0 += 1;
        Nonce::assume_unique_for_key([0, 0, 0, 0, a, b, c, d, e, f, g, h])
    }
}

/// One read, one frame, one write.
fn seal(mut from: &TcpStream, mut to: &TcpStream, shape: Shape) -> io::Result<()> {
    let failed = |_| io::Error::other("a frame cannot be sealed");
    let (key, mut counter) = (shape.key()?, Counter::default());
    let mut buffer = vec![0; HEADER + shape.frame + shape.tag()];
    loop {
        let (header, body) = buffer.split_at_mut(HEADER);
        let room = body.get_mut(..shape.frame).unwrap_or_default();
        let length = from.read(room)?;
        if length == 0 {
            return Ok(());
        }
        let count = u32::try_from(length).map_err(io::Error::other)?.to_be_bytes();
        header.copy_from_slice(&count);
        let sealed = body.get_mut(..length + shape.tag()).unwrap_or_default();
        let (plain, space) = sealed.split_at_mut(length);
        if let Some(key) = &key {
            let tag = key
                .seal_in_place_separate_tag(counter.next(), aead::Aad::from(count), plain)
                .map_err(failed)?;
            space.copy_from_slice(tag.as_ref());
        }
        to.write_all(buffer.get(..HEADER + length + shape.tag()).unwrap_or_default())?;
    }
}

/// As many reads as a frame needs, one write.
fn open(mut from: &TcpStream, mut to: &TcpStream, shape: Shape) -> io::Result<()> {
    let failed = |_| io::Error::other("a frame cannot be opened");
    let (key, mut counter) = (shape.key()?, Counter::default());
    let whole = HEADER + shape.frame + shape.tag();
    let mut buffer = vec![0; 2 * whole];
    let (mut start, mut end) = (0, 0);
    loop {
        let waiting = buffer.get_mut(start..end).unwrap_or_default();
        if let Some((header, body)) = waiting.split_first_chunk_mut::<HEADER>() {
            let plain = usize::try_from(u32::from_be_bytes(*header)).map_err(io::Error::other)?;
            if plain > shape.frame {
                return Err(io::Error::other("a frame is too long"));
            }
            if let Some(sealed) = body.get_mut(..plain + shape.tag()) {
                let opened = match &key {
                    Some(key) => key
                        .open_in_place(counter.next(), aead::Aad::from(*header), sealed)
                        .map_err(failed)?,
                    None => sealed,
                };
                to.write_all(opened)?;
                start += HEADER + plain + shape.tag();
                continue;
            }
        }
        buffer.copy_within(start..end, 0);
        (start, end) = (0, end - start);
        let length = from.read(buffer.get_mut(end..).unwrap_or_default())?;
        match (length, end) {
            (0, 0) => return Ok(()),
            (0, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
            (length, _) => end += length,
        }
    }
}
