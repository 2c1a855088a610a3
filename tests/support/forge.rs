//! Four forges on loopback, as strict as the real ones: what GitHub, GitLab, Gitea and Forgejo refuse
//! is refused, and what they store is stored.
//!
//! The rules are those that the real servers showed, or their own source and descriptions. A test
//! sets what goes wrong, and reads afterwards what came and what lies there. Each runs on a thread of
//! its own until it is dropped.

mod app;
mod call;
mod checks;
mod door;
mod gitea;
mod github;
mod gitlab;
mod pulls;
mod schema;
mod store;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use vitrine_core::config::ForgeKind;

pub use checks::CheckRun;
pub use door::{Fault, Request};
pub use pulls::Comment;
pub use store::Row;

use app::App;
use store::Store;

/// An RSA key as GitHub gives it to the owner of an App: PEM, PKCS #1. Nobody else's, tests only.
pub const APP_KEY: &str = include_str!("forge/app-key.pem");

pub struct FakeForge {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Taken by `Drop`: a runtime cannot wait for its end inside another one.
    runtime: Option<Runtime>,
}

/// What the server and the test both hold.
struct Shared {
    store: Mutex<Store>,
    traffic: Mutex<door::Traffic>,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("nobody panics with the store in hand")
    }

    fn traffic(&self) -> MutexGuard<'_, door::Traffic> {
        self.traffic.lock().expect("nobody panics with the traffic in hand")
    }
}

impl FakeForge {
    /// May write statuses, and read everything.
    pub const TOKEN: &str = "forge-token-1234567890";
    /// The one repository there is. Private.
    pub const REPOSITORY: &str = "aim/catalogue";
    /// Whose [`Self::TOKEN`] is.
    pub const LOGIN: &str = store::LOGIN;
    /// The one branch there is. All commits are on it, and the newest is its head.
    pub const BRANCH: &str = store::BRANCH;

    /// With these commits, of which the last is the newest.
    pub async fn start(kind: ForgeKind, commits: impl IntoIterator<Item = String>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let shared = Arc::new(Shared {
            store: Mutex::new(Store::new(kind, commits.into_iter().collect())),
            traffic: Mutex::default(),
        });
        let opened = runtime.spawn(door::open(Arc::clone(&shared)));
        let address = opened.await.expect("the door opens");
        Self { address, shared, runtime: Some(runtime) }
    }

    /// As the settings' `reporting.forge.apiUrl` says it.
    pub fn api_url(&self) -> String {
        let base = self.shared.store().base();
        format!("http://{}{base}", self.address)
    }

    /// A commit was pushed. It is the newest from now on.
    pub fn add_commit(&self, sha: &str) {
        self.shared.store().commits.push(sha.to_owned());
    }

    /// A commit is gone, as after a push that rewrote the branch. Its rows stay.
    pub fn remove_commit(&self, sha: &str) {
        self.shared.store().commits.retain(|commit| commit != sha);
    }

    /// Everything that is stored, in the order in which it came.
    pub fn rows(&self) -> Vec<Row> {
        self.shared.store().rows.clone()
    }

    /// The newest row of each context of a commit; contexts are compared as this forge does it, and
    /// spelt as the newest row has it.
    pub fn latest(&self, sha: &str) -> BTreeMap<String, Row> {
        let latest = self.shared.store().latest(sha);
        latest.into_iter().map(|row| (row.context.clone(), row)).collect()
    }

