//! The servers of the programs that travel: a web server, a mail server, a database.

use std::path::Path;
use std::time::Duration;

use crate::error::{Context, Result};
use crate::interop::place::Place;
use crate::interop::watched::Watched;
use crate::traffic::pattern::Pattern;

pub(crate) const HTTP: u16 = 8080;
pub(crate) const SMTP: u16 = 25;
pub(crate) const POP3: u16 = 110;
pub(crate) const IMAP: u16 = 143;
pub(crate) const REDIS: u16 = 6379;

/// The file that the web server has, below its root.
pub(crate) const FILE: &str = "file";

/// How much it holds.
const FILE_BYTES: usize = 4 << 20;

const READY_LIMIT: Duration = Duration::from_secs(60);

const DOVECOT: &str = include_str!("services/dovecot.conf");
const POSTFIX_MAIN: &str = include_str!("services/main.cf");
const POSTFIX_MASTER: &str = include_str!("services/master.cf");

/// Running servers; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Services {
    _processes: Vec<Watched>,
    /// What is in the web server's file.
    pub(crate) file: Vec<u8>,
}

impl Services {
    /// Starts all of them; they listen when this returns. `logs` is a folder.
    pub(crate) fn start(place: &dyn Place, logs: &Path) -> Result<Self> {
        let mut file = vec![0; FILE_BYTES];
        Pattern::new(0).fill(0, &mut file);
        let shared = place.shared();
        write(place, FILE, &file)?;
        write(place, "dovecot.conf", DOVECOT.as_bytes())?;
        write(place, "main.cf", POSTFIX_MAIN.as_bytes())?;
        write(place, "master.cf", POSTFIX_MASTER.as_bytes())?;
        // It forks, unless it is told that there is nobody to fork for.
        let http = format!("exec busybox httpd -f -p {HTTP} -h {}", shared.inside.display());
        let dovecot = format!("exec dovecot -F -c {}", shared.inside("dovecot.conf"));
        let postfix = format!(
            "mkdir -p /run/postfix && cp {} {} /run/postfix && exec postfix -c /run/postfix start-fg",
            shared.inside("main.cf"),
            shared.inside("master.cf"),
        );
        let redis = format!(
            "exec redis-server --port {REDIS} --bind '*' '-::*' --save '' \
                             --protected-mode no"
        );
        let start = |name: &str, line: &str| {
            let log = logs.join(format!("{name}.log"));
            Watched::start(name, place.own(&["sh", "-c", line]), &log)
        };
        let processes = vec![
            start("httpd", &http)?,
            start("dovecot", &dovecot)?,
            start("postfix", &postfix)?,
            start("redis", &redis)?,
        ];
        let ready = [None, Some("starting up"), Some("daemon started"), Some("Ready to accept")];
        for (process, line) in processes.iter().zip(ready) {
            if let Some(text) = line {
                let is_ready = |line: &str| line.contains(text).then_some(());
                process.wait_for("start", READY_LIMIT, is_ready)?;
            }
        }
        Ok(Self { _processes: processes, file })
    }
}

fn write(place: &dyn Place, name: &str, bytes: &[u8]) -> Result<()> {
    let path = place.shared().outside(name);
    std::fs::write(&path, bytes).context(format!("write {}", path.display()))
}
