//! The same history, played on the engine's own model of the world and by a whole daemon between a
//! Git repository and an API server, on a bad day: both end alike.
//!
//! `VITRINE_LIVE_HISTORIES` says how many, `VITRINE_SEED` with which seed the first one is made; the
//! next one has the next number. A failure names its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;
use vitrine::cluster;
use vitrine_core::catalog::snapshot::Folder;
use vitrine_core::config::Config;
use vitrine_core::engine::world::{Act, Form, NAMES, World};
use vitrine_core::model::{InstanceName, Kind, ObjectKey, marks};
use vitrine_core::status::{Board, Held, Sync};

use crate::support::bad_day::BadDay;
use crate::support::catalogue::Catalogue;
use crate::support::cluster::Cluster;
use crate::support::daemon::{Daemon, INSTANCE, settings};
use crate::support::objects;

/// How many without a word from outside: what fits into a run of everything.
const IN_MEMORY: u64 = 15;
const ON_THE_REAL_ONE: u64 = 5;

/// After a bad day some pauses are long.
const PATIENCE: Duration = Duration::from_secs(45);

/// A number that the environment may say.
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What people and machines do in one history.
fn acts(chance: &mut fastrand::Rng) -> Vec<Act> {
    let mut acts = Vec::new();
    for _ in 0..chance.usize(3..14) {
        let n = chance.u8(0..6);
        acts.push(match chance.u8(0..20) {
            0..=4 => Act::Publish(n, chance.u8(0..3)),
            5 => Act::Slip(n),
            6..=7 => Act::Remove(n),
            8 => Act::RemoveMany(n),
            9 => Act::BreakPlatform,
            10 => Act::MendPlatform,
            11 => Act::Rewrite(n, chance.u8(0..3)),
            12 => Act::ServerDown(chance.bool()),
            13 => Act::Deny(n, 0, chance.u8(0..3) > 0),
            14 => Act::Definition(chance.bool()),
            15..=16 => Act::Crash { late_lease: chance.bool(), dark: false },
            17 => Act::LoseAnswers(chance.u8(1..8)),
            18 => Act::Edit(n, chance.u8(..)),
            _ => Act::Take(n, chance.u8(..)),
        });
        acts.push(Act::Go(chance.u8(0..40)));
    }
    acts
}

/// The settings that the model and the daemon have in common.
fn modelled() -> Config {
    Config { instance: InstanceName::parse(INSTANCE).unwrap(), ..Config::sample() }
}

/// A history under way.
struct Played<'a> {
    cluster: &'a Cluster,
    model: World,
    catalogue: Catalogue,
    /// How many of the model's commits are in the repository.
    committed: usize,
    day: Arc<BadDay>,
    settings: Config,
    daemon: Daemon,
    /// The namespaces in which no Deployment is let in.
    denied: BTreeSet<String>,
}

impl<'a> Played<'a> {
    async fn begin(cluster: &'a Cluster, chance: &mut fastrand::Rng) -> Self {
        let folders = &NAMES[..chance.usize(0..=NAMES.len())];
        let seed = chance.u64(..);
        let mut model = World::with(modelled(), folders, seed);
        model.decide();
        let catalogue = Catalogue::of(&[]);
        commit(&catalogue, &model, 0, true);
        let day = BadDay::new(seed);
        let settings = settings(&catalogue);
        let client = day.before(cluster.client());
        let daemon = Daemon::at_last(client, settings.clone()).await.patient(PATIENCE);
        let denied = BTreeSet::new();
        Self { cluster, model, catalogue, committed: 1, day, settings, daemon, denied }
    }

    /// Something happens in both worlds.
    async fn act(&mut self, act: &Act) {
        self.model.act(act);
        self.model.decide();
        let name = |n: u8| NAMES[usize::from(n) % NAMES.len()];
        match *act {
            Act::ServerDown(down) => self.day.down(down),
            Act::Deny(n, _, on) => {
                let namespace = format!("sol-{}", name(n));
                let changed =
                    if on { self.denied.insert(namespace) } else { self.denied.remove(&namespace) };
                if changed {
                    self.deny().await;
                }
            }
            Act::Definition(there) => self.define(there).await,
            Act::Crash { late_lease, .. } => self.crash(late_lease).await,
            Act::LoseAnswers(n) => self.day.lose(n.into()),
            Act::Edit(n, at) => self.edit(name(n), at).await,
            Act::Take(n, at) => self.take(name(n), at).await,
            Act::Go(n) => tokio::time::sleep(Duration::from_millis(u64::from(n) * 5)).await,
            _ => {}
        }
        let made = self.committed..self.model.remote.commits.len();
        for at in made {
            commit(
                &self.catalogue,
                &self.model,
                at,
                self.model.remote.commits[at].parent != Some(at - 1),
            );
            self.committed = at + 1;
        }
    }

    async fn deny(&self) {
        let places: Vec<&str> = self.denied.iter().map(String::as_str).collect();
        if places.is_empty() {
            self.cluster.deny_nothing().await;
        } else {
            self.cluster.deny_deployments(&places, "not today").await;
        }
    }

