//! Places in containers, by the command line of docker or podman.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::interop::leftover::{self, Owner};
use crate::interop::place::{self, Base, Family, Place, SSH_PORT, Shared};
use crate::interop::watched::Watched;
use crate::{process, tools};

/// On every container of a run; its value is the owner.
const LABEL: &str = "adit.interop.owner";

/// Where the shared folder is in the peer.
const FOLDER: &str = "/interop";

const LIMIT: Duration = Duration::from_secs(60);

/// Stands before the name of a container whose network another one shares.
const JOINED: &str = "container:";

/// A port on which nothing listens: to be refused there shows that the address is reached.
const CLOSED_PORT: u16 = 1;

/// The command line of a container engine.
#[derive(Clone, Debug)]
pub(crate) struct Cli {
    program: &'static str,
    /// What stands before each subcommand.
    global: Vec<String>,
    /// What stands after `run`.
    run: Vec<String>,
    guests: Guests,
}

/// How a program of this machine gets into the network of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guests {
    /// By `nsenter`, which only root may.
    Entering,
    /// By a second container that joins the network and changes its root to this machine's.
    Sidecar,
}

impl Cli {
    pub(crate) fn docker() -> Self {
        Self::new("docker", Vec::new(), Vec::new())
    }

    pub(crate) fn podman() -> Self {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        // Where both versions of cgroups are mounted, crun and systemd cannot place a container.
        let (global, run) = match process::find("runc") {
            Some(runc) if Path::new("/sys/fs/cgroup/unified").is_dir() => (
                words(&format!("--cgroup-manager cgroupfs --runtime {}", runc.display())),
                words("--ulimit nofile=1024:20000 --ulimit nproc=4096:4096 --log-driver k8s-file"),
            ),
            _ => (Vec::new(), Vec::new()),
        };
        Self::new("podman", global, run)
    }

    fn new(program: &'static str, global: Vec<String>, run: Vec<String>) -> Self {
        let can_enter = tools::is_root() && process::find("nsenter").is_some();
        let guests = if can_enter { Guests::Entering } else { Guests::Sidecar };
        Self { program, global, run, guests }
    }

    pub(crate) fn program(&self) -> &'static str {
        self.program
    }

    /// A call of the engine.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.global).args(words);
        command
    }

    /// The version of the daemon, which shows that there is one: the client alone is no engine.
    pub(crate) fn version(&self) -> Result<String> {
        let format = "{{.Server.Version}}";
        let words = if self.program == "podman" {
            vec!["version", "--format", "{{.Version}}"]
        } else {
            vec!["version", "--format", format]
        };
        let version = process::succeed(self.command(&words), Duration::from_secs(15))?;
        let version = version.trim();
        if version.is_empty() { Err(Error::new("no version")) } else { Ok(version.to_owned()) }
    }

    /// Removes the containers whose owner is gone.
    pub(crate) fn remove_leftovers(&self) -> Result<usize> {
        self.remove(|owner| !owner.is_alive())
    }

    /// Removes all containers of this run that are left at its end.
    pub(crate) fn remove_own(&self, own: &Owner) -> Result<usize> {
        self.remove(|owner| owner == own)
    }

    fn remove(&self, of: impl Fn(&Owner) -> bool) -> Result<usize> {
        let format = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}");
        let filter = format!("label={LABEL}");
        let list = ["ps", "--all", "--filter", &filter, "--format", &format];
        let listed = process::succeed(self.command(&list), LIMIT)?;
        let chosen = listed.lines().filter_map(|line| {
            let (id, owner) = line.split_once(' ')?;
            of(&Owner::parse(owner.trim())?).then_some(id)
        });
        let removed = chosen
            .filter(|id| process::succeed(self.command(&["rm", "--force", id]), LIMIT).is_ok());
        Ok(removed.count())
    }
}

/// A running container.
#[derive(Debug)]
pub(crate) struct Container {
    cli: Cli,
    name: String,
    image: String,
    owner: Owner,
    shared: Shared,
    /// The first process in it, as this machine numbers it.
    pid: u32,
    /// Where this machine reaches it.
    address: SocketAddr,
    /// Its own in the network of the run.
    own: Vec<IpAddr>,
    /// Holds the standard input of the container's first process: when this program ends, however
    /// it ends, the container does.
    client: Watched,
    is_cut: bool,
}