    /// Everything that came, in that order, also what was refused or never answered.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.traffic().requests.clone()
    }

    /// How many are being answered now.
    pub fn in_flight(&self) -> usize {
        self.shared.traffic().in_flight
    }

    /// How many of them wanted to write a status.
    pub fn writes(&self) -> usize {
        self.requests().iter().filter(|request| request.is_write()).count()
    }

    /// How many of them only read.
    pub fn reads(&self) -> usize {
        self.requests().iter().filter(|request| request.method == "GET").count()
    }

    /// What the official description of this API has no word for: fields, states, parameters.
    pub fn faults(&self) -> Vec<String> {
        self.shared.store().faults.clone()
    }

    /// Every connection is dropped from now on, or no more. What came through a new one is in
    /// [`Self::knocks`], not in [`Self::requests`].
    pub fn down(&self, on: bool) {
        self.shared.traffic().down = on;
    }

    /// When somebody came while the forge was down.
    pub fn knocks(&self) -> Vec<Instant> {
        self.shared.traffic().knocks.clone()
    }

    /// Everything is answered 503 from now on, without a word of when to come back; or no more.
    pub fn unavailable(&self, on: bool) {
        self.shared.traffic().unavailable = on;
    }

    /// What the next request meets. One fault for each request, in this order; those that are about
    /// storing wait for a write.
    pub fn next(&self, fault: Fault) {
        self.shared.traffic().coming.push_back((false, fault));
    }

    /// What the next write of a status meets; reads before it meet nothing.
    pub fn next_write(&self, fault: Fault) {
        self.shared.traffic().coming.push_back((true, fault));
    }

    /// GitHub: so many requests are left in this window, and when the next one begins.
    pub fn rate(&self, remaining: u32, reset_in: Duration) {
        self.shared.store().rate = store::Rate { remaining, reset: Instant::now() + reset_in };
    }

    /// No token is known any more.
    pub fn revoke_token(&self) {
        self.shared.store().revoked = true;
    }

    /// The token may not write statuses any more.
    pub fn scope_missing(&self) {
        self.shared.store().scope_missing = true;
    }

    /// The owner of the token lost access: a private repository is not even there.
    pub fn no_access(&self) {
        self.shared.store().no_access = true;
    }

    /// GitLab: only maintainers may push to the branch, so that our account may not touch its
    /// pipelines.
    pub fn protect_branch(&self) {
        self.shared.store().protected = true;
    }

    /// `aim/other`. The old name leads there.
    pub fn rename_repository(&self, new: &str) {
        let mut store = self.shared.store();
        let old = std::mem::replace(&mut store.repository, new.to_owned());
        store.old_names.push(old);
    }

    /// GitHub takes so many statuses for one commit and context; 1000 at first.
    pub fn max_per_context(&self, n: usize) {
        self.shared.store().max_per_context = n;
    }

    /// GitLab has so many jobs in one pipeline, then begins another.
    pub fn max_per_pipeline(&self, n: usize) {
        self.shared.store().max_per_pipeline = n;
    }

    /// A status that our account posted before. Nothing is checked; the commit need not be known.
    pub fn seed(&self, sha: &str, context: &str, state: &str, description: &str, url: &str) {
        self.seed_by(Self::LOGIN, sha, context, state, description, url);
    }

    /// One that somebody else posted.
    pub fn seed_by(
        &self,
        creator: &str,
        sha: &str,
        context: &str,
        state: &str,
        description: &str,
        url: &str,
    ) {
        let mut store = self.shared.store();
        let pipeline = match store.kind {
            ForgeKind::GitLab => Some(gitlab::pipeline_for(&mut store, sha, store::BRANCH)),
            ForgeKind::GitHub | ForgeKind::Gitea | ForgeKind::Forgejo => None,
        };
        let row = Row {
            context: context.to_owned(),
            state: state.to_owned(),
            description: description.to_owned(),
            target_url: url.to_owned(),
            creator: creator.to_owned(),
            reference: pipeline.is_some().then(|| store::BRANCH.to_owned()),
            pipeline,
            ..Row::of(sha)
        };
        store.add(row);
    }

    /// GitLab: a CI pipeline ran for this commit. Answers its id.
    pub fn has_pipeline(&self, sha: &str, reference: &str) -> u64 {
        self.shared.store().add_pipeline(sha, reference, "push")
    }

    /// GitLab: the pipelines of a commit as `(id, ref, source)`, the oldest first.
    pub fn pipelines(&self, sha: &str) -> Vec<(u64, String, &'static str)> {
        let store = self.shared.store();
        let of_it = store.pipelines.iter().filter(|pipeline| pipeline.sha == sha);
        of_it.map(|it| (it.id, it.reference.clone(), it.source)).collect()
    }

    /// Gitea and Forgejo: what `GET /version` says, and decides what changed in 1.27.
    pub fn version(&self, version: &str) {
        version.clone_into(&mut self.shared.store().version);
    }

    /// GitHub: an App is installed, and this is its public key (PKCS #1, DER).
    pub fn app(&self, id: u64, installation: u64, public_key: &[u8]) {
        self.shared.store().app = Some(App::new(id, installation, public_key));
    }

    /// GitHub: the App's owner does not let it do this.
    pub fn app_may_not(&self, what: &'static str) {
        if let Some(app) = &mut self.shared.store().app {
            app.denied.push(what);
        }
    }

    /// GitHub: tokens of the App live so long from now on; 1 h at first. Those given before too.
    pub fn app_tokens_live(&self, life: Duration) {
        if let Some(app) = &mut self.shared.store().app {
            app.life = life;
        }
    }

    /// GitHub: another App makes a check run on a commit, which looks like ours.
    pub fn foreign_check(&self, sha: &str, name: &str, external_id: &str) {
        let mut store = self.shared.store();
        let id = 1 + store.checks.len() as u64;
        let [sha, name, external_id] = [sha, name, external_id].map(str::to_owned);
        store.checks.push(CheckRun::of_another(id, sha, name, external_id));
    }

    /// GitHub: every check run, the oldest first.
    pub fn checks(&self) -> Vec<CheckRun> {
        self.shared.store().checks.clone()
    }

    /// A pull request has this head from now on; one that is new is opened.
    pub fn pull(&self, number: u64, head: &str) {
        let mut store = self.shared.store();
        head.clone_into(&mut store.pull(number).head);
        // Its commits are in the repository, of a fork too.
        if !store.commits.iter().any(|commit| commit == head) {
            store.commits.insert(0, head.to_owned());
        }
    }

    /// A pull request comes from another repository.
    pub fn is_fork(&self, number: u64) {
        self.shared.store().pull(number).fork = true;
    }

    /// Somebody puts a label on a pull request, or takes it off.
    pub fn label(&self, number: u64, label: &str, on: bool) {
        let mut store = self.shared.store();
        let labels = &mut store.pull(number).labels;
        labels.retain(|one| one != label);
        if on {
            labels.push(label.to_owned());
        }
    }

    /// A pull request is to be merged into another branch.
    pub fn rebase_pull(&self, number: u64, base: &str) {
        base.clone_into(&mut self.shared.store().pull(number).base);
    }

    /// A pull request was merged as this commit, or closed.
    pub fn end_pull(&self, number: u64, merged_as: Option<&str>) {
        self.shared.store().pull(number).state = match merged_as {
            Some(commit) => pulls::PullState::Merged(commit.to_owned()),
            None => pulls::PullState::Closed,
        };
    }

    /// What stands on a pull request, the oldest first.
    pub fn comments(&self, number: u64) -> Vec<Comment> {
        let all = self.shared.store().comments.clone();
        all.into_iter().filter(|comment| comment.pull == number).collect()
    }

    /// Somebody says something on a pull request. Answers its id.
    pub fn says(&self, number: u64, by: &str, body: &str) -> u64 {
        self.shared.store().add_comment(number, by, body).id
    }

    /// Somebody takes a comment away just before it is edited the next time.
    pub fn deletes_before_the_next_edit(&self) {
        self.shared.store().vanishing = true;
    }

    /// Somebody takes a comment away.
    pub fn delete_comment(&self, id: u64) {
        self.shared.store().comments.retain(|comment| comment.id != id);
    }

    /// The token may not comment any more, or may again.
    pub fn forbid_comments(&self, on: bool) {
        self.shared.store().comments_forbidden = on;
    }

    /// How many requests wanted to write a comment.
    pub fn comment_writes(&self) -> usize {
        let write =
            |request: &&Request| request.method != "GET" && !request.path.contains("/statuses/");
        self.requests().iter().filter(write).count()
    }

    /// A webhook that leads to `url`. Answers its id.
    pub fn add_hook(&self, url: &str) -> u64 {
        let mut store = self.shared.store();
        store.hooks.push(store::Hook { url: url.to_owned(), active: true, json: true });
        store.hooks.len() as u64
    }

    /// A webhook is switched off, or sends a form instead of JSON.
    pub fn set_hook(&self, id: u64, active: bool, json: bool) {
        let hook = &mut self.shared.store().hooks[id as usize - 1];
        (hook.active, hook.json) = (active, json);
    }

    /// Whoever has the token does not administer the repository.
    pub fn hide_hooks(&self) {
        self.shared.store().hooks_hidden = true;
    }

    /// Makes the trial delivery of a hook, on a thread of its own, when somebody asks for one, and
    /// says what it was answered: 0 when nobody was there.
    pub fn on_ping(&self, call: impl Fn(u64) -> (u16, String) + Send + Sync + 'static) {
        self.shared.traffic().on_ping = Some(Arc::new(call));
    }
}

impl Drop for FakeForge {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