    async fn define(&mut self, there: bool) {
        let kind = Kind::ScaledObject;
        let missing = of_kind(self.cluster, kind).await.is_none();
        match (there, missing) {
            (true, true) => self.cluster.install_definition(kind).await,
            (false, false) => self.cluster.remove_definition(kind).await,
            _ => {}
        }
    }

    async fn crash(&mut self, late_lease: bool) {
        // Nobody can start while nobody answers.
        self.model.act(&Act::ServerDown(false));
        self.day.down(false);
        self.day.no_lease(late_lease);
        let client = self.day.before(self.cluster.client());
        // Two at once would be another story.
        self.daemon.kill();
        self.daemon = Daemon::at_last(client, self.settings.clone()).await.patient(PATIENCE);
        if late_lease {
            tokio::time::sleep(Duration::from_millis(150)).await;
            self.day.no_lease(false);
        }
    }

    /// What there is of a solution, but for its namespace.
    async fn objects_of(&self, name: &str) -> Vec<ObjectKey> {
        let instance = InstanceName::parse(INSTANCE).unwrap();
        let mut keys: Vec<ObjectKey> = there(self.cluster).await.into_keys().collect();
        let its = |key: &ObjectKey| key.solution(&instance).is_some_and(|its| its.as_str() == name);
        keys.retain(|key| its(key) && key.kind != Kind::Namespace);
        keys
    }

