//! What a connection is, for those who ask.

use std::path::PathBuf;

use adit_transport::client::Client;
use tokio::time::Instant;

use crate::client::witness::Witness;
use crate::prompt::Terminal;

/// What a connection is: gathered on the way, and told by [`report`](crate::control::report).
#[derive(Debug)]
pub(crate) struct Facts {
    /// The way to the server in words.
    pub(crate) way: String,
    /// What the server is called.
    pub(crate) host: String,
    /// The socket.
    pub(crate) socket: PathBuf,
    /// Since when there is a connection.
    pub(super) since: Instant,
    /// How it was reached.
    pub(super) reached: String,
    /// Names and values of what was agreed with the server, and what it says it is.
    pub(super) agreed: Vec<(&'static str, String)>,
}

impl Facts {
    /// Nothing is known yet but where it goes, and where the socket is to be.
    pub(crate) fn new(way: String, host: String, socket: PathBuf) -> Self {
        let (since, reached, agreed) = (Instant::now(), String::new(), Vec::new());
        Self { way, host, socket, since, reached, agreed }
    }
}

/// The last server that was spoken to counts.
impl Witness for Facts {
    fn reached(&mut self, how: &str, _: std::time::Duration) {
        how.clone_into(&mut self.reached);
    }

    fn spoke(&mut self, client: &Client<Terminal>) {
        self.since = Instant::now();
        self.agreed.clear();
        let mut put = |name, value: Option<String>| {
            self.agreed.extend(value.map(|it| (name, it)));
        };
        put("server", client.identification().map(str::to_owned));
        put("host key", client.host_key_shown().map(|key| key.fingerprint().to_string()));
        put("login", client.accepted().map(str::to_owned));
        let Some(agreement) = client.agreement() else { return };
        put("key exchange", Some(agreement.exchange.clone()));
        put("host key algorithm", Some(agreement.host_key.clone()));
        put(
            "cipher",
            Some(both(&agreement.cipher_client_to_server, &agreement.cipher_server_to_client)),
        );
        let macs = agreement
            .mac_client_to_server
            .as_deref()
            .zip(agreement.mac_server_to_client.as_deref());
        put("mac", macs.map(|(out, back)| both(out, back)));
        put(
            "compression",
            Some(both(
                &agreement.compression_client_to_server,
                &agreement.compression_server_to_client,
            )),
        );
    }
}

fn both(out: &str, back: &str) -> String {
    if out == back { out.to_owned() } else { format!("{out} out, {back} back") }
}
