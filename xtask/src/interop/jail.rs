//! Places made of namespaces, an overlay and a changed root, where there is no container engine.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};
use crate::interop::leftover;
use crate::interop::place::{self, Place, SSH_PORT, Shared};
use crate::interop::watched::Watched;
use crate::process;

/// Where the shared folder is in the peer.
const FOLDER: &str = "/interop";

const LIMIT: Duration = Duration::from_secs(30);

/// Runs as the first process of the new namespaces: builds the root file system over the base,
/// waits until the network is there, and then for the end of its standard input.
const INIT: &str = r#"
set -e
base=$1 work=$2 shared=$3
mkdir -p "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" "$work/root"
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mount -t tmpfs -o mode=755 tmpfs "$work/root/run"
mkdir -p "$work/root/run/sshd" "$work/root/interop"
mount --bind "$shared" "$work/root/interop"
ip link set lo up
echo ready
read -r address
ip address add "$address" dev peer
ip link set peer up
cd "$work/root"
exec chroot . sh -c 'echo connected; exec cat'
"#;

/// A set of namespaces with a first process in it.
#[derive(Debug)]
pub(crate) struct Jail {
    /// `unshare`, whose child is the first process. When this program ends, however it ends, the
    /// child's standard input does, and then all of the namespaces.
    unshare: Watched,
    /// The first process, as this machine numbers it.
    init: u32,
    address: SocketAddr,
    shared: Shared,
    /// Holds the overlay; removed after the namespaces are gone.
    work: PathBuf,
    is_cut: bool,
}

/// Whether namespaces and overlays can be made here.
pub(crate) fn is_possible() -> Result<()> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let script = "set -e; mkdir a b c d; \
                  mount -t overlay overlay -o lowerdir=a,upperdir=b,workdir=c d";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--net", "--pid", "--fork"]);
    command.args(["--uts", "--ipc", "sh", "-c", script]).current_dir(folder.path());
    process::succeed(command, LIMIT).map(drop)
}

impl Jail {
    /// Starts a place over the root file system `base`; `folder` holds what it needs and shares.
    pub(crate) fn start(base: &Path, folder: &Path) -> Result<Self> {
        let (work, outside) = (folder.join("jail"), folder.join("shared"));
        fs::create_dir_all(&work).context("make a folder for an overlay")?;
        fs::create_dir_all(&outside).context("make a folder to share")?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--net", "--uts", "--ipc"]);
        command.args(["--pid", "--fork", "--kill-child", "sh", "-c", INIT, "jail"]);
        command.arg(base).arg(&work).arg(&outside);
        let mut jail = Self {
            unshare: Watched::start_open("namespaces", command, &folder.join("jail.log"))?,
            init: 0,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, SSH_PORT)),
            shared: Shared { outside, inside: PathBuf::from(FOLDER) },
            work,
            is_cut: false,
        };
        jail.connect()?;
        Ok(jail)
    }

    /// Joins the new network to this machine's by a pair of interfaces.
    fn connect(&mut self) -> Result<()> {
        self.unshare.wait_for("root", LIMIT, |line| (line == "ready").then_some(()))?;
        self.init = child_of(self.unshare.id())?;
        let link = Link::next();
        let init = self.init.to_string();
        let pair = ["type", "veth", "peer", "name", "peer", "netns", &init];
        ip(&[&["link", "add", &link.name][..], &pair].concat())?;
        ip(&["address", "add", &format!("{}/30", link.near), "dev", &link.name])?;
        ip(&["link", "set", &link.name, "up"])?;
        self.unshare.tell(&format!("{}/30", link.far))?;
        self.unshare.wait_for("network", LIMIT, |line| (line == "connected").then_some(()))?;
        self.address = SocketAddr::from((link.far, SSH_PORT));
        Ok(())
    }
}

impl Place for Jail {
    fn server_address(&self) -> SocketAddr {
        self.address
    }

    fn server_port(&self) -> u16 {
        SSH_PORT
    }

    fn user(&self) -> &str {
        place::USER
    }

    fn own(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init.to_string(), "--mount", "--net", "--pid", "--uts"]);
        command.args(["--ipc", "--root", "--wd", "--"]);
        command.env("PATH", place::PATH).env("HOME", "/root").env_remove("SSH_AUTH_SOCK");
        command.args(words);
        command
    }

    fn guest(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init.to_string(), "--net", "--"]).arg(program);
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
        // The first process goes with unshare, and everything in the namespaces with it.
        self.unshare.kill().map(drop)
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        if !self.is_cut {
            let _ = self.cut();
        }
        let _ = fs::remove_dir_all(&self.work);
    }
}

/// A pair of interfaces with a network of four addresses, from the range for benchmarks.
struct Link {
    name: String,
    near: Ipv4Addr,
    far: Ipv4Addr,
}

impl Link {
    fn next() -> Self {
        Self::numbered(std::process::id(), leftover::serial())
    }

    /// Runs at the same time and the places of one run get different networks.
    fn numbered(run: u32, serial: u32) -> Self {
        let network = (run % 128) * 256 + serial % 256;
        let first = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + network * 4;
        Self {
            name: format!("adit{}x{}", run % 100_000, serial % 1000),
            near: Ipv4Addr::from(first + 1),
            far: Ipv4Addr::from(first + 2),
        }
    }
}

fn ip(words: &[&str]) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(words);
    process::succeed(command, LIMIT).map(drop)
}

/// The only child of a process.
fn child_of(pid: u32) -> Result<u32> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = fs::read_to_string(&path).context(format!("read {path}"))?;
        if let Some(Ok(child)) = children.split_whitespace().next().map(str::parse) {
            return Ok(child);
        }
    }
    Err(Error::new("unshare has no child"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_stay_in_the_range_for_benchmarks_and_differ() {
        let links = [(0, 0), (0, 1), (1, 0), (4_194_303, 255)].map(|(run, serial)| {
            let link = Link::numbered(run, serial);
            assert!([18, 19].contains(&link.far.octets()[1]), "{}", link.far);
            assert!(link.name.len() < 16, "{}", link.name);
            assert_eq!(u32::from(link.near) + 1, u32::from(link.far));
            link.near
        });
        let mut different = links.to_vec();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), links.len());
    }
}
