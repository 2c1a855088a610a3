//! A catalogue, a daemon between it and a cluster in memory, and the place where the daemon says
//! what became of commits: one of the forges, or the notes alone.
//!
//! Whatever the place is called there, a scenario hears it in vitrine's own words.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use vitrine_core::config::{Config, Forge, ForgeAuth, ForgeKind, PullRequests, Verify};
use vitrine_core::ledger::forge::MOST_ON_A_COMMIT;
use vitrine_core::model::{Kind, ObjectKey, Revision};
use vitrine_core::status::Board;

use crate::support::catalogue::{Catalogue, image, minimal};
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, settings};
use crate::support::forge::{FakeForge, Fault, Row};

/// How long anything may take. GitHub is told one line a second.
const PATIENCE: Duration = Duration::from_secs(60);
/// The context of the whole branch, of which the solutions' are below.
const WHOLE: &str = "vitrine/test";

/// What stands on a commit: state and text by context.
pub type Said = BTreeMap<String, (String, String)>;

pub struct Stage {
    pub cluster: Cluster,
    pub catalogue: Catalogue,
    pub settings: Config,
    forge: Option<FakeForge>,
    life: Option<Life>,
    log: Log,
    secrets: TempDir,
}

/// A daemon in a runtime of its own, so that a power cut ends all of it.
struct Life {
    daemon: Daemon,
    runtime: Runtime,
}

impl Stage {
    /// A catalogue of these solutions, and a place of this kind; `None`: the notes alone. The daemon
    /// is not started yet.
    pub async fn open(kind: Option<ForgeKind>, names: &[&str]) -> Self {
        Self::on(Cluster::sandbox().await, kind, names).await
    }

    /// The same on this cluster.
    pub async fn on(cluster: Cluster, kind: Option<ForgeKind>, names: &[&str]) -> Self {
        let catalogue = Catalogue::of(names);
        // What is committed is not pushed yet.
        catalogue.git(&["checkout", "-q", "--detach"]);
        let secrets = tempfile::tempdir().unwrap();
        let mut settings = settings(&catalogue);
        settings.safety.max_removed_share = 1.0;
        settings.rollouts.verify = Verify::OnUpdate { parallel: 5 };
        let mut forge = None;
        if let Some(kind) = kind {
            let fake = FakeForge::start(kind, [catalogue.head().to_string()]).await;
            let token_file = secrets.path().join("token");
            std::fs::write(&token_file, format!("{}\n", FakeForge::TOKEN)).unwrap();
            settings.forge = Some(Forge {
                kind,
                api_url: fake.api_url(),
                repository: FakeForge::REPOSITORY.to_owned(),
                auth: ForgeAuth::Token { token_file },
                per_solution: true,
                ca_file: None,
                pull_requests: PullRequests::Off,
                annotations: false,
                dry_run: false,
                images: None,
            });
            forge = Some(fake);
        }
        Self { cluster, catalogue, settings, forge, life: None, log: Log::default(), secrets }
    }

    /// The forge, where the place is one.
    pub fn forge(&self) -> &FakeForge {
        self.forge.as_ref().expect("the place is a forge")
    }

    pub fn kind(&self) -> Option<ForgeKind> {
        self.settings.forge.as_ref().map(|forge| forge.kind)
    }

    /// Where secrets lie: the file `token`, and what a test puts beside it.
    pub fn secret(&self, name: &str) -> PathBuf {
        self.secrets.path().join(name)
    }

    /// The daemon begins a life.
    pub async fn start(&mut self) {
        let log = self.log.clone();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .on_thread_start(move || log.listen())
            .build()
            .unwrap();
        let started = Daemon::through(self.cluster.client(), self.settings.clone());
        let daemon = runtime.spawn(started).await.unwrap().patient(PATIENCE);
        self.life = Some(Life { daemon, runtime });
    }

    /// It ends as SIGTERM ends it.
    pub async fn stop(&mut self) {
        let Life { daemon, runtime } = self.life.take().expect("it lives");
        daemon.stop().await;
        runtime.shutdown_background();
    }

