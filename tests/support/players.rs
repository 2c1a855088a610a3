//! The played controllers of the sandbox at work on any API server: each watches what the daemon
//! wrote, and a client carries out what [`vitrine_sandbox::cast`] decides.
//!
//! No kubelet is among them by itself: a control plane without nodes takes no pods where a quota
//! counts them. What a Deployment asks for is ready at once, unless [`Players::with_kubelet`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, BoxStream, SelectAll, StreamExt as _, select_all};
use jiff::Timestamp;
use kube::Client;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_sandbox::cast::{self, Around, Door, Move, Queue, Stage};

pub use vitrine_sandbox::cast::{GATEWAY_CONTROLLER, KEDA_FINALIZER, Player};

use super::objects;

/// How many objects a player answers at a time. One alone would fall behind where many solutions
/// are published at once, and whoever waits for it would be measured by it.
const AT_ONCE: usize = 8;

/// The players on duty. They go when this goes.
pub struct Players {
    admin: Client,
    on_duty: Mutex<BTreeMap<Player, JoinHandle<()>>>,
    visits: Visits,
    kubelet: Arc<AtomicBool>,
}

/// How many replicas visitors need, by ScaledObject.
type Visits = Arc<Mutex<BTreeMap<ObjectKey, i64>>>;

impl Players {
    /// All of them, at work, but for the mesh's: the scenarios' platform has none.
    pub fn start_all(admin: &Client) -> Self {
        let players = Self {
            admin: admin.clone(),
            on_duty: Mutex::default(),
            visits: Visits::default(),
            kubelet: Arc::default(),
        };
        for player in Player::ALL.into_iter().filter(|player| *player != Player::Mesh) {
            players.start(player);
        }
        players
    }

    /// Starts a player, which first looks at everything that is there. Twice is once.
    pub fn start(&self, player: Player) {
        let mut on_duty = self.on_duty.lock().expect("nobody panics with the players in hand");
        on_duty.entry(player).or_insert_with(|| tokio::spawn(self.hands().play(player)));
    }

    /// From now on Deployments have pods, which fail as their images say.
    pub async fn with_kubelet(&self) {
        self.kubelet.store(true, Ordering::SeqCst);
        self.stop(Player::Deployments).await;
        self.start(Player::Deployments);
    }

    /// Sends a player away and waits until it is gone; what it wrote stays.
    pub async fn stop(&self, player: Player) {
        let task =
            self.on_duty.lock().expect("nobody panics with the players in hand").remove(&player);
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }

    /// Visitors come: KEDA scales to `replicas` and keeps that until told otherwise; 0 = they leave.
    pub async fn visit(&self, namespace: &str, scaled: &str, replicas: i64) -> anyhow::Result<()> {
        let key = ObjectKey::namespaced(Kind::ScaledObject, namespace, scaled);
        self.visits
            .lock()
            .expect("nobody panics with the visits in hand")
            .insert(key.clone(), replicas);
        let hands = self.hands();
        let mut seen = Mirror::default();
        let object = hands.fetch(&key).await?;
        if let Some(target) = object["spec"]["scaleTargetRef"]["name"].as_str() {
            let target = ObjectKey::namespaced(Kind::Deployment, namespace, target);
            seen.0.insert(target.clone(), Arc::new(hands.fetch(&target).await?));
        }
        let turn = cast::turn(&key, &object, &seen, &hands.stage());
        for made in turn.moves {
            if matches!(made, Move::Patch { through: Door::Scale, .. }) {
                hands.carry_out(made).await?;
            }
        }
        Ok(())
    }

    fn hands(&self) -> Hands {
        let kubelet = self.kubelet.clone();
        Hands { admin: self.admin.clone(), visits: self.visits.clone(), kubelet }
    }
}

impl Drop for Players {
    fn drop(&mut self) {
        for task in self.on_duty.get_mut().expect("nobody panics with the players in hand").values()
        {
            task.abort();
        }
    }
}

/// What a player has seen of the cluster.
#[derive(Default)]
struct Mirror(BTreeMap<ObjectKey, Arc<Value>>);

impl Around for Mirror {
    fn object(&self, key: &ObjectKey) -> Option<Arc<Value>> {
        self.0.get(key).cloned()
    }

    fn inside(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        let inside =
            |key: &ObjectKey| key.kind == kind && key.namespace.as_deref() == Some(namespace);
        self.0.iter().filter(|(key, _)| inside(key)).map(|(_, object)| object.clone()).collect()
    }
}

