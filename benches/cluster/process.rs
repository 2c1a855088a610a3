//! What the kernel says of a process.

use std::fs;
use std::time::Duration;

/// The kernel tells CPU time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// The CPU time of all its threads so far, those that ended included, in both modes.
pub fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything; the state follows it. See proc(5).
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: u32 = ticks.filter_map(|field| field.parse::<u32>().ok()).sum();
    TICK * ticks
}

/// The CPU time of the threads that live, to the nanosecond.
pub fn cpu_of_threads(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// What a process holds, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What of it is in memory, files included.
    pub resident: u64,
    /// What of that no file stands behind.
    pub anonymous: u64,
}

/// What a process holds now.
pub fn memory(process: u32) -> Memory {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let bytes = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.unwrap_or_default() * 1024
    };
    Memory { resident: bytes("Rss:"), anonymous: bytes("Anonymous:") }
}

/// Our own children of these names.
pub fn children(names: &[&str]) -> Vec<u32> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let listed: String = threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .collect();
    let is_named = |process: &u32| {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        names.contains(&name.trim())
    };
    listed.split_whitespace().filter_map(|child| child.parse().ok()).filter(is_named).collect()
}
