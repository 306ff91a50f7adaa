//! `-O`: what a master is told to do.

use std::io::{self, Write as _};
use std::path::Path;
use std::str::FromStr;

use adit_forward::entry::Entry;

use crate::control::client::{Client, Found, Why};
use crate::failure::{Exit, Failure};
use crate::open::tunnel::Tunnel;

/// What a master is told to do, as behind `-O` of `ssh(1)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// To say that it is there.
    Check,
    /// To open tunnels.
    Forward,
    /// To close tunnels.
    Cancel,
    /// To end.
    Exit,
    /// To take no more clients.
    Stop,
    /// To tell what goes through the connection.
    Channels,
    /// To tell what the connection is.
    Conninfo,
}

/// The words of the orders.
const WORDS: [(&str, Order); 7] = [
    ("check", Order::Check),
    ("forward", Order::Forward),
    ("cancel", Order::Cancel),
    ("exit", Order::Exit),
    ("stop", Order::Stop),
    ("channels", Order::Channels),
    ("conninfo", Order::Conninfo),
];

impl FromStr for Order {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = WORDS.iter().find(|(word, _)| *word == text).map(|(_, order)| *order);
        found.ok_or_else(|| {
            let all: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            Failure::new(Exit::Usage, format!("-O {text}: there is no such order"))
                .hint(format!("one of {}", all.join(", ")))
        })
    }
}

impl Order {
    /// Gives it to the master at a path.
    ///
    /// # Errors
    /// Where there is none, or it does not do it.
    pub(crate) async fn give(self, path: Option<&Path>, tunnels: &[Tunnel]) -> Result<(), Failure> {
        let Some(path) = path else {
            return Err(Failure::new(Exit::Usage, "-O needs a ControlPath")
                .hint("name the socket of the master by -S or ControlPath"));
        };
        let mut client = match Client::find(path).await {
            Found::Master(client) => client,
            Found::Nobody(why) => return Err(nobody(path, why)),
            Found::Other(failure) => return Err(failure),
        };
        match self {
            Self::Check => {
                let pid = client.check().await?;
                eprint!("Master running (pid={pid})\r\n");
                Ok(())
            }
            Self::Exit => {
                client.exit().await?;
                eprint!("Exit request sent.\r\n");
                Ok(())
            }
            Self::Stop => {
                client.stop().await?;
                eprint!("Stop listening request sent.\r\n");
                Ok(())
            }
            Self::Channels => print(&client.channels().await?),
            Self::Conninfo => print(&client.conninfo().await?),
            Self::Forward => forward(&mut client, tunnels, &mut print).await,
            Self::Cancel => cancel(&mut client, tunnels).await,
        }
    }
}

/// Has tunnels opened; the port of each that may be entered by any is told, for programs.
///
/// # Errors
/// Where one of them is not opened; the others are nevertheless.
pub(crate) async fn forward(
    client: &mut Client,
    tunnels: &[Tunnel],
    tell: &mut impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = Ok(());
    for tunnel in needed(tunnels)? {
        let any = matches!(tunnel.entry(), Entry::Tcp { port: 0, .. });
        match client.forward(tunnel).await {
            Ok(Some(port)) if any => tell(&format!("{port}\n"))?,
            Ok(_) => {}
            Err(failure) => failed = next(failed, failure.at(tunnel.asked())),
        }
    }
    failed
}

async fn cancel(client: &mut Client, tunnels: &[Tunnel]) -> Result<(), Failure> {
    let mut failed = Ok(());
    for tunnel in needed(tunnels)? {
        if let Err(failure) = client.cancel(tunnel).await {
            failed = next(failed, failure);
        }
    }
    failed
}

fn needed(tunnels: &[Tunnel]) -> Result<&[Tunnel], Failure> {
    if tunnels.is_empty() {
        return Err(Failure::new(Exit::Usage, "no tunnel is named")
            .hint("for instance -L 8080:intranet:80, -D 1080 or -R 8080:localhost:80"));
    }
    Ok(tunnels)
}

/// Of several failures the last is the end, and the others are told before.
fn next(failed: Result<(), Failure>, failure: Failure) -> Result<(), Failure> {
    if let Err(before) = failed {
        before.warn();
    }
    Err(failure)
}

fn nobody(path: &Path, why: Why) -> Failure {
    let why = match why {
        Why::Missing => "there is no socket",
        Why::Dead => "the master has gone and left its socket",
    };
    let message = format!("no master is running at {}: {why}", path.display());
    Failure::new(Exit::Unreachable, message)
        .hint("begin one by -M, or by ControlMaster auto and ControlPersist")
}

fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(|error| {
        Failure::new(Exit::Other, format!("cannot write to standard output: {error}"))
    })
}
