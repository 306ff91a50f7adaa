//! The machine that figures were made on.

use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bench::site::Site;
use crate::process;

/// What figures depend on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    /// The instructions that ciphers are made of.
    pub(crate) instructions: Vec<String>,
    pub(crate) kernel: String,
    pub(crate) openssh: String,
    pub(crate) adit: String,
    /// Processes that wanted to run, on average over the minute before.
    pub(crate) load: String,
}

const INSTRUCTIONS: [&str; 6] = ["aes", "pclmulqdq", "vaes", "avx2", "avx512f", "sha_ni"];

impl Machine {
    /// This one.
    pub(crate) fn this(site: &Site) -> Self {
        let cpuinfo = read("/proc/cpuinfo");
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(": ").map_or("", |(_, value)| value).to_owned()
        };
        let flags = field("flags");
        let has = |name: &&str| flags.split(' ').any(|flag| flag == *name);
        Self {
            cpu: field("model name"),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            instructions: INSTRUCTIONS.into_iter().filter(has).map(str::to_owned).collect(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            openssh: says("ssh", &["-V"]),
            adit: says(&site.adit().to_string_lossy(), &["--version"]),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn says(program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(words);
    let said = process::run(command, &[], Duration::from_secs(10));
    said.map_or_else(
        |error| error.to_string(),
        |it| format!("{}{}", it.stdout_text(), it.stderr_text()).trim().to_owned(),
    )
}
