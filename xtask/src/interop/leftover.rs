//! What a run leaves behind if it is killed, and who owned it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Context, Result};

/// Counts the places of this run.
static SERIAL: AtomicU32 = AtomicU32::new(0);

/// How the temporary folders of runs begin.
const PREFIX: &str = "adit-interop-";

/// A process, told from a later one of the same number by its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pid: u32,
    started: u64,
}

impl Owner {
    pub(crate) fn this_process() -> Result<Self> {
        let pid = std::process::id();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("read /proc")?;
        let started = started(&stat).unwrap_or(0);
        Ok(Self { pid, started })
    }

    /// Whether the process runs still.
    pub(crate) fn is_alive(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid))
            .is_ok_and(|stat| started(&stat) == Some(self.started))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (pid, started) = text.split_once('-')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.pid, self.started)
    }
}

/// The 22nd field: when the process started. The second one, its name, may contain anything.
fn started(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// A number that no other place of this run has.
pub(crate) fn serial() -> u32 {
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

/// A temporary folder of this run, named after its owner.
pub(crate) fn folder(owner: &Owner) -> Result<tempfile::TempDir> {
    let prefix = format!("{PREFIX}{owner}-");
    tempfile::Builder::new().prefix(&prefix).tempdir().context("make a folder for this run")
}

/// Removes the folders below `temporary` whose owner is gone.
pub(crate) fn remove_folders(temporary: &Path) -> Result<usize> {
    let entries = std::fs::read_dir(temporary).context(format!("read {}", temporary.display()))?;
    let orphans = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?.to_owned();
        let owner = Owner::parse(name.rsplit_once('-')?.0)?;
        (!owner.is_alive()).then_some(path)
    });
    Ok(orphans.filter(|path| std::fs::remove_dir_all(path).is_ok()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_an_earlier_one_of_its_number_is_not() {
        let owner = Owner::this_process().unwrap();
        assert!(owner.is_alive());
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner.clone()));
        assert!(!Owner { started: owner.started - 1, ..owner }.is_alive());
    }

    #[test]
    fn the_name_of_a_process_may_contain_anything() {
        let fields: Vec<String> = (3..=30).map(|field| field.to_string()).collect();
        let stat = format!("7 (a) b (c) {}", fields.join(" "));
        assert_eq!(started(&stat), Some(22));
    }

    #[test]
    fn only_folders_whose_owner_is_gone_are_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let owner = Owner::this_process().unwrap();
        let mine = temporary.path().join(format!("{PREFIX}{owner}-x"));
        let gone = temporary.path().join(format!("{PREFIX}{}-1-y", owner.pid));
        let other = temporary.path().join("something-else");
        for folder in [&mine, &gone, &other] {
            std::fs::create_dir(folder).unwrap();
        }
        assert_eq!(remove_folders(temporary.path()).unwrap(), 1);
        assert!(mine.exists() && !gone.exists() && other.exists());
    }
}
