//! What all tunnels of a run share: keys, files of configuration, programs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::bench::exchange::Exchange;
use crate::error::{Context, Error, Result};
use crate::{process, workspace};

/// Of a release build, on a slow and cold machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// A folder that goes with the run, and the programs.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    user: String,
    adit: PathBuf,
    tools: PathBuf,
}

/// Whether the programs of the workspace in `bench` take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tools {
    Needed,
    NotNeeded,
}

impl Site {
    /// Builds what is not given, and makes keys.
    pub(crate) fn new(adit: Option<&Path>, tools: Tools) -> Result<Self> {
        let target = workspace::metadata()?.target_directory;
        let adit = match adit {
            Some(path) => path.to_path_buf(),
            None => {
                eprintln!("building adit");
                build(&["--package", "adit"])?;
                target.join("release/adit")
            }
        };
        let adit = adit.canonicalize().context(format!("find {}", adit.display()))?;
        let built = target.join("bench");
        if tools == Tools::Needed {
            eprintln!("building what adit is compared with");
            let words = ["--manifest-path", "bench/Cargo.toml", "--bins"];
            build(&[&words[..], &["--target-dir", &built.to_string_lossy()]].concat())?;
        }
        let folder = tempfile::tempdir().context("make a folder for this run")?;
        let user = process::succeed(command("id", &["-un"]), Duration::from_secs(10))?;
        let user = user.trim().to_owned();
        let site = Self { folder, user, adit, tools: built.join("release") };
        site.make_keys()?;
        Ok(site)
    }

    pub(crate) fn adit(&self) -> &Path {
        &self.adit
    }

    /// A program of the workspace in `bench`.
    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.tools.join(name)
    }

    /// Who logs in; sshd knows only users of the machine.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn user_key(&self) -> PathBuf {
        self.file("user")
    }

    /// The same key, as dbclient reads it, where `dropbearconvert` is installed.
    pub(crate) fn dropbear_key(&self) -> PathBuf {
        self.file("user.dropbear")
    }

    pub(crate) fn host_key(&self) -> PathBuf {
        self.file("host")
    }

    pub(crate) fn authorized_keys(&self) -> PathBuf {
        self.file("authorized_keys")
    }

    /// Says that every host has the one host key.
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.file("known_hosts")
    }

    /// Where a program says what is wrong.
    pub(crate) fn log(&self, of: &str) -> PathBuf {
        self.file(&format!("{of}.log"))
    }

    /// The configuration of an sshd that lets the user in and forwards all that is asked.
    pub(crate) fn sshd_config(&self, listen: SocketAddr, exchange: Exchange) -> Result<PathBuf> {
        let exchange = exchange.ssh().map(|name| format!("KexAlgorithms {name}\n"));
        let text = format!(
            "ListenAddress {}\nPort {}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             UsePAM no\nStrictModes no\nUseDNS no\nLogLevel ERROR\nMaxStartups 1000\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nAllowTcpForwarding yes\nCompression no\n{}",
            listen.ip(),
            listen.port(),
            self.host_key().display(),
            self.authorized_keys().display(),
            exchange.unwrap_or_default(),
        );
        let path = self.file(&format!("sshd_config.{}", listen.port()));
        std::fs::write(&path, text).context("write sshd_config")?;
        Ok(path)
    }

    /// The configuration of an adit that lets the user in and forwards all that is asked, with as many channels as
    /// the layer below allows.
    pub(crate) fn gateway_config(&self, listen: SocketAddr, exchange: Exchange) -> Result<PathBuf> {
        let exchange = exchange.ssh().map(|name| format!("key-exchanges = [{name:?}]\n"));
        let text = format!(
            "listen = [\"{listen}\"]\nhost-keys = [{:?}]\n{}[[user]]\nname = {:?}\n\
             authorized-keys = [{:?}]\n[[rule]]\nname = \"all of this machine\"\naction = \"allow\"\n\
             targets = [\"127.0.0.1:*\"]\n[limits]\nchannels = 16384\n",
            self.host_key(),
            exchange.unwrap_or_default(),
            self.user,
            self.authorized_keys(),
        );
        let path = self.file(&format!("adit-serve.toml.{}", listen.port()));
        std::fs::write(&path, text).context("write adit-serve.toml")?;
        Ok(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make_keys(&self) -> Result<()> {
        for path in [self.user_key(), self.host_key()] {
            let mut command = command("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f"]);
            command.arg(&path);
            process::succeed(command, Duration::from_secs(60))?;
        }
        std::fs::copy(self.user_key().with_extension("pub"), self.authorized_keys())
            .context("write authorized_keys")?;
        let public = std::fs::read_to_string(self.host_key().with_extension("pub"))
            .context("read the host key")?;
        std::fs::write(self.known_hosts(), format!("* {public}")).context("write known_hosts")?;
        if process::find("dropbearconvert").is_some() {
            let mut command = command("dropbearconvert", &["openssh", "dropbear"]);
            command.args([self.user_key(), self.dropbear_key()]);
            process::succeed(command, Duration::from_secs(60))?;
        }
        Ok(())
    }
}

fn build(words: &[&str]) -> Result<()> {
    let mut command = workspace::cargo();
    command.args(["build", "--quiet", "--release"]).args(words);
    let status = process::stream(command, BUILD_LIMIT)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::new(format!("cargo build {}: {status}", words.join(" "))))
    }
}

fn command(program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words);
    command
}
