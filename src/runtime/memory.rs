//! How much memory a container takes: its control group, looked at while it runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::find::Runtime;
use vitrine_core::model::Quantity;

/// How often the control group is looked at: one that takes too much at once lives shortly.
const LOOK: Duration = Duration::from_millis(20);
/// How often the runtime is asked, where the control group is on another machine.
const ASK: Duration = Duration::from_secs(1);

/// What was seen so far. Looking ends when it is dropped.
pub struct Memory {
    seen: Arc<Seen>,
    _stop: DropGuard,
}

#[derive(Default)]
struct Seen {
    /// Its first process, once it is known.
    process: OnceLock<u32>,
    peak: AtomicU64,
    out: AtomicBool,
}

impl Memory {
    /// Begins to look for a container, which may not run yet.
    pub fn watch(runtime: Runtime, id: String) -> Self {
        let (seen, stop) = (Arc::<Seen>::default(), CancellationToken::new());
        let (to, over) = (Arc::clone(&seen), stop.clone());
        tokio::spawn(async move {
            tokio::select! { () = look(&runtime, &id, &to) => {}, () = over.cancelled() => {} }
        });
        Self { seen, _stop: stop.drop_guard() }
    }

    /// It runs, and this is its first process.
    pub fn runs(&self, process: u32) {
        let _ = self.seen.process.set(process);
    }

    /// The most that it took, in bytes; absent where nobody could look.
    pub fn peak(&self) -> Option<u64> {
        Some(self.seen.peak.load(Ordering::Relaxed)).filter(|peak| *peak > 0)
    }

    /// Whether something in it was killed for its memory.
    pub fn ran_out(&self) -> bool {
        self.seen.out.load(Ordering::Relaxed)
    }
}

async fn look(runtime: &Runtime, id: &str, seen: &Seen) {
    let root = Path::new("/");
    let note = |bytes: u64| _ = seen.peak.fetch_max(bytes, Ordering::Relaxed);
    let group = loop {
        if let Some(group) = Group::named(root, id) {
            break Some(group);
        }
        if let Some(process) = seen.process.get() {
            break Group::of(root, *process, id);
        }
        tokio::time::sleep(LOOK).await;
    };
    if let Some(group) = group {
        while let Some(look) = group.look() {
            note(look.taken);
            seen.out.fetch_or(look.killed, Ordering::Relaxed);
            tokio::time::sleep(LOOK).await;
        }
        return;
    }
    loop {
        let said = runtime.call(&["stats", "--no-stream", "--format", "{{.MemUsage}}", id]).await;
        let Some(bytes) = said.ok().as_deref().and_then(taken) else { return };
        note(bytes);
        tokio::time::sleep(ASK).await;
    }
}

/// Where runtimes put the group of a container, and its name after the container's.
const PLACES: [(&str, &str, &str); 4] = [
    ("libpod_parent", "libpod-", ""),
    ("machine.slice", "libpod-", ".scope"),
    ("docker", "", ""),
    ("system.slice", "docker-", ".scope"),
];

/// The memory controller of a container.
#[derive(Debug)]
struct Group {
    folder: PathBuf,
    first: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Look {
    /// Without what the kernel would give back first, as the kubelet counts.
    taken: u64,
    /// The most ever was as much as it may take, or something was killed.
    killed: bool,
}

impl Group {
    /// The group of a container where its runtime usually puts it, before any process of it is known.
    fn named(root: &Path, id: &str) -> Option<Self> {
        let mounts = [("sys/fs/cgroup/memory", true), ("sys/fs/cgroup", false)];
        let groups = mounts.into_iter().flat_map(|(mount, first)| {
            PLACES.into_iter().map(move |(place, before, behind)| {
                let folder = root.join(mount).join(place).join(format!("{before}{id}{behind}"));
                Self { folder, first }
            })
        });
        groups.into_iter().find(|group| !id.is_empty() && group.look().is_some())
    }

