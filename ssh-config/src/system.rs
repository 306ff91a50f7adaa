//! The world as this machine has it.

use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::ifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::unistd::{self, Gid, Group, Uid};

use crate::world::{Source, User, World, Writers};

/// The world as this machine has it.
#[derive(Debug, Clone)]
pub struct System {
    user: User,
}

/// No file of settings is longer; a device that never ends is not one.
const LONGEST: u64 = 16 << 20;

impl System {
    /// The machine as who runs the program sees it. Where the list of accounts does not know who
    /// that is, as in containers, the environment says it: `HOME`, and `LOGNAME` or `USER`.
    ///
    /// # Errors
    /// Where neither knows.
    pub fn new() -> io::Result<Self> {
        let id = unistd::getuid();
        let account = unistd::User::from_uid(id)?.map(|it| (it.name, it.dir));
        let (name, home) = account.or_else(by_environment).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no user has id {id}"))
        })?;
        Ok(Self { user: User { name, id: id.as_raw(), home } })
    }
}

/// The addresses of a network interface, where it is up: those that reach further than the link
/// come first.
///
/// # Errors
/// Where the system does not tell.
pub fn interface_addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses: Vec<IpAddr> =
        interfaces()?.filter(|(its, _)| its == name).map(|(_, address)| address).collect();
    let is_near = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
    };
    addresses.sort_by_key(is_near);
    Ok(addresses)
}

/// The network interfaces that are up, by name, and their addresses.
fn interfaces() -> io::Result<impl Iterator<Item = (String, IpAddr)>> {
    let up = ifaddrs::getifaddrs()?.filter(|it| it.flags.contains(InterfaceFlags::IFF_UP));
    let address = |it: ifaddrs::InterfaceAddress| {
        let address = it.address?;
        let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
        let found = v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip())))?;
        Some((it.interface_name, found))
    };
    Ok(up.filter_map(address))
}

fn by_environment() -> Option<(String, PathBuf)> {
    let name = std::env::var("LOGNAME").or_else(|_| std::env::var("USER")).ok()?;
    Some((name, std::env::var_os("HOME")?.into()))
}

impl World for System {
    fn user(&self) -> &User {
        &self.user
    }

    fn home_of(&self, name: &str) -> Option<PathBuf> {
        unistd::User::from_name(name).ok().flatten().map(|user| user.dir)
    }

    fn host_name(&self) -> String {
        unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<Source> {
        let file = fs::File::open(path)?;
        let about = file.metadata()?;
        let mut octets = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut octets)?;
        if u64::try_from(octets.len()).is_ok_and(|length| length > LONGEST) {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 16 MiB"));
        }
        let writers = writers(about.mode(), about.uid(), about.gid());
        Ok(Source { octets, owner: about.uid(), writers })
    }

    fn glob(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let paths = glob::glob_with(pattern, options).map_err(|error| error.to_string())?;
        // What cannot be looked into has no files to include; ssh goes on too.
        Ok(paths.filter_map(Result::ok).collect())
    }

    fn execute(&self, command: &str) -> io::Result<i32> {
        let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        let mut command_of_shell = Command::new(shell);
        command_of_shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::null());
        let status = command_of_shell.status()?;
        status.code().ok_or_else(|| io::Error::other(status.to_string()))
    }

    fn resolve(&self, name: &str) -> Option<String> {
        let hints = dns_lookup::AddrInfoHints {
            socktype: dns_lookup::SockType::Stream.into(),
            flags: CANONICAL_NAME,
            ..dns_lookup::AddrInfoHints::default()
        };
        let mut found = dns_lookup::getaddrinfo(Some(name), None, Some(hints)).ok()?;
        found.next()?.ok().map(|first| first.canonname.unwrap_or_default())
    }

    fn local_addresses(&self) -> io::Result<Vec<IpAddr>> {
        Ok(interfaces()?.map(|(_, address)| address).collect())
    }

    fn service(&self, name: &str) -> Option<u16> {
        let services = fs::read_to_string("/etc/services").ok()?;
        port(&services, name)
    }
}

/// `AI_CANONNAME`, which is the same on Linux, BSD and macOS.
const CANONICAL_NAME: i32 = 2;

/// Who can write to a file. Where each user has a group of their own, as on Debian, files may be
/// left open to that.
fn writers(mode: u32, owner: u32, group: u32) -> Writers {
    let own_group = || {
        let owner = unistd::User::from_uid(Uid::from_raw(owner)).ok().flatten()?;
        let group = Group::from_gid(Gid::from_raw(group)).ok().flatten()?;
        let alone = group.mem.iter().all(|member| *member == owner.name);
        Some(group.name == owner.name && alone)
    };
    if mode & 0o002 != 0 || mode & 0o020 != 0 && own_group() != Some(true) {
        Writers::Others
    } else {
        Writers::Owner
    }
}

/// The port of a TCP service in a file of services(5).
fn port(services: &str, wanted: &str) -> Option<u16> {
    services.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let name = words.next()?;
        let (port, protocol) = words.next()?.split_once('/')?;
        let named = name == wanted || words.any(|alias| alias == wanted);
        (named && protocol == "tcp").then(|| port.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_names_and_aliases() {
        let services = "# comment\nssh 22/tcp # SSH\nhttp 80/tcp www\nhttp 80/udp\n\nbroken\n";
        assert_eq!(port(services, "ssh"), Some(22));
        assert_eq!(port(services, "www"), Some(80));
        assert_eq!(port(services, "gopher"), None);
    }

    #[test]
    fn the_loopback_interface_has_its_address() {
        let loopback = interface_addresses("lo").unwrap();
        assert!(loopback.contains(&IpAddr::from([127, 0, 0, 1])), "{loopback:?}");
        assert!(interface_addresses("none0").unwrap().is_empty());
    }

    #[test]
    fn who_may_write_is_told_by_the_mode() {
        let own = unistd::getuid().as_raw();
        assert_eq!(writers(0o644, own, 0), Writers::Owner);
        assert_eq!(writers(0o646, own, 0), Writers::Others);
        // No group has this number.
        assert_eq!(writers(0o664, own, u32::MAX - 7), Writers::Others);
    }
}
