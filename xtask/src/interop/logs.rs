//! The logs of one trial: a file for each process, numbered in the order of their start.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};

/// How much of a log's end is told after a failure.
const TOLD_LINES: usize = 6;

/// Lines of a debug log can be long.
const TOLD_LETTERS: usize = 240;

/// A folder of its own.
#[derive(Debug)]
pub(crate) struct Logs {
    folder: PathBuf,
    count: u32,
}

impl Logs {
    /// Makes the folder anew: what an earlier run left there is not of this one.
    pub(crate) fn new(folder: PathBuf) -> Result<Self> {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).context("make a folder for logs")?;
        Ok(Self { folder, count: 0 })
    }

    /// The file for the output of the next process.
    pub(crate) fn next(&mut self, name: &str) -> PathBuf {
        self.count += 1;
        self.folder.join(format!("{:03}-{name}.log", self.count))
    }

    /// The last lines of every process, the programs at both ends of the tunnel among them.
    pub(crate) fn ends(&self) -> Result<String> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.folder)
            .context("read the folder of logs")?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        files.sort();
        let mut text = String::new();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            for line in end_of(&file) {
                let _ = writeln!(text, "    {name}: {line}");
            }
        }
        Ok(text)
    }

    pub(crate) fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder).context("remove logs")
    }
}

fn end_of(file: &Path) -> Vec<String> {
    let bytes = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut last: Vec<String> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(TOLD_LINES)
        .map(|line| line.chars().take(TOLD_LETTERS).collect())
        .collect();
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_every_process_are_told_in_the_order_of_their_start() {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = Logs::new(folder.path().join("logs")).unwrap();
        let lines: String = (1..=20).map(|number| format!("line {number}\n\n")).collect();
        fs::write(logs.next("server"), lines).unwrap();
        fs::write(logs.next("client"), format!("{}\n", "x".repeat(1000))).unwrap();
        let ends = logs.ends().unwrap();
        let told: Vec<&str> = ends.lines().collect();
        assert_eq!(told.len(), TOLD_LINES + 1);
        assert_eq!(told[0], "    001-server: line 15");
        assert_eq!(told[5], "    001-server: line 20");
        assert!(told[6].starts_with("    002-client: xxx"), "{ends}");
        assert!(told[6].len() < 300, "{ends}");
    }

    #[test]
    fn an_earlier_run_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs");
        fs::write(Logs::new(path.clone()).unwrap().next("server"), "old").unwrap();
        assert_eq!(Logs::new(path.clone()).unwrap().ends().unwrap(), "");
        Logs::new(path.clone()).unwrap().remove().unwrap();
        assert!(!path.exists());
    }
}
