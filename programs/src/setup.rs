//! What a client has asked for before it asks for a program.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::environment::Environment;
use crate::host::Addition;
use crate::job::{Job, Task, Wish};
use crate::launcher::Limits;
use crate::orders::{Kind, Orders, Switch};
use crate::terminal::Terminal;

/// Most variables that a client may set.
const VARIABLES: usize = 128;

/// Most bytes of all variables that a client may set.
const BYTES: usize = 64 * 1024;

/// Where programs are looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Where programs are looked for by root.
const ROOT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a client has asked for before it asks for a program.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    pub(crate) terminal: Option<Terminal>,
    pub(crate) agent: Option<Addition>,
    pub(crate) display: Option<Addition>,
    environment: Environment,
    bytes: usize,
}

impl Setup {
    /// Sets a variable, where there is room for it.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let bytes = self.bytes.saturating_add(name.len()).saturating_add(value.len());
        if self.environment.len() >= VARIABLES || bytes > BYTES {
            return false;
        }
        self.bytes = bytes;
        let text = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_owned();
        self.environment.set(text(name), text(value));
        true
    }

    /// What a launcher has to be told.
    pub(crate) fn orders(&self, job: &Job, limits: Limits, is_other: bool) -> Orders {
        let account = &job.account;
        let (name, arguments) = match &job.task {
            Task::Shell => (account.login_shell_name(), Vec::new()),
            Task::Command(line) => (account.shell_name(), vec![OsString::from("-c"), line.clone()]),
        };
        let switch = is_other.then(|| Switch {
            name: account.name.clone(),
            uid: account.uid,
            gid: account.gid,
        });
        Orders {
            switch,
            home: account.home.clone(),
            program: account.shell.clone(),
            name,
            arguments,
            environment: self.environment(job),
            streams: if self.terminal.is_some() { Kind::Terminal } else { Kind::Pipes },
            limits,
        }
    }

    /// What the program finds. What the client sets comes first, so that it changes nothing of what
    /// follows.
    fn environment(&self, job: &Job) -> Environment {
        let account = &job.account;
        let mut all = self.environment.clone();
        all.set("USER", account.name.as_str());
        all.set("LOGNAME", account.name.as_str());
        all.set("HOME", &account.home);
        all.set("PATH", if account.uid == 0 { ROOT_PATH } else { PATH });
        all.set("MAIL", format!("/var/mail/{}", account.name));
        all.set("SHELL", &account.shell);
        all.extend(&job.environment);
        let (client, server) = (job.connection.client, job.connection.server);
        let (from, to) = (client.ip().to_canonical(), server.ip().to_canonical());
        let (port, own) = (client.port(), server.port());
        all.set("SSH_CLIENT", format!("{from} {port} {own}"));
        all.set("SSH_CONNECTION", format!("{from} {port} {to} {own}"));
        if let Some(terminal) = &self.terminal {
            all.set("SSH_TTY", &terminal.name);
            all.set("TERM", &terminal.kind);
        }
        if let Some(original) = &job.original {
            all.set("SSH_ORIGINAL_COMMAND", original);
        }
        for addition in [&self.agent, &self.display].into_iter().flatten() {
            all.extend(&addition.environment);
        }
        all
    }
}

impl Wish {
    /// What `SSH_ORIGINAL_COMMAND` has of it: nothing of a shell.
    pub fn original(&self) -> Option<OsString> {
        match self {
            Self::Shell => None,
            Self::Command(line) => Some(line.clone()),
            Self::Subsystem(name) => Some(name.into()),
        }
    }
}