    /// It ends as a power cut ends it: connections break, and nothing more is sent.
    pub fn kill(&mut self) {
        let Life { daemon, runtime } = self.life.take().expect("it lives");
        daemon.kill();
        runtime.shutdown_background();
    }

    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.life.as_mut().expect("it lives").daemon
    }

    /// Asks the daemon to look again, as a webhook does.
    pub fn daemon_hint(&self) {
        self.life.as_ref().expect("it lives").daemon.hint();
    }

    /// Everything that it logged so far, in all its lives.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.0.lock().unwrap()).into_owned()
    }

    /// Another image for a solution, which is written anew.
    pub fn image(&self, name: &str, digit: char) {
        let text = minimal(name).replace(&image('a'), &image(digit));
        self.catalogue.write(&format!("{name}/solution.yaml"), &text);
    }

    /// Commits what changed. The forge has the commit as soon as anybody hears of it.
    pub fn commit(&self, message: &str) -> Revision {
        let commit = self.catalogue.commit(message);
        if let Some(forge) = &self.forge {
            forge.add_commit(commit.as_str());
        }
        commit
    }

    /// The branch is where the newest commit is, whatever it was before.
    pub fn push(&self) {
        self.catalogue.git(&["update-ref", "refs/heads/main", "HEAD"]);
    }

    /// Commits and pushes.
    pub fn publish(&self, message: &str) -> Revision {
        let commit = self.commit(message);
        self.push();
        commit
    }

    /// Pushes another image of a solution and waits until the daemon has nothing more to do.
    pub async fn update(&mut self, name: &str, digit: char) -> Revision {
        self.image(name, digit);
        let commit = self.publish("Another image");
        self.daemon().settled(&commit).await;
        commit
    }

    /// How long it takes from now on until the cluster is asked for this image.
    pub async fn is_applied(&self, name: &str, digit: char) -> Duration {
        let begun = Instant::now();
        let key = ObjectKey::namespaced(Kind::Deployment, format!("sol-{name}"), "app");
        let end = digit.to_string().repeat(64);
        self.cluster
            .wait_for(&key, "at the new image", |object| {
                let image =
                    object.map(|it| &it["spec"]["template"]["spec"]["containers"][0]["image"]);
                image.and_then(|it| it.as_str()).is_some_and(|image| image.ends_with(&end))
            })
            .await;
        begun.elapsed()
    }

    /// What stands on a commit in the place.
    pub fn said(&self, commit: &Revision) -> Said {
        match &self.forge {
            None => self.noted(commit),
            Some(forge) => {
                let kind = self.kind().expect("a forge has a kind");
                let latest = forge.latest(commit.as_str()).into_iter();
                latest.map(|(context, row)| (context, in_our_words(kind, &row))).collect()
            }
        }
    }

    /// What stands in the notes, wherever else it is said.
    pub fn noted(&self, commit: &Revision) -> Said {
        let git = |words: &[&str]| {
            self.catalogue.git(&[&["notes", "--ref", "vitrine/test"], words].concat())
        };
        if !git(&["list"]).contains(commit.as_str()) {
            return Said::new();
        }
        let line = |line: &str| {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            let (state, context, text) = (next(), next(), next());
            (context, (state, text))
        };
        git(&["show", commit.as_str()]).lines().map(line).collect()
    }

    /// How many writes came to the place.
    pub fn writes(&self) -> usize {
        match &self.forge {
            Some(forge) => forge.writes(),
            None => {
                let listed = self.catalogue.git(&["for-each-ref", "refs/notes/vitrine/test"]);
                let count =
                    || self.catalogue.git(&["rev-list", "--count", "refs/notes/vitrine/test"]);
                if listed.is_empty() { 0 } else { count().trim().parse().unwrap() }
            }
        }
    }

    /// Whether what is well has a line of its own where a commit touches so many solutions.
    pub fn tells_each_of(&self, solutions: usize) -> bool {
        self.forge.is_none() || solutions <= MOST_ON_A_COMMIT
    }

    /// Waits until just this stands on a commit: name of the solution or nothing for the whole,
    /// state, and what its text contains.
    pub async fn stands(&self, commit: &Revision, lines: &[(&str, &str, &str)]) {
        let is = |said: &Said| {
            said.len() == lines.len()
                && lines.iter().all(|(name, state, text)| {
                    said.get(&context(name)).is_some_and(|(s, t)| s == state && t.contains(text))
                })
        };
        let told = || format!("{} was not {lines:#?}: {:#?}", commit.short(), self.said(commit));
        until(|| is(&self.said(commit)), told).await;
    }

    /// The place is down from now on, or no more. Nothing of that kind befalls the notes.
    pub fn down(&self, on: bool) {
        self.forge.iter().for_each(|forge| forge.down(on));
    }

    /// It answers nobody from now on, or it does again.
    pub fn unavailable(&self, on: bool) {
        self.forge.iter().for_each(|forge| forge.unavailable(on));
    }

    /// The next write is stored, and whoever wrote does not hear of it.
    pub fn lose_the_next_answer(&self) {
        self.forge.iter().for_each(|forge| forge.next_write(Fault::StoreThenBreak));
    }

    /// The next write is stored, and the one after it meets nobody.
    pub fn hang_after_one(&self) {
        if let Some(forge) = &self.forge {
            forge.next_write(Fault::Slow(Duration::ZERO));
            forge.next_write(Fault::Hang);
        }
    }

    /// Waits until one line of a commit is stored and another one met nobody; in the notes, which
    /// take all at once, until they have it.
    pub async fn hangs_at(&self, commit: &Revision) {
        let is = || match &self.forge {
            None => !self.said(commit).is_empty(),
            Some(forge) => {
                let all = forge.requests().into_iter();
                let tried = all.filter(|it| it.is_write() && it.path.contains(commit.as_str()));
                forge.latest(commit.as_str()).len() == 1 && tried.count() == 2
            }
        };
        until(is, || format!("nothing hangs at {}", commit.short())).await;
    }

    /// Waits until the board says that the statuses cannot be written, where they can be refused at
    /// all; and until it says nothing of that any more.
    pub async fn is_troubled(&mut self, troubled: bool) {
        if self.forge.is_some() {
            let told = if troubled { "troubled" } else { "well again" };
            self.daemon().board(told, |board| trouble(board).is_some() == troubled).await;
        }
    }

    /// Waits until the board says so of the statuses, and answers it.
    pub async fn trouble(&mut self, words: &str) -> String {
        let is = |board: &Board| trouble(board).is_some_and(|said| said.contains(words));
        let board = self.daemon().board(&format!("troubled by {words:?}"), is).await;
        trouble(&board).unwrap().to_owned()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(Life { daemon, runtime }) = self.life.take() {
            daemon.kill();
            runtime.shutdown_background();
        }
    }
}