    /// Somebody takes a field of ours away, by hand.
    async fn edit(&self, name: &str, at: u8) {
        let keys = self.objects_of(name).await;
        let Some(key) = keys.get(usize::from(at) % keys.len().max(1)) else { return };
        let api = objects::api(&self.cluster.admin_client(), key.kind, key.namespace.as_deref());
        let patch = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}});
        let hand = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..<_>::default() };
        // It may be gone by now.
        let _ = api.patch(&key.name, &hand, &Patch::Merge(patch)).await;
    }

    /// Somebody deletes an object, by hand.
    async fn take(&self, name: &str, at: u8) {
        let keys = self.objects_of(name).await;
        let Some(key) = keys.get(usize::from(at) % keys.len().max(1)) else { return };
        let api = objects::api(&self.cluster.admin_client(), key.kind, key.namespace.as_deref());
        let _ = api.delete(&key.name, &DeleteParams::default()).await;
    }

    /// Ends everything that goes wrong, approves what is held, and waits until both worlds are
    /// alike. What is different when that takes too long is the answer.
    async fn settle(&mut self) -> Vec<String> {
        self.day.over();
        self.denied.clear();
        self.deny().await;
        self.define(true).await;
        self.act(&Act::MendPlatform).await;
        self.model.settle();
        self.daemon.hint();
        let head = self.catalogue.head();
        let mut approved = BTreeSet::new();
        let latest = Instant::now() + PATIENCE;
        loop {
            let board = Arc::clone(&self.daemon.boards.borrow());
            if let Some(held) = &board.held
                && board.revision.as_ref() == Some(&head)
                && approved.insert(held.hash.clone())
            {
                self.approve(held).await;
            }
            let mut wrong = self.differences(&board).await;
            if board.revision.as_ref() != Some(&head) {
                wrong.push(format!("the board speaks of {:?}", board.revision));
            }
            if wrong.is_empty() || Instant::now() > latest {
                return wrong;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn approve(&self, held: &Held) {
        let of = cluster::Settings::of(&self.settings);
        let harm = held.harm.clone();
        let admin = self.cluster.admin_client();
        cluster::approve(admin, &of, &held.hash.first(12), &harm).await.unwrap();
    }

    /// What both worlds do not have in common.
    async fn differences(&self, board: &Board) -> Vec<String> {
        let mut wrong = self.model.wrong.clone();
        wrong.extend(self.model.differences().into_iter().map(|d| format!("in the model: {d}")));
        let folders = &self.model.remote.commits[self.model.remote.head].folders;
        // Of a refused folder stays what happened to be there.
        let frozen = |key: &ObjectKey| {
            let instance = InstanceName::parse(INSTANCE).unwrap();
            let name = key.solution(&instance);
            name.is_some_and(|name| folders.get(name.as_str()) == Some(&Form::Slip))
        };
        let content = |content: &Option<_>| content.as_ref().map(ToString::to_string);
        let of_model: BTreeMap<ObjectKey, Option<String>> =
            self.model.server.ours().map(|(key, o)| (key.clone(), content(&o.content))).collect();
        let of_cluster = there(self.cluster).await;
        let keys: BTreeSet<&ObjectKey> = of_model.keys().chain(of_cluster.keys()).collect();
        for key in keys.into_iter().filter(|key| !frozen(key)) {
            let (model, live) = (of_model.get(key), of_cluster.get(key));
            if model != live {
                let namespace = key.namespace.as_deref().unwrap_or_default();
                wrong.push(format!("{key} of {namespace}: model {model:?}, cluster {live:?}"));
            }
        }
        let told = |board: &Board| -> BTreeMap<String, Sync> {
            board.verdicts.iter().map(|v| (v.name.to_string(), v.sync)).collect()
        };
        let (of_model, of_daemon) = (told(self.model.engine.board()), told(board));
        if of_model != of_daemon {
            wrong.push(format!("boards: model {of_model:?}, daemon {of_daemon:?}"));
        }
        wrong
    }

    /// Everything is unpublished and gone.
    async fn end(mut self) {
        for name in NAMES {
            let folder = self.catalogue.path().join(name);
            if folder.exists() {
                self.catalogue.remove(name);
            }
        }
        self.catalogue.git(&["add", "-A"]);
        self.catalogue.git(&["commit", "-q", "--allow-empty", "-m", "The end"]);
        let head = self.catalogue.head();
        loop {
            self.daemon.hint();
            let board = self
                .daemon
                .board("empty or held", |board| {
                    board.revision.as_ref() == Some(&head)
                        && (board.held.is_some() || board.verdicts.is_empty())
                })
                .await;
            let Some(held) = &board.held else { break };
            self.approve(held).await;
            self.daemon.board("approved", |b| b.held.is_none()).await;
        }
        self.daemon.stop().await;
    }
}

/// Every object of a kind; `None` without its definition.
async fn of_kind(cluster: &Cluster, kind: Kind) -> Option<Vec<serde_json::Value>> {
    let selected = ListParams::default().labels(&format!("{}={INSTANCE}", marks::INSTANCE));
    match objects::api(&cluster.admin_client(), kind, None).list(&selected).await {
        Ok(found) => Some(found.items.iter().map(|o| serde_json::to_value(o).unwrap()).collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => None,
        Err(other) => panic!("{other}"),
    }
}

/// Every object of ours, with the digest of what it was written from.
async fn there(cluster: &Cluster) -> BTreeMap<ObjectKey, Option<String>> {
    let mut all = BTreeMap::new();
    for kind in Kind::RENDERED {
        for object in of_kind(cluster, kind).await.unwrap_or_default() {
            let meta = &object["metadata"];
            let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
            if meta["labels"][marks::SOLUTION].is_null() {
                continue; // an approval
            }
            let key = ObjectKey {
                kind,
                namespace: text(&meta["namespace"]).map(Into::into),
                name: text(&meta["name"]).unwrap().into(),
            };
            all.insert(key, text(&meta["annotations"][marks::CONTENT]));
        }
    }
    all
}

/// Puts a commit of the model into the repository, in the place of the head or on top of it.
fn commit(catalogue: &Catalogue, model: &World, at: usize, instead: bool) {
    let snapshot = model.remote.snapshot(at);
    for name in NAMES {
        if catalogue.path().join(name).exists() {
            catalogue.remove(name);
        }
    }
    let text =
        |bytes: &Option<Arc<[u8]>>| String::from_utf8(bytes.as_ref().unwrap().to_vec()).unwrap();
    catalogue.write("platform.yaml", &text(&snapshot.platform.as_ref().unwrap().bytes));
    for (name, folder) in snapshot.folders.iter() {
        let Folder { files, .. } = &**folder;
        for (file, content) in files {
            catalogue.write(&format!("{name}/{file}"), &text(&content.bytes));
        }
    }
    catalogue.git(&["add", "-A"]);
    let message = format!("Commit {at}");
    let mut words = vec!["commit", "-q", "--allow-empty", "-m", message.as_str()];
    if instead {
        words.push("--amend");
    }
    catalogue.git(&words);
}

/// Plays one history.
async fn play(cluster: &Cluster, seed: u64, last: bool) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut played = Played::begin(cluster, &mut chance).await;
    let acts = acts(&mut chance);
    for act in &acts {
        played.act(act).await;
    }
    let wrong = played.settle().await;
    assert!(wrong.is_empty(), "VITRINE_SEED={seed}: {wrong:#?}\nafter {acts:#?}");
    if !last {
        played.end().await;
    }
}

fn many(start: impl AsyncFn() -> Cluster, without_word: u64, anew: bool) {
    let histories = told("VITRINE_LIVE_HISTORIES").unwrap_or(without_word);
    let first = told("VITRINE_SEED").unwrap_or(1);
    println!("{histories} histories from VITRINE_SEED={first}");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut cluster = start().await;
        for seed in first..first + histories {
            if anew && seed > first {
                cluster = start().await;
            }
            let limit = Duration::from_secs(120);
            let played = tokio::time::timeout(limit, play(&cluster, seed, anew)).await;
            assert!(played.is_ok(), "VITRINE_SEED={seed}: not over after {limit:?}");
        }
    });
}

#[test]
fn sandbox() {
    many(Cluster::sandbox, IN_MEMORY, true);
}

#[test]
fn real() {
    many(Cluster::real, ON_THE_REAL_ONE, false);
}
