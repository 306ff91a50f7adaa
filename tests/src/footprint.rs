//! What a process holds.

use std::fs;

/// What a process holds of memory, in bytes, as Linux counts it
/// ([proc(5)](https://man7.org/linux/man-pages/man5/proc.5.html)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// What is in memory, `VmRSS`.
    pub resident: u64,
    /// The most that ever was, `VmHWM`.
    pub peak: u64,
    /// What is in memory, with pages that several processes share divided among them, `Pss`.
    pub proportional: u64,
}

impl Footprint {
    /// What this process holds now.
    ///
    /// # Panics
    /// Where there is no such process, or the system is no Linux.
    pub fn of(process: u32) -> Self {
        let read = |name: &str| {
            let path = format!("/proc/{process}/{name}");
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let (status, rollup) = (read("status"), read("smaps_rollup"));
        Self {
            resident: field(&status, "VmRSS:"),
            peak: field(&status, "VmHWM:"),
            proportional: field(&rollup, "Pss:"),
        }
    }
}

/// A line's number of KiB, in bytes.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_else(|| panic!("there is no number in {name} {line:?}")) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_itself_grow() {
        let before = Footprint::of(std::process::id());
        let held = std::hint::black_box(vec![7_u8; 64 << 20]);
        let after = Footprint::of(std::process::id());
        drop(held);
        assert!(after.resident >= before.resident + (60 << 20), "{before:?} {after:?}");
        assert!(after.peak >= after.resident && after.proportional > 0, "{after:?}");
    }
}
