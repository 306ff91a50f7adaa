//! A crowd of connections through tunnels, and what a gateway holds for it:
//!
//! ```sh
//! cargo build --release -p adit
//! cargo run --release -p adit-tests --example crowd -- \
//!     --connections 500 --channels 20 target/release/adit
//! ```
//!
//! It starts `adit serve` and a service that sends back what it gets, opens the connections and
//! the channels in each, sends something through every channel, lets all idle, and sends something
//! through some of them again. Each channel takes a socket here and one there.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use adit_channels::channel_open::Kind;
use adit_channels::session::{Channel, Config, Handle, Session};
use adit_tests::footprint::Footprint;
use adit_tests::keys::{Keys, Type};
use adit_tests::raw::loopback;
use adit_tests::visitor::Visitor;
use adit_tests::{descriptors, echo};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const USAGE: &str = "usage: crowd [--connections N] [--channels N] [--idle SECONDS] ADIT_BINARY";

/// How long a ping may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many connections are made at once: fewer than may be half-open.
const AT_ONCE: usize = 16;

/// Of so many channels one is tried again after all have been idle.
const SAMPLE: usize = 10;

/// Why it did not work.
type Failure = Box<dyn Error + Send + Sync>;

struct Plan {
    connections: usize,
    channels: usize,
    idle: Duration,
    adit: PathBuf,
}

/// A gateway, ended when this is dropped.
struct Gateway {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

/// A connection, which ends when this is dropped, and its channels.
struct Member {
    session: Handle,
    channels: Vec<Channel>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let plan = Plan::from_args(std::env::args().skip(1))?;
    let all = plan.connections * plan.channels;
    // The service's sockets are here; the gateway has as many to it.
    descriptors::allow(u64::try_from(all + plan.connections + 256)?)?;
    let service = echo::echo().await?;
    let gateway = Gateway::start(&plan).await?;
    let alone = gateway.footprint()?;

    let start = Instant::now();
    let mut members = connect(&gateway, plan.connections).await?;
    let connected = gateway.footprint()?;
    println!("{} connections in {:.1} s", members.len(), start.elapsed().as_secs_f64());

    let start = Instant::now();
    members = open(members, plan.channels, service).await?;
    println!("{all} channels in {:.1} s", start.elapsed().as_secs_f64());
    let (_, worst) = ping(&mut members, 1).await?;
    println!("all pinged, worst {:.1} ms", millis(worst));

    sleep(plan.idle).await;
    let full = gateway.footprint()?;
    let (tried, worst) = ping(&mut members, SAMPLE).await?;
    println!(
        "after {} s of idleness {tried} pinged one by one, worst {:.2} ms",
        plan.idle.as_secs(),
        millis(worst)
    );
    tell("alone", alone);
    tell("with connections", connected);
    tell("with channels", full);
    let each = |more: Footprint, less: Footprint, count: usize| {
        more.resident.saturating_sub(less.resident) as f64 / 1024.0 / count as f64
    };
    println!("each connection  {:>7.1} KiB resident", each(connected, alone, plan.connections));
    println!("each channel     {:>7.1} KiB resident", each(full, connected, all));
    Ok(())
}

impl Plan {
    fn from_args(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let (mut connections, mut channels, mut idle) = (500, 20, 10);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--connections" => connections = words.next().ok_or(USAGE)?.parse()?,
                "--channels" => channels = words.next().ok_or(USAGE)?.parse()?,
                "--idle" => idle = words.next().ok_or(USAGE)?.parse()?,
                adit if !adit.starts_with('-') => {
                    let (adit, idle) = (adit.into(), Duration::from_secs(idle));
                    return Ok(Self { connections, channels, idle, adit });
                }
                _ => break,
            }
        }
        Err(USAGE.into())
    }
}

