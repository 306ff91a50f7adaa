//! A local tunnel through an SSH server:
//! `cargo run -p adit-forward --example tunnel -- 8080:intranet:80 alice gateway.example 22 KEYFILE`

use std::error::Error;

use adit_channels::session::{Config, Session};
use adit_forward::{channel, fixed::Fixed, relay, socket, spec, tcp, unix};
use adit_transport::identity::{Identity, private_key};
use adit_transport::known_hosts::{KnownHosts, host::Host};
use adit_transport::login::{self, Login, candidate::Candidate};
use adit_transport::trust::{Policy, Trust};
use adit_transport::{client::Client, config, ident::Identification, prompt, provider, secret};

struct Nobody;

impl prompt::Prompt for Nobody {
    async fn ask(&mut self, _: &str) -> Option<String> {
        None
    }
    async fn ask_secret(&mut self, _: &str) -> Option<secret::Secret> {
        None
    }
    fn tell(&mut self, words: &str) {
        eprintln!("{words}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [spec, user, host, port, key] = arguments.as_slice() else {
        return Err("arguments: SPEC USER HOST PORT KEYFILE".into());
    };
    let (tunnel, port): (spec::Local, u16) = (spec.parse()?, port.parse()?);
    let private_key::Parsed::Plain(identity) = private_key::load(key.as_ref())? else {
        return Err("the key needs a passphrase".into());
    };

    let common = config::Common::new(provider::default(), Identification::own("example")?);
    let login = login::Config {
        destination: format!("{user}@{host}"),
        signatures: common.algorithms.signatures.clone(),
        interactive: 0,
        password: 0,
    };
    let login = Login::new(login, [Candidate::ready(Identity::from_key(identity, key))]);
    let known = KnownHosts::load([".known_hosts"]);
    let trust = Trust::new(Policy::Strict, Host::new(host, port), known, None);

    let stream = tcp::connect(tcp::resolve(host, port).await?).await?;
    let config = config::ClientConfig::new(common, user.clone());
    let link = Client::new(trust, login, Nobody).connect(stream, &config).await?;
    let session = Session::new(link, Config::default());
    tokio::spawn(session.driver);

    let listener = socket::Listener::bind(&tunnel.entry, unix::Existing::Keep).await?;
    println!("listening on {listener}");
    let listen = Fixed::new(listener, tunnel.target);
    relay::relay(listen, channel::Dialer::new(session.handle), relay::Limits::default()).await?;
    Ok(())
}