/// What the board says of the statuses.
fn trouble(board: &Board) -> Option<&str> {
    let of_statuses = |problem: &&String| problem.starts_with("the statuses of commits");
    board.problems.iter().find(of_statuses).map(String::as_str)
}

/// The context of a solution, or of the whole.
pub fn context(name: &str) -> String {
    if name.is_empty() { WHOLE.to_owned() } else { format!("{WHOLE}/{name}") }
}

/// State and text of a row, as vitrine meant them.
fn in_our_words(kind: ForgeKind, row: &Row) -> (String, String) {
    let (state, text) = (row.state.as_str(), row.description.as_str());
    let (state, text) = match kind {
        ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo => (state, text),
        ForgeKind::GitLab => match (state, text.strip_prefix("operator: ")) {
            ("failed", Some(text)) => ("error", text),
            ("failed", None) => ("failure", text),
            ("running", _) => ("pending", text),
            _ => (state, text),
        },
    };
    (state.to_owned(), text.to_owned())
}

/// Waits until it is so.
pub async fn until(mut is: impl FnMut() -> bool, told: impl Fn() -> String) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "{}", told());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Plays on a stage of each kind of forge, on all of them at once.
pub async fn on_each(kinds: &[ForgeKind], names: &[&str], act: impl AsyncFn(&mut Stage)) {
    let plays = kinds.iter().map(async |kind| {
        let mut stage = Stage::open(Some(*kind), names).await;
        act(&mut stage).await;
        assert_eq!(stage.forge().faults(), [""; 0], "{kind:?}");
    });
    futures::future::join_all(plays).await;
}

/// What a daemon logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// From now on for everything that this thread logs.
    fn listen(&self) {
        let log = self.clone();
        let writer = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone());
        let subscriber = writer.with_max_level(tracing::Level::TRACE).finish();
        // As long as the thread.
        std::mem::forget(tracing::subscriber::set_default(subscriber));
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plays a story on one forge, with a limit of time.
pub fn play(
    start: impl AsyncFnOnce() -> Cluster,
    kind: ForgeKind,
    story: impl AsyncFnOnce(&mut Stage),
) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stage = Stage::on(start().await, Some(kind), &["one", "two"]).await;
        let limit = Duration::from_secs(240);
        let played = tokio::time::timeout(limit, story(&mut stage)).await;
        assert!(played.is_ok(), "{kind:?}: the story was not over after {limit:?}");
        assert_eq!(stage.forge().faults(), [""; 0], "{kind:?}");
    });
}
