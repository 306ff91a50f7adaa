//! Places made of namespaces, an overlay and a changed root, where there is no container engine.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};
use crate::interop::leftover;
use crate::interop::place::{self, Base, Family, Place, SSH_PORT, Shared};
use crate::interop::watched::Watched;
use crate::process;

/// Where the shared folder is in the peer.
const FOLDER: &str = "/interop";

const LIMIT: Duration = Duration::from_secs(30);

/// Runs as the first process of the new namespaces: builds the root file system over the base,
/// waits until the network is there, and then for the end of its standard input.
const INIT: &str = r#"
set -e
base=$1 work=$2 shared=$3 network=$4
mkdir -p "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" "$work/root"
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mount -t tmpfs -o mode=755 tmpfs "$work/root/run"
mkdir -p "$work/root/run/sshd" "$work/root/interop"
mount --bind "$shared" "$work/root/interop"
[ -e "$work/root/etc/hosts" ] || printf '127.0.0.1 localhost\n::1 localhost\n' >"$work/root/etc/hosts"
if [ "$network" = own ]; then
    ip link set lo up
    echo ready
    read -r address
    ip address add "$address" dev peer
    ip link set peer up
fi
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
        let mut unshare = Command::new("unshare");
        unshare.arg("--net");
        let mut jail = Self::unshare(unshare, base, "own", folder)?;
        jail.unshare.wait_for("root", LIMIT, |line| (line == "ready").then_some(()))?;
        jail.init = child_of(jail.unshare.id())?;
        jail.connect()?;
        Ok(jail)
    }

    fn unshare(mut command: Command, base: &Path, network: &str, folder: &Path) -> Result<Self> {
        let (work, outside) = (folder.join("jail"), folder.join("shared"));
        fs::create_dir_all(&work).context("make a folder for an overlay")?;
        fs::create_dir_all(&outside).context("make a folder to share")?;
        command.args(["--mount", "--propagation", "private", "--uts", "--ipc"]);
        command.args(["--pid", "--fork", "--kill-child", "sh", "-c", INIT, "jail"]);
        command.arg(base).arg(&work).arg(&outside).arg(network);
        Ok(Self {
            unshare: Watched::start_open("namespaces", command, &folder.join("jail.log"))?,
            init: 0,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, SSH_PORT)),
            shared: Shared { outside, inside: PathBuf::from(FOLDER) },
            work,
            is_cut: false,
        })
    }

    /// Joins the new network to this machine's by a pair of interfaces.
    fn connect(&mut self) -> Result<()> {
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

    fn address(&self, _family: Family) -> Option<IpAddr> {
        // Each pair of places has a link of its own.
        None
    }

    fn has_ipv6(&self) -> bool {
        Path::new("/proc/net/if_inet6").exists()
    }

    fn init(&self) -> Option<u32> {
        Some(self.init)
    }

    fn annex(&self, base: &Base, folder: &Path) -> Result<Box<dyn Place>> {
        let Base::Root(root) = base else { return Err(Error::new("no root file system")) };
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.init.to_string(), "--", "unshare"]);
        let mut annex = Self::unshare(command, root, "joined", folder)?;
        annex.unshare.wait_for("root", LIMIT, |line| (line == "connected").then_some(()))?;
        annex.init = child_of(annex.unshare.id())?;
        Ok(Box::new(annex))
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

/// Joins the networks of two places; the addresses at which `from` reaches `to`.
pub(crate) fn join(from: u32, to: u32) -> Result<Vec<IpAddr>> {
    let link = Link::next();
    let (from, to) = (from.to_string(), to.to_string());
    let peer = format!("{}p", link.name);
    let near = ["link", "add", &link.name, "netns", &from, "type", "veth"];
    ip(&[&near[..], &["peer", "name", &peer, "netns", &to]].concat())?;
    let ends = [(&from, &link.name, link.near), (&to, &peer, link.far)];
    for (holder, name, address) in ends {
        let own = mapped(address);
        ip_in(holder, &["address", "add", &format!("{address}/30"), "dev", name])?;
        // Without a look for doubles the address can be used at once.
        ip_in(holder, &["address", "add", &format!("{own}/126"), "dev", name, "nodad"])?;
        ip_in(holder, &["link", "set", name, "up"])?;
    }
    Ok(vec![link.far.into(), mapped(link.far).into()])
}

/// An address of version 6 that is as much this link's own as that of version 4.
fn mapped(address: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d] = address.octets();
    let pair = |high: u8, low: u8| u16::from(high) << 8 | u16::from(low);
    Ipv6Addr::new(0xfdad, 0x17, 0, 0, 0, 0, pair(a, b), pair(c, d))
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

/// The same in the network of a place.
fn ip_in(holder: &str, words: &[&str]) -> Result<()> {
    let mut command = Command::new("nsenter");
    command.args(["--net", "--target", holder, "--", "ip"]).args(words);
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