    /// The group of a process, if it is that container's: what is called so on another machine may
    /// be another process here.
    fn of(root: &Path, process: u32, id: &str) -> Option<Self> {
        let text = std::fs::read_to_string(root.join(format!("proc/{process}/cgroup"))).ok()?;
        let mut places = text.lines().filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, place) = rest.split_once(':')?;
            let first = controllers.split(',').any(|word| word == "memory");
            (first || controllers.is_empty()).then_some((first, place))
        });
        places.find_map(|(first, place)| {
            let mount = if first { "sys/fs/cgroup/memory" } else { "sys/fs/cgroup" };
            let folder = root.join(mount).join(place.trim_start_matches('/'));
            let group = Self { folder, first };
            (place.contains(id) && group.look().is_some()).then_some(group)
        })
    }

    fn look(&self) -> Option<Look> {
        let [usage, most, limit, events, idle] = match self.first {
            true => [
                "memory.usage_in_bytes",
                "memory.max_usage_in_bytes",
                "memory.limit_in_bytes",
                "memory.oom_control",
                "total_inactive_file",
            ],
            false => {
                ["memory.current", "memory.peak", "memory.max", "memory.events", "inactive_file"]
            }
        };
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).ok();
        let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
        let entry = |name: &str, key: &str| {
            let text = read(name)?;
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines.find(|(word, _)| *word == key)?.1.trim().parse::<u64>().ok()
        };
        let taken = number(usage)?.saturating_sub(entry("memory.stat", idle).unwrap_or(0));
        let full = number(most).zip(number(limit)).is_some_and(|(most, limit)| most >= limit);
        let killed = entry(events, "oom_kill").map_or(full, |killed| killed > 0);
        Some(Look { taken, killed })
    }
}

/// `12.3MiB / 64MiB` of Docker, `327.7kB / 67.11MB` of Podman.
fn taken(said: &str) -> Option<u64> {
    let (taken, _) = said.split_once('/')?;
    Some(Quantity::parse(taken.trim().strip_suffix('B')?).ok()?.whole())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runtime_says_of_memory_is_read() {
        for (said, bytes) in [
            ("327.7kB / 67.11MB\n", Some(327_700)),
            ("12.5MiB / 64MiB", Some(13_107_200)),
            ("0B / 0B", Some(0)),
            ("-- / --", None),
            ("", None),
        ] {
            assert_eq!(taken(said), bytes, "{said}");
        }
    }

    #[test]
    fn both_sorts_of_control_groups_are_read_and_a_strangers_is_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/7/cgroup", "9:name=systemd:/\n4:memory:/libpod_parent/libpod-abc\n0::/\n");
        let first = "sys/fs/cgroup/memory/libpod_parent/libpod-abc/memory";
        write(&format!("{first}.usage_in_bytes"), "5000\n");
        write(&format!("{first}.stat"), "cache 1\ntotal_inactive_file 1000\n");
        write(&format!("{first}.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
        let group = Group::of(root.path(), 7, "abc").unwrap();
        assert_eq!(Group::named(root.path(), "abc").unwrap().folder, group.folder);
        assert_eq!(group.look(), Some(Look { taken: 4000, killed: false }));
        write(&format!("{first}.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
        assert_eq!(group.look(), Some(Look { taken: 4000, killed: true }));

        write("proc/8/cgroup", "0::/machine.slice/libpod-def.scope\n");
        let second = "sys/fs/cgroup/machine.slice/libpod-def.scope/memory";
        write(&format!("{second}.current"), "300\n");
        let group = Group::of(root.path(), 8, "def").unwrap();
        assert_eq!(Group::named(root.path(), "def").unwrap().folder, group.folder);
        assert_eq!(group.look(), Some(Look { taken: 300, killed: false }));
        write(&format!("{second}.peak"), "400\n");
        write(&format!("{second}.max"), "400\n");
        assert_eq!(group.look(), Some(Look { taken: 300, killed: true }));
        write(&format!("{second}.events"), "low 0\noom 0\noom_kill 0\n");
        assert_eq!(group.look(), Some(Look { taken: 300, killed: false }));

        assert!(Group::of(root.path(), 8, "abc").is_none(), "it is another container's");
        assert!(Group::of(root.path(), 9, "abc").is_none());
        assert!(Group::named(root.path(), "ghi").is_none());
    }
}
