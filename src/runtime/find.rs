//! Finds a runtime on this machine that can run containers.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::call::{Failed, Wrote, call};
use vitrine_core::model::Quoted;

/// How long a call that reads or changes a container may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a runtime may take to say who it is; a service behind it may have to start.
const FIRST: Duration = Duration::from_secs(30);

/// A runtime.
#[derive(Clone, Debug)]
pub struct Runtime {
    program: PathBuf,
    sort: Sort,
    version: String,
    machine: String,
}

/// Whose words it understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Podman.
    Podman,
    /// Docker.
    Docker,
}

impl Sort {
    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// The words by which it says for which system it runs containers, and its version.
    fn question(self) -> [&'static str; 3] {
        match self {
            Self::Podman => {
                ["info", "--format", "{{.Host.OS}}/{{.Host.Arch}} {{.Version.Version}}"]
            }
            Self::Docker => {
                ["version", "--format", "{{.Server.Os}}/{{.Server.Arch}} {{.Server.Version}}"]
            }
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Podman => {
                "`podman info` must work first; without root it needs lines for you in /etc/subuid \
                 and /etc/subgid"
            }
            Self::Docker => {
                "`docker version` must show a server first: start it, or join its group"
            }
        }
    }
}

impl Runtime {
    /// The first that is on `path` and can run containers, or the one that is asked for.
    ///
    /// # Errors
    /// A sentence: none is there, or why those that are there cannot run.
    pub async fn find(path: &OsStr, wanted: Option<Sort>) -> Result<Self, String> {
        let sorts = match wanted {
            Some(sort) => vec![sort],
            None => vec![Sort::Podman, Sort::Docker],
        };
        let mut refused = Vec::new();
        for sort in &sorts {
            let Some(program) = on_path(path, sort.program()) else { continue };
            match Self::ask(program, *sort).await {
                Ok(runtime) => return Ok(runtime),
                Err(why) => refused.push(format!("{why}; {}", sort.help())),
            }
        }
        if refused.is_empty() {
            let names: Vec<&str> = sorts.iter().map(|sort| sort.program()).collect();
            return Err(format!(
                "there is no {} on PATH, and an image can only be tried by one: install Podman \
                 (Debian: apt-get install podman) or Docker",
                names.join(" and no ")
            ));
        }
        Err(refused.join("\nvitrine: "))
    }

    /// How many files and processes its containers may have, where it would ask for more than it has
    /// itself: Podman does, and then nothing starts.
    pub(super) fn ulimits(&self) -> Vec<String> {
        let Ok(own) = std::fs::read_to_string("/proc/self/limits") else { return Vec::new() };
        let of = |name: &str| {
            let line = own.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        // What Podman lowers itself to, whatever it had.
        let wanted =
            [("nofile", of("Max open files"), 1 << 20), ("nproc", of("Max processes"), 1 << 15)];
        let own = wanted.into_iter().filter_map(|(name, own, most)| Some((name, own?.min(most))));
        match self.sort {
            Sort::Podman => {
                own.map(|(name, most)| format!("--ulimit={name}={most}:{most}")).collect()
            }
            Sort::Docker => Vec::new(),
        }
    }

    async fn ask(program: PathBuf, sort: Sort) -> Result<Self, String> {
        let name = sort.program();
        let said = call(&program, &sort.question(), None, FIRST).await;
        let said = said.map_err(|why| format!("{name} is there and cannot run: {why}"))?.out;
        let mut words = said.split_whitespace().map(|word| Quoted::of(word).short(40));
        let (Some(machine), Some(version)) = (words.next(), words.next()) else {
            let said = Quoted::of(&said);
            return Err(format!("{name} is there and says nothing of itself: `{said}`"));
        };
        Ok(Self { program, sort, version, machine })
    }

    /// `podman 4.3.1`
    pub fn name(&self) -> String {
        format!("{} {}", self.sort.program(), self.version)
    }

    /// What its containers run on, as Go calls it: `linux/amd64`.
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// Whose words it understands.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Its program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Calls it for something that takes no longer than its work.
    pub(super) async fn call<W: AsRef<OsStr>>(&self, words: &[W]) -> Result<String, Failed> {
        Ok(self.feed(words, None, PATIENCE).await?.out)
    }

    /// Calls it with an input, or for longer.
    pub(super) async fn feed<W: AsRef<OsStr>>(
        &self,
        words: &[W],
        input: Option<&[u8]>,
        patience: Duration,
    ) -> Result<Wrote, Failed> {
        call(&self.program, words, input, patience).await
    }
}

fn on_path(path: &OsStr, name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let may_run = |file: &PathBuf| {
        let about = file.metadata();
        about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path).map(|folder| folder.join(name)).find(may_run)
}
