//! What a process and all that came from it have used, as `proc(5)` tells.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The CPU time, of user and system, of a process, of its living descendants, and of those that they
/// have seen end.
///
/// The system counts a whole process in ticks of 10 ms, and a living thread in nanoseconds; of the two the
/// larger is the better.
pub(crate) fn cpu(root: u32) -> Duration {
    family(root).into_iter().filter_map(cpu_alone).sum()
}

/// What processes keep in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// Pages that no other process has.
    pub(crate) private: u64,
}

/// What a process and its living descendants keep in memory. Pages that they share count as resident in each.
pub(crate) fn memory(root: u32) -> Memory {
    let mut memory = Memory::default();
    for process in family(root) {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
        memory.resident += kilobytes(&text, "Rss:");
        memory.private += kilobytes(&text, "Private_Clean:") + kilobytes(&text, "Private_Dirty:");
    }
    memory
}

/// A process and its living descendants.
fn family(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for process in numbers(Path::new("/proc")) {
        if let Some(parent) = Stat::read(process).and_then(|stat| stat.field(4)) {
            let parent = u32::try_from(parent).unwrap_or_default();
            children.entry(parent).or_default().push(process);
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(process) = family.get(next) {
        family.extend(children.remove(process).unwrap_or_default());
        next += 1;
    }
    family
}

fn cpu_alone(process: u32) -> Option<Duration> {
    let stat = Stat::read(process)?;
    let ticks = |field| stat.field(field).unwrap_or(0);
    let tick = Duration::from_nanos(1_000_000_000 / rustix::param::clock_ticks_per_second().max(1));
    let of = |ticks: u64| tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
    let (own, ended) = (of(ticks(14) + ticks(15)), of(ticks(16) + ticks(17)));
    Some(own.max(threads(process)) + ended)
}

/// The time that the living threads of a process ran.
fn threads(process: u32) -> Duration {
    let folder = format!("/proc/{process}/task");
    let ran = |thread: u32| {
        let text = fs::read_to_string(format!("{folder}/{thread}/schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    numbers(Path::new(&folder)).filter_map(ran).sum()
}

fn numbers(folder: &Path) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn kilobytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.trim().strip_suffix("kB"));
    number.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// A line of `/proc/PID/stat`.
#[derive(Debug)]
struct Stat(String);

impl Stat {
    fn read(process: u32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{process}/stat")).ok().map(Self)
    }

    /// A field by its number in `proc(5)`. The second may hold anything, parentheses too.
    fn field(&self, number: usize) -> Option<u64> {
        let (_, rest) = self.0.rsplit_once(')')?;
        rest.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::process::Command;
    use std::time::Instant;

    use super::*;

    #[test]
    fn work_of_this_process_and_of_ended_children_is_counted() {
        let this = std::process::id();
        let before = cpu(this);
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(50) {
            black_box(started);
        }
        let own = cpu(this);
        assert!(own > before);
        let loop_of_a_shell = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(Command::new("sh").args(["-c", loop_of_a_shell]).status().unwrap().success());
        assert!(cpu(this) >= own + Duration::from_millis(20));
    }

    #[test]
    fn living_children_belong_to_the_family() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(family(std::process::id()).contains(&child.id()));
        let memory = memory(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(memory.resident >= memory.private && memory.private > 0, "{memory:?}");
    }

    #[test]
    fn a_name_with_parentheses_shifts_no_field() {
        let stat = Stat("7 (a) b) (c) S 5 6 0".to_owned());
        assert_eq!(stat.field(4), Some(5));
        assert_eq!(stat.field(5), Some(6));
    }
}