impl Container {
    /// Starts a container of `image` in `network`: a name, or `container:` and the name of another
    /// one, which shares its own. `folder` holds its log and what it shares.
    pub(crate) fn start(
        cli: &Cli,
        image: &str,
        owner: &Owner,
        network: &str,
        folder: &Path,
    ) -> Result<Self> {
        let outside = folder.join("shared");
        std::fs::create_dir_all(&outside).context("make a folder to share")?;
        let name = format!("adit-interop-{owner}-{}", leftover::serial());
        let mut command = cli.command(&["run", "--rm", "--interactive", "--name", &name]);
        command.args(&cli.run);
        command.args(["--label", &format!("{LABEL}={owner}")]);
        command.args(["--network", network]);
        if !network.starts_with(JOINED) {
            command.args(["--publish", &format!("127.0.0.1::{SSH_PORT}")]);
            // An engine may give the low ports to everybody, which no server of a user has.
            command.args(["--sysctl", "net.ipv4.ip_unprivileged_port_start=1024"]);
        }
        command.args(["--volume", &format!("{}:{FOLDER}", outside.display())]);
        // A host with SELinux would keep the peer from sockets in the folder.
        command.args(["--security-opt", "label=disable"]);
        command.args([image, "sh", "-c", "mkdir -p /run/sshd; echo ready; exec cat"]);
        let client = Watched::start_open("container", command, &folder.join("container.log"))?;
        client.wait_for("start", LIMIT, |line| (line == "ready").then_some(()))?;
        let mut container = Self {
            cli: cli.clone(),
            name,
            image: image.to_owned(),
            owner: owner.clone(),
            shared: Shared { outside, inside: PathBuf::from(FOLDER) },
            pid: 0,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, SSH_PORT)),
            own: Vec::new(),
            client,
            is_cut: false,
        };
        container.pid = container.inspect("{{.State.Pid}}")?.parse().context("read a pid")?;
        if !network.starts_with(JOINED) {
            container.own = container.own_addresses()?;
            container.address = container.find_address()?;
        }
        Ok(container)
    }

    fn inspect(&self, format: &str) -> Result<String> {
        let command = self.cli.command(&["inspect", "--format", format, &self.name]);
        Ok(process::succeed(command, LIMIT)?.trim().to_owned())
    }

    fn own_addresses(&self) -> Result<Vec<IpAddr>> {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} \
                      {{end}}";
        let said = self.inspect(format)?;
        said.split_whitespace().map(|word| word.parse().context("read an address")).collect()
    }

    /// The container's own address where this machine reaches it, which spares a proxy, else the
    /// port that is published on loopback.
    fn find_address(&self) -> Result<SocketAddr> {
        if let Some(own) = self.address(Family::V4) {
            let probe = TcpStream::connect_timeout(
                &SocketAddr::new(own, CLOSED_PORT),
                Duration::from_secs(1),
            );
            if probe.is_err_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused) {
                return Ok(SocketAddr::new(own, SSH_PORT));
            }
        }
        let port = self.cli.command(&["port", &self.name, &format!("{SSH_PORT}/tcp")]);
        let published = process::succeed(port, LIMIT)?;
        let first = published.lines().next().unwrap_or_default();
        first.parse().context(format!("read the published port {first:?}"))
    }
}

impl Place for Container {
    fn server_address(&self) -> SocketAddr {
        self.address
    }

    fn server_port(&self) -> u16 {
        SSH_PORT
    }

    fn address(&self, family: Family) -> Option<IpAddr> {
        self.own.iter().find(|address| Family::of(**address) == family).copied()
    }

    fn init(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn annex(&self, base: &Base, folder: &Path) -> Result<Box<dyn Place>> {
        let Base::Image(image) = base else { return Err(Error::new("no image")) };
        let network = format!("{JOINED}{}", self.name);
        Ok(Box::new(Self::start(&self.cli, image, &self.owner, &network, folder)?))
    }

    fn user(&self) -> &str {
        place::USER
    }

    fn own(&self, words: &[&str]) -> Command {
        let path = format!("PATH={}", place::PATH);
        let mut command = self.cli.command(&["exec", "--interactive", "--env", &path, &self.name]);
        command.args(words);
        command
    }

    fn guest(&self, program: &Path) -> Command {
        let mut command = match self.cli.guests {
            Guests::Entering => {
                let mut command = Command::new("nsenter");
                command.args(["--net", "--target", &self.pid.to_string(), "--"]);
                command
            }
            Guests::Sidecar => {
                let mut command = self.cli.command(&["run", "--rm", "--interactive"]);
                // The first process of a container takes no notice of SIGTERM by itself.
                command.args((self.cli.program == "docker").then_some("--init"));
                command.args(["--label", &format!("{LABEL}={}", self.owner)]);
                command.args(["--network", &format!("container:{}", self.name)]);
                command.args(["--security-opt", "label=disable", "--volume", "/:/host"]);
                command.args([&self.image, "chroot", "/host"]);
                command
            }
        };
        command.arg(program);
        command
    }

    fn shared(&self) -> &Shared {
        &self.shared
    }

    fn clear(&mut self) -> Result<()> {
        place::shell(self, place::CLEAR)
    }

    fn freeze(&mut self) -> Result<()> {
        place::shell(self, place::FREEZE)
    }

    fn cut(&mut self) -> Result<()> {
        self.is_cut = true;
        let killed = process::succeed(self.cli.command(&["kill", &self.name]), LIMIT);
        // Its end is what removes the container; without a daemon there is nothing to remove.
        self.client.told_all();
        let waited = self.client.wait(LIMIT);
        killed.and(waited.map(drop))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.is_cut {
            let _ = self.cut();
        }
    }
}
