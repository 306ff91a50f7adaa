//! The programs that tasks need, which of them are missing, and how they come.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::process;

/// A program, and the Debian package that brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

/// What `cargo test --workspace` calls.
pub(crate) const FOR_TESTS: [Tool; 11] = [
    Tool { program: "ssh", package: "openssh-client" },
    Tool { program: "ssh-keygen", package: "openssh-client" },
    Tool { program: "ssh-agent", package: "openssh-client" },
    Tool { program: "ssh-add", package: "openssh-client" },
    Tool { program: "sshd", package: "openssh-server" },
    Tool { program: "curl", package: "curl" },
    Tool { program: "Xvfb", package: "xvfb" },
    Tool { program: "xauth", package: "xauth" },
    Tool { program: "xdpyinfo", package: "x11-utils" },
    Tool { program: "xwininfo", package: "x11-utils" },
    Tool { program: "xclock", package: "x11-apps" },
];

/// What makes keys for the peers of interop, and drives the agent.
pub(crate) const FOR_INTEROP: [Tool; 4] = [
    Tool { program: "ssh", package: "openssh-client" },
    Tool { program: "ssh-keygen", package: "openssh-client" },
    Tool { program: "ssh-agent", package: "openssh-client" },
    Tool { program: "ssh-add", package: "openssh-client" },
];

/// Programs that call ssh.
pub(crate) const FOR_CALLERS: [Tool; 4] = [
    Tool { program: "git", package: "git" },
    Tool { program: "rsync", package: "rsync" },
    Tool { program: "scp", package: "openssh-client" },
    Tool { program: "sftp", package: "openssh-client" },
];

/// Tunnellers that have ssh carry what they do.
pub(crate) const FOR_TUNNELLERS: [Tool; 4] = [
    Tool { program: "autossh", package: "autossh" },
    Tool { program: "sshuttle", package: "sshuttle" },
    Tool { program: "nft", package: "nftables" },
    Tool { program: "ip", package: "iproute2" },
];

/// A display without a screen, and what looks at it.
pub(crate) const FOR_DISPLAYS: [Tool; 4] = [
    Tool { program: "Xvfb", package: "xvfb" },
    Tool { program: "xauth", package: "xauth" },
    Tool { program: "xdpyinfo", package: "x11-utils" },
    Tool { program: "xwininfo", package: "x11-utils" },
];

/// What adit is measured beside.
pub(crate) const FOR_BENCH: [Tool; 3] = [
    Tool { program: "ssh", package: "openssh-client" },
    Tool { program: "ssh-keygen", package: "openssh-client" },
    Tool { program: "sshd", package: "openssh-server" },
];

/// What makes a root file system from a package mirror.
pub(crate) const FOR_IMAGES: [Tool; 2] = [
    Tool { program: "mmdebstrap", package: "mmdebstrap" },
    Tool { program: "apt-get", package: "apt" },
];

/// What gives a peer a network and a root file system without a container engine.
pub(crate) const FOR_NAMESPACES: [Tool; 3] = [
    Tool { program: "unshare", package: "util-linux" },
    Tool { program: "nsenter", package: "util-linux" },
    Tool { program: "ip", package: "iproute2" },
];

/// Asked by Debian's packages before they start a daemon; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const UPDATE_LIMIT: Duration = Duration::from_secs(180);
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// Makes sure that all of `tools` are there: installs them as root on Debian, else says what to do.
pub(crate) fn ensure(tools: &[Tool]) -> Result<()> {
    let absent = missing(tools);
    if absent.is_empty() {
        return Ok(());
    }
    let packages = packages(&absent);
    if !can_install() {
        return Err(Error::new(format!("missing: {}", names(&absent)))
            .hint(format!("apt-get install {}, or what brings them here", packages.join(" "))));
    }
    eprintln!("installing {} for {}", packages.join(" "), names(&absent));
    install(&packages)?;
    match missing(tools).as_slice() {
        [] => Ok(()),
        absent => Err(Error::new(format!("still missing after apt-get: {}", names(absent)))),
    }
}

