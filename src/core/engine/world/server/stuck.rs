//! What keeps single solutions from going on, for ever, while the server is well.

use super::{Outcome, Server, Stored};
use crate::engine::Seen;
use crate::model::{Kind, ObjectKey, marks};
use crate::plan::observed::HealthFacts;

/// What never comes for a solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stuck {
    /// Its Namespace: it is somebody else's.
    Foreign,
    /// Its Namespace: the old one is being deleted.
    Leaving,
    /// Its Service: a finalizer holds one that was deleted.
    Finalizer,
    /// An answer to any of its requests.
    Silent,
    /// Another answer than that the server has no time for it.
    Busy,
    /// The add-on's word on its InterceptorRoute.
    Unseen,
    /// The gateway's word on its route.
    Unaccepted,
    /// The end of a claim that somebody has in its namespace.
    Claimed,
    /// KEDA's consent: it refuses the ScaledObject.
    Unscaled,
}

impl Server {
    /// Something never comes for this solution, from now on.
    pub fn stick(&mut self, name: &str, stuck: Stuck) {
        self.stuck.insert(name.to_owned(), stuck);
        if matches!(stuck, Stuck::Foreign | Stuck::Leaving) {
            let key = ObjectKey::cluster(Kind::Namespace, format!("sol-{name}"));
            let object = Stored { generation: 1, ..self.fresh() };
            self.state.objects.insert(key.clone(), object);
            self.changed(&key);
        }
    }

    fn is_stuck(&self, name: &str, by: Stuck) -> bool {
        self.stuck.get(name) == Some(&by)
    }

    /// Whether nobody answers what is asked about this solution.
    pub fn is_silent(&self, solution: &str) -> bool {
        self.is_stuck(solution, Stuck::Silent)
    }

    /// What a write meets instead of being carried out.
    pub(super) fn kept_from(&self, key: &ObjectKey) -> Option<Outcome> {
        let busy = self.is_stuck(&self.name_of(key), Stuck::Busy) && key.kind != Kind::Namespace;
        busy.then(|| Outcome::Unavailable { cause: "no time".into(), retry_after: None })
    }

    /// What a look into a namespace finds that is not ours.
    pub(super) fn foreign_work(&self, key: &ObjectKey) -> Vec<String> {
        let claimed = self.is_stuck(&self.name_of(key), Stuck::Claimed);
        claimed.then(|| "PersistentVolumeClaim/results".to_owned()).into_iter().collect()
    }

    /// Shows what never comes as not there.
    pub(super) fn show_stuck(&self, key: &ObjectKey, name: &str, seen: &mut Seen) {
        match (self.stuck.get(name), key.kind) {
            (Some(Stuck::Foreign), Kind::Namespace) => {
                seen.meta.labels.remove(marks::INSTANCE);
                seen.meta.labels.remove(marks::SOLUTION);
            }
            (Some(Stuck::Leaving), Kind::Namespace) => {
                seen.meta.deletion_timestamp = seen.meta.creation_timestamp;
            }
            (Some(Stuck::Finalizer), Kind::Service) => {
                seen.meta.deletion_timestamp = seen.meta.creation_timestamp;
                seen.meta.finalizers = vec!["example.net/holds".to_owned()];
            }
            (Some(Stuck::Unseen), Kind::InterceptorRoute) => {
                seen.health = HealthFacts::Ready(false);
            }
            (Some(Stuck::Unscaled), Kind::ScaledObject) => {
                if let HealthFacts::ScaledObject(facts) = &mut seen.health {
                    facts.conditions.iter_mut().for_each(|c| c.status = "False".into());
                }
            }
            (Some(Stuck::Unaccepted), Kind::HttpRoute) => {
                if let HealthFacts::Route(facts) = &mut seen.health {
                    facts.parents.clear();
                }
            }
            _ => {}
        }
    }
}
