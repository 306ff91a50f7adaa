//! An ssh in namespaces of its own: the machine's, or that of another system in a folder.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use adit_ssh_config::release::Release;

use crate::rooted::{Rooted, Services};

/// An ssh.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The folder that is its root.
    pub(crate) root: PathBuf,
    pub(crate) release: Release,
    pub(crate) version: String,
}

/// What ssh says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Settings.
    Settings(String),
    /// Why there are none.
    Refusal(String),
}

/// The name of the host in the namespaces.
pub(crate) const HOST_NAME: &str = "box.example.org";
/// The variable `FOO`.
pub(crate) const FOO: &str = "/tmp/foo";

const SSH: &str = "/usr/bin/ssh";

/// Names folders with other systems, with colons between.
const ROOTS: &str = "ADIT_SSH_ROOTS";

/// Puts the files of a case, whose folder is the second word, in the place of those of the system
/// in the first.
const SCRIPT: &str = "set -e
for place in root etc/ssh etc/hosts; do
    case $place in root) from=home ;; etc/ssh) from=etc ;; etc/hosts) from=hosts ;; esac
    mount --bind \"$2/$from\" \"$1/$place\"
done
test \"$1\" = / || mount --bind /dev \"$1/dev\"
echo box.example.org > /proc/sys/kernel/hostname
root=$1
shift 2
exec chroot \"$root\" \"$@\"";

impl Machine {
    /// The machine's own ssh and that of each folder of `ADIT_SSH_ROOTS`, or what is lacking.
    pub(crate) fn all() -> Vec<Result<Self, String>> {
        let others = std::env::var_os(ROOTS).unwrap_or_default();
        let others = std::env::split_paths(&others).filter(|it| !it.as_os_str().is_empty());
        std::iter::once(PathBuf::from("/")).chain(others).map(Self::find).collect()
    }

    fn find(root: PathBuf) -> Result<Self, String> {
        let told = |error: std::io::Error| error.to_string();
        if !root.join(SSH.trim_start_matches('/')).exists() {
            return Err(format!("{SSH} is missing in {}: openssh-client has it", root.display()));
        }
        let output = unshare().arg("chroot").arg(&root).args([SSH, "-V"]).output();
        let output = output.map_err(told)?;
        let version = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let release = if version.starts_with("OpenSSH_9.2") {
            Release::V9_2
        } else if version.starts_with("OpenSSH_10.0") {
            Release::V10_0
        } else if version.starts_with("OpenSSH_10.6") {
            Release::V10_6
        } else {
            return Err(format!("the cases are for OpenSSH 9.2, 10.0 and 10.6: {version}"));
        };
        Ok(Self { root, release, version })
    }

    /// Whether it knows services by name.
    pub(crate) fn services(&self) -> Services {
        match self.root.join("etc/services").exists() {
            true => Services::Known,
            false => Services::Unknown,
        }
    }

    /// Asks `ssh -G`.
    pub(crate) fn ask(&self, case: &Rooted, words: &[String]) -> Answer {
        let words = words.iter().map(|word| match word.strip_prefix('~') {
            Some(path) => format!("/root{path}"),
            None => word.clone(),
        });
        let Output { status, stdout, stderr } = unshare()
            .args(["sh", "-c", SCRIPT, "sh"])
            .args([&*self.root, case.path()])
            .args([SSH, "-G"])
            .args(words)
            .env_clear()
            .envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("SHELL", "/bin/sh"), ("FOO", FOO)])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        match status.code() {
            Some(0) => Answer::Settings(String::from_utf8(stdout).unwrap()),
            _ => Answer::Refusal(String::from_utf8_lossy(&stderr).into_owned()),
        }
    }
}

impl Answer {
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refusal(_))
    }
}

/// A command in namespaces of its own, where the user is root.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "--uts"]);
    if !nix::unistd::getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
}
