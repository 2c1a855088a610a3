//! Carries out, on the sandbox's store, what the played controllers of [`super::cast`] decide.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::cast::{self, Around, Door, Move, Queue, Stage};
use super::store::Changed;
use super::{Inner, Sandbox, patch};
use vitrine_core::model::{Kind, ObjectKey};

fn alive(weak: &Weak<Inner>) -> Option<Sandbox> {
    weak.upgrade().map(Sandbox)
}

/// The object that changed, if a controller may care.
fn key_of((table, (namespace, name)): &Changed) -> Option<ObjectKey> {
    let (plural, group) = table.split_once('.')?;
    let ours = |kind: &&Kind| kind.facts().plural == plural && kind.facts().group == group;
    let kind = cast::Player::ALL.iter().flat_map(|player| player.watches()).find(ours)?;
    (!namespace.is_empty()).then(|| ObjectKey::namespaced(*kind, namespace, name))
}

impl Sandbox {
    /// Starts them; they end with the sandbox. Needs a tokio runtime.
    pub fn start_controllers(&self) {
        let mut feed = self.lock().store.feed();
        let delay = self.options().controller_delay;
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let mut queue = Queue::default();
            loop {
                let due = queue.next();
                tokio::select! {
                    changed = feed.recv() => {
                        let Some(changed) = changed else { return };
                        let Some(sandbox) = alive(&weak) else { return };
                        let Some(changed) = key_of(&changed) else { continue };
                        for key in cast::affected(&changed, &sandbox) {
                            queue.add(key, Instant::now() + delay);
                        }
                    }
                    () = cast::sleep_until(due) => {
                        let Some(sandbox) = alive(&weak) else { return };
                        for key in queue.take_due(Instant::now()) {
                            if let Some(again) = sandbox.step(&key) {
                                queue.add(key, Instant::now() + again.max(Duration::from_millis(1)));
                            }
                        }
                    }
                }
            }
        });
    }

    /// One look at one object; the time until the next one, if there is one.
    fn step(&self, key: &ObjectKey) -> Option<Duration> {
        let object = self.object(key)?;
        let stage = Stage {
            now: (self.options().clock)(),
            delay: self.options().controller_delay,
            cooldown: self.options().cooldown,
            kubelet: true,
            stuck_finalizers: self.lock().faults.stuck_finalizers,
            visitors: Default::default(),
        };
        let turn = cast::turn(key, &object, self, &stage);
        turn.moves.into_iter().for_each(|made| self.carry_out(made));
        turn.again
    }

    /// What is refused is tried again when something changes.
    fn carry_out(&self, made: Move) {
        match made {
            Move::Patch { manager, key, through: Door::Object, patch } => {
                let _ = self.edit(manager, &key, |object| patch::merge(object, &patch));
            }
            Move::Patch { manager, key, through: Door::Status, patch } => {
                let _ = self.edit_status(manager, &key, |object| patch::merge(object, &patch));
            }
            Move::Patch { manager, key, through: Door::Scale, patch } => {
                if let Some(replicas) = patch.pointer("/spec/replicas").and_then(Value::as_i64) {
                    let _ = self.scale(manager, &key, replicas);
                }
            }
            Move::Create { manager, object, .. } => {
                let _ = self.create(manager, object);
            }
            Move::Delete { key } => {
                let _ = self.remove(&key);
            }
        }
    }
}

impl Around for Sandbox {
    fn object(&self, key: &ObjectKey) -> Option<Arc<Value>> {
        let resource = self.resource(key.kind)?;
        let place = (key.namespace.clone().unwrap_or_default().into(), key.name.to_string());
        self.lock().store.get(&resource.table, &place)
    }

    fn inside(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        let Some(resource) = self.resource(kind) else { return Vec::new() };
        let state = self.lock();
        let Some(table) = state.store.table(&resource.table) else { return Vec::new() };
        let first = (namespace.to_owned(), String::new());
        let inside = table.objects.range(first..).take_while(|((ns, _), _)| ns == namespace);
        inside.map(|(_, object)| object.open()).collect()
    }
}