/// Those of `tools` that are not there.
pub(crate) fn missing(tools: &[Tool]) -> Vec<Tool> {
    tools.iter().filter(|tool| process::find(tool.program).is_none()).copied().collect()
}

/// Whether this is root on a machine of Debian's kind.
pub(crate) fn can_install() -> bool {
    is_root() && process::find("apt-get").is_some()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The folder without which sshd does not start; made here where no init system made it.
pub(crate) fn ensure_sshd_folder() -> Result<()> {
    let folder = Path::new("/run/sshd");
    if is_root() && !folder.is_dir() {
        std::fs::create_dir_all(folder).context("create /run/sshd")?;
    }
    Ok(())
}

fn names(tools: &[Tool]) -> String {
    tools.iter().map(|tool| tool.program).collect::<Vec<_>>().join(", ")
}

fn packages(tools: &[Tool]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn install(packages: &[&str]) -> Result<()> {
    let _quiet = NoDaemons::declare(Path::new(POLICY))?;
    // Old lists name versions that the mirror no longer has. If this fails the next step says why.
    let _ = process::succeed(apt_get(&["update"]), UPDATE_LIMIT);
    let mut command = apt_get(&["install", "-y", "--no-install-recommends"]);
    command.args(packages);
    process::succeed(command, INSTALL_LIMIT)?;
    if packages.contains(&"openssh-server") && Path::new("/run/systemd/system").is_dir() {
        // The tests start their own; that of the system is not to come with the next boot.
        let mut command = Command::new("systemctl");
        command.args(["disable", "--now", "ssh.service", "ssh.socket"]);
        let _ = process::succeed(command, Duration::from_secs(60));
    }
    Ok(())
}

fn apt_get(words: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=120"]);
    command.args(words);
    command
}

/// While this lives, packages start no daemon. A policy that was there stays as it is.
#[derive(Debug)]
struct NoDaemons {
    made: Option<PathBuf>,
}

impl NoDaemons {
    fn declare(policy: &Path) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        if policy.exists() {
            return Ok(Self { made: None });
        }
        let guard = Self { made: Some(policy.to_path_buf()) };
        let text = "#!/bin/sh\nexit 101\n";
        std::fs::write(policy, text).context(format!("write {}", policy.display()))?;
        std::fs::set_permissions(policy, std::fs::Permissions::from_mode(0o755))
            .context(format!("make {} executable", policy.display()))?;
        Ok(guard)
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if let Some(policy) = &self.made {
            let _ = std::fs::remove_file(policy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Tool = Tool { program: "sh", package: "dash" };
    const NONE: Tool = Tool { program: "no-such-program", package: "no-such-package" };

    #[test]
    fn only_what_is_absent_is_missing() {
        assert_eq!(missing(&[SHELL, NONE]), [NONE]);
        assert!(ensure(&[SHELL]).is_ok());
    }

    #[test]
    fn a_package_is_named_once() {
        let x11 = ["x11-apps", "x11-utils", "xauth", "xvfb"];
        let all = [&["curl", "openssh-client", "openssh-server"][..], &x11].concat();
        assert_eq!(packages(&FOR_TESTS), all);
    }

    #[test]
    fn the_policy_against_daemons_goes_with_its_guard() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        let guard = NoDaemons::declare(&policy).unwrap();
        let status = Command::new(&policy).status().unwrap();
        assert_eq!(status.code(), Some(101));
        drop(guard);
        assert!(!policy.exists());
    }

    #[test]
    fn a_policy_that_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        std::fs::write(&policy, "kept").unwrap();
        drop(NoDaemons::declare(&policy).unwrap());
        assert_eq!(std::fs::read_to_string(&policy).unwrap(), "kept");
    }
}