impl Gateway {
    async fn start(plan: &Plan) -> Result<Self, Failure> {
        let folder = TempDir::new()?;
        let at = folder.path();
        Keys::generate(at, "host", Type::Ed25519);
        let ann = fs::read_to_string(Keys::generate(at, "ann", Type::Ed25519).public())?;
        let limit = plan.connections + 1;
        let config = format!(
            "listen = [\"127.0.0.1:0\"]\nhost-keys = [\"host\"]\n\
             [[user]]\nname = \"ann\"\nkeys = ['''{}''']\n\
             [[rule]]\nname = \"all\"\naction = \"allow\"\n\
             [limits]\nconnections = {limit}\nconnections-per-source = {limit}\n\
             connections-per-user = {limit}\nhalf-open-per-source = 64\nchannels = {}\n",
            ann.trim_end(),
            plan.channels + 1,
        );
        fs::write(at.join("adit-serve.toml"), config)?;
        let mut command = Command::new(&plan.adit);
        command.arg("serve").arg("--config").arg(at.join("adit-serve.toml"));
        command.env_remove("ADIT_LOG").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn()?;
        let stderr = child.stderr.take().ok_or("no standard error")?;
        let mut lines = BufReader::new(stderr).lines();
        let address = loop {
            let line = lines.next_line().await?.ok_or("the gateway ended")?;
            if let Some((_, address)) = line.split_once("listening on ") {
                break address.trim().parse()?;
            }
        };
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("{line}");
            }
        });
        Ok(Self { child, address, folder })
    }

    fn footprint(&self) -> Result<Footprint, Failure> {
        Ok(Footprint::of(self.child.id().ok_or("the gateway has ended")?))
    }
}

/// Makes so many connections.
async fn connect(gateway: &Gateway, count: usize) -> Result<Vec<Member>, Failure> {
    let mut members = Vec::new();
    let mut making = JoinSet::new();
    for number in 0..count {
        let (address, key) = (gateway.address, gateway.folder.path().join("ann"));
        making.spawn(async move { Member::new(address, &key).await });
        if making.len() >= AT_ONCE || number + 1 == count {
            members.extend(making.join_next().await.transpose()?.transpose()?);
        }
    }
    while let Some(made) = making.join_next().await {
        members.push(made??);
    }
    Ok(members)
}

/// Opens so many channels in each connection, and sends something through each.
async fn open(
    members: Vec<Member>,
    count: usize,
    service: SocketAddr,
) -> Result<Vec<Member>, Failure> {
    let mut opening = JoinSet::new();
    for mut member in members {
        opening.spawn(async move {
            for _ in 0..count {
                let kind = Kind::DirectTcpip(loopback(service.port()));
                member.channels.push(member.session.open(kind).await?);
            }
            Ok::<_, adit_channels::session::OpenError>(member)
        });
    }
    let mut members = Vec::new();
    while let Some(opened) = opening.join_next().await {
        members.push(opened??);
    }
    Ok(members)
}

/// Sends something through each `step`th channel and waits for it to come back, one by one; yields
/// how many, and the longest time that one took.
async fn ping(members: &mut [Member], step: usize) -> Result<(usize, Duration), Failure> {
    let (mut tried, mut worst) = (0, Duration::ZERO);
    let channels = members.iter_mut().flat_map(|member| &mut member.channels);
    for channel in channels.step_by(step) {
        let start = Instant::now();
        let there_and_back = async {
            channel.write_all(b"ping").await?;
            let mut back = [0; 4];
            channel.read_exact(&mut back).await.map(|_| back)
        };
        let back = timeout(PATIENCE, there_and_back).await??;
        if back != *b"ping" {
            return Err("what came back is not what was sent".into());
        }
        worst = worst.max(start.elapsed());
        tried += 1;
    }
    Ok((tried, worst))
}

impl Member {
    async fn new(address: SocketAddr, key: &Path) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let link = Visitor::new(key, None).connect(stream, "ann").await?;
        let Session { handle, driver, .. } = Session::new(link, Config::default());
        tokio::spawn(driver);
        Ok(Self { session: handle, channels: Vec::new() })
    }
}

fn tell(what: &str, footprint: Footprint) {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let Footprint { resident, proportional, .. } = footprint;
    println!("{what:<17}{:>7.1} MiB RSS, {:.1} MiB PSS", mib(resident), mib(proportional));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
