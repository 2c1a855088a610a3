//! Of which state the numbers are, and on which machine.

use std::process::Command;

/// Taken before anything is measured.
pub struct State {
    revision: String,
    machine: String,
    load: String,
}

impl State {
    pub fn now() -> Self {
        let revision = match git(&["rev-parse", "--short=10", "HEAD"]) {
            Some(head) if git(&["status", "--porcelain"]).is_some_and(|s| s.is_empty()) => head,
            Some(head) => format!("{head} with changes that are not committed"),
            None => "unknown, for this is no Git repository".to_owned(),
        };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = model.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, m)| m);
        let machine = format!("{cores} cores ({model})");
        Self { revision, machine, load: load() }
    }

    /// One line for both.
    pub fn line(&self, arguments: &str) -> String {
        let Self { revision, machine, load } = self;
        let cargo = format!("cargo bench --bench cluster --{arguments}");
        format!(
            "State {revision}; {machine}; load average before {load}, after {}. `{}`.",
            self::load(),
            cargo.trim_end_matches(" --")
        )
    }
}

/// How many wanted a core on average, in the last minute and in the last five.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" and ")
}

fn git(arguments: &[&str]) -> Option<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let done = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