impl Mirror {
    /// Takes in what a watch of a kind says; answers what changed.
    fn hear(&mut self, kind: Kind, event: Event<DynamicObject>) -> Option<ObjectKey> {
        let (object, there) = match event {
            Event::Apply(object) | Event::InitApply(object) => (object, true),
            Event::Delete(object) => (object, false),
            Event::Init => {
                self.0.retain(|key, _| key.kind != kind);
                return None;
            }
            Event::InitDone => return None,
        };
        let metadata = &object.metadata;
        let key =
            ObjectKey::namespaced(kind, metadata.namespace.as_deref()?, metadata.name.as_deref()?);
        if there {
            let object = serde_json::to_value(object).expect("an object is JSON");
            self.0.insert(key.clone(), Arc::new(object));
        } else {
            self.0.remove(&key);
        }
        Some(key)
    }
}

/// What every player works with.
struct Hands {
    admin: Client,
    visits: Visits,
    kubelet: Arc<AtomicBool>,
}

type News = SelectAll<BoxStream<'static, (Kind, Event<DynamicObject>)>>;

impl Hands {
    async fn play(self, player: Player) {
        let (mut news, mut seen, mut queue) =
            (self.news(player), Mirror::default(), Queue::default());
        loop {
            tokio::select! {
                Some((kind, event)) = news.next() => {
                    let Some(changed) = seen.hear(kind, event) else { continue };
                    let affected = cast::affected(&changed, &seen);
                    let mine = affected.into_iter().filter(|key| Player::of(key.kind) == Some(player));
                    mine.for_each(|key| queue.add(key, Instant::now()));
                }
                () = cast::sleep_until(queue.next()) => {
                    let mut moves = Vec::new();
                    for key in queue.take_due(Instant::now()) {
                        let Some(object) = seen.object(&key) else { continue };
                        let turn = cast::turn(&key, &object, &seen, &self.stage());
                        moves.push(turn.moves);
                        if let Some(again) = turn.again {
                            queue.add(key, Instant::now() + again);
                        }
                    }
                    let each = async |moves: Vec<Move>| {
                        for made in moves {
                            self.try_to(player, made).await;
                        }
                    };
                    stream::iter(moves).for_each_concurrent(AT_ONCE, each).await;
                }
            }
        }
    }

    /// Everything that happens to the kinds that a player reads.
    fn news(&self, player: Player) -> News {
        let pods = self.kubelet.load(Ordering::SeqCst) && player == Player::Deployments;
        let kinds = player.watches().iter().chain(pods.then_some(&Kind::Pod));
        select_all(kinds.map(|kind| {
            let everywhere = objects::api(&self.admin, *kind, None);
            let events = watcher::watcher(everywhere, watcher::Config::default());
            let events = events.filter_map(|event| async {
                if event.is_err() {
                    // The CRD may be missing on purpose; the watcher comes back by itself.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                event.ok()
            });
            events.map(|event| (*kind, event)).boxed()
        }))
    }

    fn stage(&self) -> Stage {
        Stage {
            now: Timestamp::now(),
            delay: Duration::from_millis(100),
            cooldown: Duration::ZERO,
            kubelet: self.kubelet.load(Ordering::SeqCst),
            stuck_finalizers: false,
            visitors: self.visits.lock().expect("nobody panics with the visits in hand").clone(),
        }
    }

    async fn fetch(&self, key: &ObjectKey) -> anyhow::Result<Value> {
        let found = objects::get(&self.admin, key).await?;
        found.ok_or_else(|| anyhow::anyhow!("{key:?} is not there"))
    }

    async fn try_to(&self, player: Player, made: Move) {
        match self.carry_out(made).await {
            Ok(()) => {}
            // Gone, or changed since: the next event tells.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(why) => eprintln!("{player:?} could not answer: {why}"),
        }
    }

    async fn carry_out(&self, made: Move) -> kube::Result<()> {
        let of = |key: &ObjectKey| objects::api(&self.admin, key.kind, key.namespace.as_deref());
        match made {
            Move::Patch { manager, key, through, patch } => {
                let (api, name) = (of(&key), key.name.as_str());
                let params =
                    PatchParams { field_manager: Some(manager.to_owned()), ..Default::default() };
                let patch = Patch::Merge(&patch);
                match through {
                    Door::Object => drop(api.patch(name, &params, &patch).await?),
                    Door::Status => drop(api.patch_status(name, &params, &patch).await?),
                    Door::Scale => drop(api.patch_scale(name, &params, &patch).await?),
                }
            }
            Move::Create { manager, kind, object } => {
                let object: DynamicObject =
                    serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
                let namespace = object.metadata.namespace.clone();
                let params =
                    PostParams { field_manager: Some(manager.to_owned()), ..Default::default() };
                let children = objects::api(&self.admin, kind, namespace.as_deref());
                children.create(&params, &object).await?;
            }
            Move::Delete { key } => {
                of(&key).delete(&key.name, &DeleteParams::default()).await?;
            }
        }
        Ok(())
    }
}
