//! The instructions that the path of data takes, counted by valgrind: they hardly vary, so a limit can be held
//! on a machine that does other things too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::table::Table;
use crate::tools::{self, Tool};
use crate::{process, workspace};

/// Where the limits are, seen from the workspace.
const LIMITS: &str = "bench/instructions.json";

/// What a figure may have more than its limit.
const MARGIN_PERCENT: u64 = 3;

const VALGRIND: Tool = Tool { program: "valgrind", package: "valgrind" };

/// Of a release build, on a slow and cold machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

const RUN_LIMIT: Duration = Duration::from_secs(300);

/// A load of the program `hot_path` of `tests`. What two runs of different lengths differ by is the load's own: the login and
/// all else that comes once falls out.
struct Load {
    name: &'static str,
    /// What is counted.
    unit: &'static str,
    few: u64,
    many: u64,
}

const LOADS: [Load; 3] = [
    Load { name: "up", unit: "MiB up", few: 4, many: 12 },
    Load { name: "down", unit: "MiB down", few: 4, many: 12 },
    Load { name: "connections", unit: "connection", few: 50, many: 250 },
];

/// What to do with the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Fail where one is above its limit.
    Check,
    /// Make them the limits.
    SetLimits,
}

/// Counts, prints a table, and holds the figures against the limits of this architecture.
pub(crate) fn run(purpose: Purpose) -> Result<()> {
    tools::ensure(&[VALGRIND])?;
    let program = build()?;
    let counted: Vec<(&Load, u64)> =
        LOADS.iter().map(|load| Ok((load, count_each(&program, load)?))).collect::<Result<_>>()?;
    let path = workspace::root().join(LIMITS);
    let mut all = read(&path)?;
    let limits = all.entry(std::env::consts::ARCH.to_owned()).or_default();
    if purpose == Purpose::SetLimits {
        *limits = counted.iter().map(|(load, count)| (load.name.to_owned(), *count)).collect();
        write(&path, &all)?;
        eprintln!("written: {LIMITS}");
        return Ok(());
    }
    print!("{}", table(&counted, limits));
    if limits.is_empty() {
        eprintln!("not checked: {LIMITS} has no limits for {}", std::env::consts::ARCH);
        return Ok(());
    }
    let above: Vec<&str> = counted
        .iter()
        .filter(|(load, count)| limits.get(load.name).is_none_or(|limit| is_above(*count, *limit)))
        .map(|(load, _)| load.name)
        .collect();
    match above.as_slice() {
        [] => Ok(()),
        names => Err(Error::new(format!("more instructions than allowed: {}", names.join(", ")))
            .hint(
                "where the cause is known and right: cargo xtask bench --instructions --set-limits",
            )),
    }
}

fn build() -> Result<PathBuf> {
    let mut command = workspace::cargo();
    let words = ["build", "--quiet", "--release", "--package", "adit-tests", "--bin", "hot_path"];
    command.args(words);
    let status = process::stream(command, BUILD_LIMIT)?;
    if !status.success() {
        return Err(Error::new("hot_path does not build"));
    }
    Ok(workspace::metadata()?.target_directory.join("release/hot_path"))
}

/// Instructions for one of what is counted.
fn count_each(program: &Path, load: &Load) -> Result<u64> {
    let few = count(program, load.name, load.few)?;
    let many = count(program, load.name, load.many)?;
    let each = many.saturating_sub(few).checked_div(load.many - load.few);
    each.filter(|each| *each > 0)
        .ok_or_else(|| Error::new(format!("{}: nothing counted", load.name)))
}

fn count(program: &Path, load: &str, count: u64) -> Result<u64> {
    let mut command = Command::new(VALGRIND.program);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(program).args([load, &count.to_string()]);
    let described = process::describe(&command);
    let finished = process::run(command, &[], RUN_LIMIT)?;
    let said = finished.stderr_text();
    if !finished.status.success() {
        return Err(Error::new(format!("{described}: {}\n{said}", finished.status)));
    }
    collected(&said).ok_or_else(|| Error::new(format!("{described}: no count in\n{said}")))
}

/// The figure in callgrind's line `==7== Collected : 123`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.split_once("Collected :"));
    line?.1.split_whitespace().next()?.parse().ok()
}

fn is_above(count: u64, limit: u64) -> bool {
    count.saturating_mul(100) > limit.saturating_mul(100 + MARGIN_PERCENT)
}

fn table(counted: &[(&Load, u64)], limits: &BTreeMap<String, u64>) -> Table {
    let mut table = Table::new(["instructions for a", "counted", "limit", "of it"]);
    for (load, count) in counted {
        let limit = limits.get(load.name).copied();
        let part = limit.and_then(|limit| count.saturating_mul(1000).checked_div(limit));
        let part = part.map_or("-".to_owned(), |it| format!("{}.{} %", it / 10, it % 10));
        let limit = limit.map_or("-".to_owned(), |limit| limit.to_string());
        table.row([load.unit.to_owned(), count.to_string(), limit, part]);
    }
    table
}

/// Limits by architecture and load.
type Limits = BTreeMap<String, BTreeMap<String, u64>>;

fn read(path: &Path) -> Result<Limits> {
    let text = std::fs::read_to_string(path).context(format!("read {}", path.display()))?;
    serde_json::from_str(&text).context(format!("read {}", path.display()))
}

fn write(path: &Path, limits: &Limits) -> Result<()> {
    let text = serde_json::to_string_pretty(limits).context("write limits")?;
    std::fs::write(path, text + "\n").context(format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        assert_eq!(collected("==7== \n==7== Collected : 1234567\n==7== \n"), Some(1_234_567));
        assert_eq!(collected("==7== Collected :\n"), None);
    }

    #[test]
    fn a_limit_has_a_margin() {
        assert!(!is_above(103, 100));
        assert!(is_above(104, 100));
    }

    #[test]
    fn there_are_limits_for_every_load() {
        let limits = read(&workspace::root().join(LIMITS)).unwrap();
        for (architecture, limits) in limits {
            for load in LOADS {
                assert!(limits.contains_key(load.name), "{architecture}: {}", load.name);
            }
        }
    }
}
