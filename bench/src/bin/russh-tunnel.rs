//! A local tunnel of russh, both ends, as somebody would write it from its examples: `direct-tcpip` channels as
//! streams, joined to sockets by tokio.

use std::borrow::Cow;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{Channel, Preferred, cipher, client, kex, server};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};

/// A tunnel of russh
#[derive(Debug, Parser)]
enum Words {
    /// Take connections and carry them through the server
    Client {
        listen: SocketAddr,
        server: SocketAddr,
        target: SocketAddr,
        #[arg(long)]
        key: PathBuf,
        #[arg(long)]
        cipher: Option<String>,
        /// Only curve25519-sha256 instead of the default
        #[arg(long)]
        curve25519: bool,
    },
    /// Serve tunnels
    Server {
        listen: SocketAddr,
        #[arg(long)]
        key: PathBuf,
        /// Needed for aes128-gcm, which a server does not offer by itself
        #[arg(long)]
        cipher: Option<String>,
    },
}

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Larger than tokio's 8 KiB, which halves its speed.
const BUFFER: usize = 64 * 1024;

#[tokio::main]
async fn main() -> Result<()> {
    match Words::parse() {
        Words::Client { listen, server, target, key, cipher, curve25519 } => {
            let preferred = preferred(cipher.as_deref(), curve25519)?;
            let config = client::Config { preferred, nodelay: true, ..Default::default() };
            run_client(listen, server, target, &key, config).await
        }
        Words::Server { listen, key, cipher } => {
            let preferred = preferred(cipher.as_deref(), false)?;
            run_server(listen, load_secret_key(key, None)?, preferred).await
        }
    }
}

fn preferred(cipher: Option<&str>, curve25519: bool) -> Result<Preferred> {
    let mut preferred = Preferred::default();
    if let Some(name) = cipher {
        let known = [cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305];
        let named = known.into_iter().find(|known| known.as_ref() == name);
        preferred.cipher = Cow::Owned(vec![named.ok_or("a cipher that russh has not")?]);
    }
    if curve25519 {
        let strict =
            [kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];
        preferred.kex = [kex::CURVE25519].into_iter().chain(strict).collect();
    }
    Ok(preferred)
}

async fn run_client(
    listen: SocketAddr,
    server: SocketAddr,
    target: SocketAddr,
    key: &Path,
    config: client::Config,
) -> Result<()> {
    let key = PrivateKeyWithHashAlg::new(Arc::new(load_secret_key(key, None)?), None);
    let mut session = client::connect(Arc::new(config), server, Trusting).await?;
    if !session.authenticate_publickey("bench", key).await?.success() {
        return Err("the login was refused".into());
    }
    let session = Arc::new(session);
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, origin) = listener.accept().await?;
        let session = Arc::clone(&session);
        tokio::spawn(async move {
            let (to, from) = (target.ip().to_string(), origin.ip().to_string());
            let (to_port, from_port) = (u32::from(target.port()), u32::from(origin.port()));
            let opened = session.channel_open_direct_tcpip(to, to_port, from, from_port).await;
            if let Ok(channel) = opened {
                join(stream, channel.into_stream()).await;
            }
        });
    }
}

/// Takes any host key: what is measured runs on one machine.
struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _: &PublicKeyOrCertificate,
    ) -> std::result::Result<bool, Self::Error> {
        Ok(true)
    }
}

async fn run_server(listen: SocketAddr, key: PrivateKey, preferred: Preferred) -> Result<()> {
    let config = Arc::new(server::Config {
        keys: vec![key],
        preferred,
        auth_rejection_time_initial: Some(Duration::ZERO),
        inactivity_timeout: None,
        nodelay: true,
        ..Default::default()
    });
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            if let Ok(session) = server::run_stream(config, stream, Guest).await {
                let _ = session.await;
            }
        });
    }
}

/// Whoever has a key, on a port that only this machine reaches.
struct Guest;

impl server::Handler for Guest {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: server::VerifiedPublicKey<'_>,
    ) -> std::result::Result<server::Auth, Self::Error> {
        Ok(server::Auth::Accept)
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<server::Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: server::ChannelOpenHandle,
        _: &mut server::Session,
    ) -> std::result::Result<(), Self::Error> {
        let target = (host.to_owned(), u16::try_from(port).unwrap_or_default());
        tokio::spawn(async move {
            match TcpStream::connect(target).await {
                Ok(stream) => {
                    reply.accept().await;
                    join(stream, channel.into_stream()).await;
                }
                Err(_) => reply.reject(russh::ChannelOpenFailure::ConnectFailed).await,
            }
        });
        Ok(())
    }
}

async fn join(mut socket: TcpStream, mut channel: impl AsyncRead + AsyncWrite + Unpin) {
    let _ = socket.set_nodelay(true);
    // Whichever side broke, dropping both tells the other.
    let _ = copy_bidirectional_with_sizes(&mut socket, &mut channel, BUFFER, BUFFER).await;
}
