//! A world whose files are those of a case.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use adit_ssh_config::world::{Source, User, World, Writers};
use tempfile::TempDir;

use crate::case::Case;
use crate::machine::{FOO, HOST_NAME};

/// The files of a case in a folder: `home` stands for the home folder of root, `etc` for
/// `/etc/ssh`, `hosts` for `/etc/hosts`.
#[derive(Debug)]
pub(crate) struct Rooted {
    folder: TempDir,
    user: User,
    services: Services,
}

/// Whether a system has `/etc/services`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    Known,
    Unknown,
}

/// The home folder of root.
pub(crate) const HOME: &str = "/root";

impl Rooted {
    /// The files of a case, on a system that knows services by name or does not.
    pub(crate) fn new(case: &Case, services: Services) -> Self {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("home/.ssh")).unwrap();
        fs::create_dir_all(at.join("etc")).unwrap();
        fs::write(at.join("hosts"), "127.0.0.1 localhost\n").unwrap();
        for file in &case.files {
            let path = match (file.path.strip_prefix("~/"), file.path.strip_prefix("/etc/ssh/")) {
                (Some(path), _) => at.join("home").join(path),
                (_, Some(path)) => at.join("etc").join(path),
                _ => at.join("hosts"),
            };
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &file.text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).unwrap();
        }
        let user = User { name: "root".to_owned(), id: 0, home: HOME.into() };
        Self { folder, user, services }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    #[expect(clippy::unused_self, reason = "the home folder is that of this world")]
    pub(crate) fn home(&self) -> &Path {
        Path::new(HOME)
    }

    /// Where a path of the world is in the folder.
    fn inside(&self, path: &Path) -> PathBuf {
        let at = self.path();
        match (path.strip_prefix(HOME), path.strip_prefix("/etc/ssh")) {
            (Ok(path), _) => at.join("home").join(path),
            (_, Ok(path)) => at.join("etc").join(path),
            _ => at.join("nowhere"),
        }
    }

    fn outside(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(self.path().join("home")) {
            Ok(path) => Path::new(HOME).join(path),
            Err(_) => {
                Path::new("/etc/ssh").join(path.strip_prefix(self.path().join("etc")).unwrap())
            }
        }
    }
}

impl World for Rooted {
    fn user(&self) -> &User {
        &self.user
    }

    fn home_of(&self, name: &str) -> Option<PathBuf> {
        (name == "root").then(|| HOME.into())
    }

    fn host_name(&self) -> String {
        HOST_NAME.to_owned()
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "FOO").then(|| FOO.to_owned())
    }

    fn read(&self, path: &Path) -> io::Result<Source> {
        let path = self.inside(path);
        let octets = fs::read(&path)?;
        let mode = fs::metadata(&path)?.permissions().mode();
        let writers = if mode & 0o022 == 0 { Writers::Owner } else { Writers::Others };
        Ok(Source { octets, owner: 0, writers })
    }

    fn glob(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let pattern = self.inside(Path::new(pattern));
        let paths = glob::glob_with(&pattern.to_string_lossy(), options)
            .map_err(|error| error.to_string())?;
        Ok(paths.map(|path| self.outside(&path.unwrap())).collect())
    }

    fn execute(&self, command: &str) -> io::Result<i32> {
        let home = self.path().join("home");
        let command = command.replace(&format!("{HOME}/"), &format!("{}/", home.display()));
        let status = Command::new("/bin/sh").arg("-c").arg(command).status()?;
        status.code().ok_or_else(|| io::Error::other("ended by a signal"))
    }

    fn resolve(&self, name: &str) -> Option<String> {
        let hosts = fs::read_to_string(self.path().join("hosts")).unwrap();
        hosts.lines().find_map(|line| {
            let mut names = line.split_whitespace().skip(1);
            let canonical = names.next()?;
            (canonical == name || names.any(|it| it == name)).then(|| canonical.to_owned())
        })
    }

    fn local_addresses(&self) -> io::Result<Vec<IpAddr>> {
        // The interfaces of the namespaces are down.
        Ok(Vec::new())
    }

    fn service(&self, name: &str) -> Option<u16> {
        match name {
            _ if self.services == Services::Unknown => None,
            "ssh" => Some(22),
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        }
    }
}
