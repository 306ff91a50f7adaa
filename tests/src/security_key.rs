//! A security key in software, behind an agent: it signs what such a key signs, and says of its
//! holder what it is told to.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use adit_proto::wire::{self, Put};
use adit_transport::public_key::PublicKey;
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};

const TYPE: &str = "sk-ssh-ed25519@openssh.com";
const APPLICATION: &str = "ssh:";

/// The flag that says that the key was touched.
pub const TOUCHED: u8 = 1;

/// The flag that says that its holder was verified.
pub const VERIFIED: u8 = 4;

/// An agent that holds one security key, until the process ends.
#[derive(Debug)]
pub struct SecurityKey {
    socket: PathBuf,
    public: PublicKey,
}

impl SecurityKey {
    /// Starts the agent in a folder. Its signatures have these flags. The public half is written to
    /// `sk.pub`.
    ///
    /// # Panics
    /// Where the system has no socket to give.
    pub fn start(folder: &Path, flags: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let mut wire = Vec::new();
        for part in [TYPE.as_bytes(), pair.public_key().as_ref(), APPLICATION.as_bytes()] {
            wire.put_string(part);
        }
        let public = PublicKey::from_wire(Bytes::from(wire)).unwrap();
        fs::write(folder.join("sk.pub"), format!("{public} sk\n")).unwrap();
        let socket = folder.join(format!("sk{flags}.agent"));
        let listener = UnixListener::bind(&socket).unwrap();
        let held = public.wire().clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Whoever hangs up ends its own connection only.
                let _ = serve(&mut stream.unwrap(), &pair, &held, flags);
            }
        });
        Self { socket, public }
    }

    /// Where the agent listens.
    pub fn socket(&self) -> String {
        self.socket.display().to_string()
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

fn serve(
    stream: &mut UnixStream,
    pair: &Ed25519KeyPair,
    held: &[u8],
    flags: u8,
) -> std::io::Result<()> {
    loop {
        let mut len = [0; 4];
        stream.read_exact(&mut len)?;
        let mut request = vec![0; usize::try_from(u32::from_be_bytes(len)).unwrap()];
        stream.read_exact(&mut request)?;
        let mut answer = Vec::new();
        match request.first() {
            Some(11) => {
                answer.extend([12, 0, 0, 0, 1]);
                answer.put_string(held);
                answer.put_string(b"a security key");
            }
            Some(13) => {
                let (rest, _key) = wire::string(&request[1..]).unwrap();
                let (_, data) = wire::string(rest).unwrap();
                answer.push(14);
                answer.put_string(&sign(pair, data, flags));
            }
            // It binds to no session.
            _ => answer.push(5),
        }
        let mut message = Vec::new();
        message.put_string(&answer);
        stream.write_all(&message)?;
    }
}

fn sign(pair: &Ed25519KeyPair, data: &[u8], flags: u8) -> Vec<u8> {
    let tail = [flags, 0, 0, 0, 1];
    let mut signed = digest(&SHA256, APPLICATION.as_bytes()).as_ref().to_vec();
    signed.extend(tail);
    signed.extend(digest(&SHA256, data).as_ref());
    let mut signature = Vec::new();
    signature.put_string(TYPE.as_bytes());
    signature.put_string(pair.sign(&signed).as_ref());
    signature.extend(tail);
    signature
}
