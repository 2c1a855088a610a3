//! One start of an image: the carrier, and beside it the tried container.

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;

use super::call::{Group, reason};
use super::carried::Carried;
use super::container;
use super::find::Runtime;
use super::leftover::name;
use super::memory::Memory;
use super::opened::Opened;
use vitrine_core::model::Quoted;
use vitrine_core::model::credential::masked_lines;
use vitrine_core::trial::{Ended, Start, Subject};

/// Where a program that listens on every address answers, and one on loopback alone does not.
pub const OUTSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How long the carrier may take to start.
const CARRIER: Duration = Duration::from_secs(60);
/// How long a program may run that is waited for.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many of its last lines are told.
const LINES: usize = 8;

/// The two containers.
pub struct Room {
    runtime: Runtime,
    pub carried: Carried,
    /// Its end of the pipe is what keeps the carrier alive.
    _carrier: Group,
    app: String,
    running: Option<Running>,
}

struct Running {
    begun: Instant,
    ended: Arc<OnceLock<(i32, Duration)>>,
    memory: Memory,
    _files: tempfile::TempDir,
}

impl Room {
    /// Starts the carrier.
    pub async fn new(
        runtime: &Runtime,
        trial: &str,
        image: &str,
        number: usize,
    ) -> Result<Self, String> {
        let cannot = |why: &str| format!("{} cannot run a container: {why}", runtime.name());
        let carrier = name(trial, "carrier", number);
        let words = container::carrier(runtime, trial, &carrier, image);
        let group = Group::start(runtime.program(), &words, true);
        let mut group = group.map_err(|error| cannot(&error.to_string()))?;
        let child = &mut group.child;
        let (Some(to), Some(from), Some(mut err)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(cannot("it has no pipes"));
        };
        let carried = Carried::new(to, from);
        if !carried.answers(CARRIER).await {
            let mut said = String::new();
            let _ = tokio::time::timeout(CARRIER, err.read_to_string(&mut said)).await;
            return Err(cannot(&reason(&said)));
        }
        // Nobody reads what it writes later, and it must not wait for that.
        tokio::spawn(async move { tokio::io::copy(&mut err, &mut tokio::io::sink()).await });
        let app = name(trial, "app", number);
        let runtime = runtime.clone();
        Ok(Self { runtime, carried, _carrier: group, app, running: None })
    }

    /// Starts the tried container; the words of its runtime if that fails.
    pub async fn start(
        &mut self,
        trial: &str,
        number: usize,
        subject: &Subject<'_>,
    ) -> Result<Option<Quoted>, String> {
        let files = tempfile::tempdir().map_err(|error| format!("no folder for files: {error}"))?;
        let laid = container::lay(subject.container, files.path())
            .map_err(|error| format!("its files cannot be laid out: {error}"))?;
        let carrier = name(trial, "carrier", number);
        let names = (self.app.as_str(), carrier.as_str());
        let words = container::tried(&self.runtime, trial, names, subject.container, &laid);
        let created =
            self.runtime.call(&words).await.map_err(|why| {
                format!("{} makes no container of it: {why}", self.runtime.name())
            })?;
        let memory = Memory::watch(self.runtime.clone(), created.trim().to_owned());
        if let Err(why) = self.runtime.call(&["start", &self.app]).await {
            return Ok(Some(Quoted::of(&why.to_string())));
        }
        // What the runtime itself takes to start anything, seconds on a busy machine, is no time of
        // the program.
        let begun = Instant::now();
        let ended = Arc::<OnceLock<(i32, Duration)>>::default();
        let (note, runtime, app) = (Arc::clone(&ended), self.runtime.clone(), self.app.clone());
        tokio::spawn(async move {
            let said = runtime.feed(&["wait", &app], None, LONGEST).await;
            if let Some(code) = said.ok().and_then(|said| said.out.trim().parse().ok()) {
                let _ = note.set((code, begun.elapsed()));
            }
        });
        let words = ["inspect", "--format", "{{.State.Pid}}", &self.app];
        let process = self.runtime.call(&words).await.unwrap_or_default();
        memory.runs(process.trim().parse().unwrap_or_default());
        self.running = Some(Running { begun, ended, memory, _files: files });
        Ok(None)
    }

    /// How long it runs.
    pub fn age(&self) -> Duration {
        self.running.as_ref().map(|running| running.begun.elapsed()).unwrap_or_default()
    }

    /// Whether the program has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.ended.get().is_some())
    }

    /// Notes what is to be seen of the container before it is removed.
    pub async fn note(&self, subject: &Subject<'_>, start: &mut Start) {
        let Some(running) = &self.running else { return };
        start.peak = running.memory.peak();
        if let Some((code, after)) = running.ended.get().copied() {
            let said = ["inspect", "--format", "{{.State.OOMKilled}}", &self.app];
            let told = self.runtime.call(&said).await.is_ok_and(|said| said.trim() == "true");
            let out_of_memory = code == 137 && (told || running.memory.ran_out());
            start.ended = Some(Ended { code, after, out_of_memory });
        }
        if start.ready.is_none() || start.ended.is_some() {
            start.log = self.log().await;
        }
        if !subject.container.read_only {
            let said = self.runtime.call(&["diff", &self.app]).await.unwrap_or_default();
            start.wrote = container::wrote(&said, subject.container);
        }
    }

    /// The last lines that it wrote. A key may go over more than those: all are masked, then cut.
    ///
    /// Not by `--tail`: a line that was written in pieces has them in the wrong order there (Podman
    /// 4.3).
    async fn log(&self) -> Vec<Quoted> {
        let words = ["logs", &self.app];
        let Ok(wrote) = self.runtime.feed(&words, None, CARRIER).await else { return Vec::new() };
        let last = |text: &str| -> Vec<Quoted> {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let masked = masked_lines(&lines);
            let said = masked.iter().rev().map(|line| Quoted::of(line));
            let mut said: Vec<Quoted> = said.filter(|line| !line.is_empty()).take(LINES).collect();
            said.reverse();
            said
        };
        let mut lines = [last(&wrote.out), last(&wrote.err)].concat();
        lines.split_off(lines.len().saturating_sub(LINES))
    }

    /// Leads a port of this machine to the program, until it or the carrier ends.
    pub async fn carry(&self, opened: &Opened, port: u16) {
        let ended = async {
            while !self.has_ended() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::select! { () = opened.carry(&self.carried, OUTSIDE, port) => {}, () = ended => {} }
    }
}
