//! Users of the machine, as whom programs run.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::unistd::User;
use rustix::process::geteuid;

use crate::shadow::{self, Lock};

/// Where the administrator says that nobody but root is to come in.
const NOLOGIN: [&str; 2] = ["/etc/nologin", "/run/nologin"];

/// The most of such a file that is told.
const NOLOGIN_TOLD: usize = 4096;

/// The shell of accounts that name none.
const DEFAULT_SHELL: &str = "/bin/sh";

/// A user of the machine, as whom programs run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The number of the user.
    pub uid: u32,
    /// The number of its first group.
    pub gid: u32,
    /// Its home folder.
    pub home: PathBuf,
    /// Its login shell.
    pub shell: PathBuf,
}

impl Account {
    /// Looks up who has this name and may have programs run now, by this process. It blocks on
    /// whatever the system looks accounts up in.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn look_up(name: &str, now: SystemTime) -> Result<Self, Unfit> {
        let found = User::from_name(name).map_err(|error| Unfit::System(error.to_string()))?;
        let user = found.ok_or_else(|| Unfit::Unknown(name.to_owned()))?;
        let shell = match user.shell {
            shell if shell.as_os_str().is_empty() => PathBuf::from(DEFAULT_SHELL),
            shell => shell,
        };
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        let account = Self { name: user.name, uid, gid, home: user.dir, shell };
        let own = geteuid();
        if !own.is_root() && own.as_raw() != uid {
            let name = account.name;
            return Err(Unfit::Other { name, own: name_of(own.as_raw()) });
        }
        account.check(now)?;
        Ok(account)
    }

    /// Whether it may come in now.
    fn check(&self, now: SystemTime) -> Result<(), Unfit> {
        if self.uid != 0
            && let Some(words) = NOLOGIN.iter().find_map(|path| nologin(Path::new(path)))
        {
            return Err(Unfit::NoLogin(words));
        }
        // Only root can read it; and whoever the gateway runs as has come in already.
        if geteuid().is_root() {
            match shadow::lock(&self.name, now) {
                Some(Lock::Locked) => return Err(Unfit::Locked(self.name.clone())),
                Some(Lock::Expired) => return Err(Unfit::Expired(self.name.clone())),
                None => {}
            }
        }
        let runs = fs::metadata(&self.shell)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        if runs { Ok(()) } else { Err(Unfit::Shell(self.shell.clone())) }
    }

    /// What the shell calls itself where it is a login shell.
    pub(crate) fn login_shell_name(&self) -> OsString {
        let mut name = OsString::from("-");
        name.push(self.shell_name());
        name
    }

    /// What the shell calls itself.
    pub(crate) fn shell_name(&self) -> OsString {
        self.shell.file_name().unwrap_or(self.shell.as_os_str()).to_owned()
    }
}

fn name_of(uid: u32) -> String {
    match User::from_uid(uid.into()) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}

/// What the file says, where it is there.
fn nologin(path: &Path) -> Option<String> {
    if fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return None;
    }
    let text = fs::read(path).unwrap_or_default();
    let told = text.get(..NOLOGIN_TOLD).unwrap_or(&text);
    Some(String::from_utf8_lossy(told).trim().to_owned())
}

/// Words that may be none, behind others.
fn told(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// Why nothing runs as somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no such account.
    #[error("there is no account {0:?} on this machine")]
    Unknown(String),
    /// The system could not look it up.
    #[error("the account cannot be looked up: {0}")]
    System(String),
    /// The gateway is not root, and this is somebody else.
    #[error("programs run here as {own} only, and not as {name}")]
    Other {
        /// The account.
        name: String,
        /// As whom the gateway runs.
        own: String,
    },
    /// `/etc/nologin`, and what it says.
    #[error("nobody may log in at the moment{}", told(.0))]
    NoLogin(String),
    /// Its password is locked.
    #[error("the account {0} is locked")]
    Locked(String),
    /// The account or its password has expired.
    #[error("the account {0} has expired")]
    Expired(String),
    /// Its login shell is none.
    #[error("the login shell {} cannot be run", .0.display())]
    Shell(PathBuf),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_that_this_runs_as_is_found() {
        let own = User::from_uid(geteuid().as_raw().into()).unwrap().unwrap();
        match Account::look_up(&own.name, SystemTime::now()) {
            Ok(account) => assert_eq!((account.uid, account.home), (own.uid.as_raw(), own.dir)),
            Err(unfit) => panic!("{unfit}"),
        }
    }

    #[test]
    fn nobody_may_log_in_while_the_file_is_there_and_it_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nologin");
        assert_eq!(nologin(&path), None);
        fs::write(&path, "back at noon\n").unwrap();
        assert_eq!(nologin(&path).as_deref(), Some("back at noon"));
        let told = Unfit::NoLogin("back at noon".to_owned()).to_string();
        assert_eq!(told, "nobody may log in at the moment: back at noon");
        assert_eq!(Unfit::NoLogin(String::new()).to_string(), "nobody may log in at the moment");
    }

    #[test]
    fn who_is_not_there_is_told() {
        let unfit = Account::look_up("no-such-user-here", SystemTime::now()).unwrap_err();
        assert_eq!(unfit.to_string(), "there is no account \"no-such-user-here\" on this machine");
    }

    #[test]
    fn the_names_of_a_shell_say_whether_it_is_a_login_shell() {
        let account = Account {
            name: "ann".to_owned(),
            uid: 1,
            gid: 1,
            home: "/".into(),
            shell: "/bin/dash".into(),
        };
        assert_eq!(
            (account.login_shell_name(), account.shell_name()),
            ("-dash".into(), "dash".into())
        );
    }
}
