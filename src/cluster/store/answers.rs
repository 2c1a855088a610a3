//! What our own requests were answered, written down before the watch says it.

use super::{Batch, Store, Touched, version};
use crate::cluster::health;
use crate::cluster::wire::Seen;
use vitrine_core::model::{Kind, ObjectKey};
use vitrine_core::plan::observed::{
    DeploymentFacts, HealthFacts, PolicyFacts, RouteFacts, ScaledFacts, Survey,
};
use vitrine_core::plan::{Outcome, Step};

/// What a step wrote.
#[derive(Debug)]
pub(in crate::cluster) enum Written {
    Nothing,
    /// The metadata that a PATCH answered.
    Object(Box<Seen>),
    /// The object with this UID is gone.
    Gone(String),
    /// Of a survey: what it found.
    Survey(Survey),
}

impl Store {
    /// A step ended.
    pub fn done(
        &mut self,
        solution: String,
        step: Step,
        outcome: Outcome,
        written: Written,
        batch: &mut Batch,
    ) {
        let key = step.key();
        self.observed.in_flight.remove(&key);
        match written {
            Written::Nothing => {}
            Written::Object(seen) => self.answered(key, *seen, batch),
            Written::Gone(uid) => {
                if self.live(&key).is_some_and(|live| live.uid == uid) {
                    self.unfile(&key, batch);
                    self.buried.insert(key, uid);
                }
            }
            Written::Survey(survey) => {
                self.observed.surveys.insert(key.name, survey);
            }
        }
        batch.solution(&solution);
        batch.done.push(Touched::Done { solution, step, outcome });
    }

    /// What a PATCH answered: metadata alone, so that the facts stay until the event comes. Only
    /// the generation moves, which makes old facts read as progressing.
    fn answered(&mut self, key: ObjectKey, mut seen: Seen, batch: &mut Batch) {
        let old = self.live(&key);
        if old.is_some_and(|old| {
            version(&old.resource_version) >= version(&seen.meta.resource_version)
        }) {
            return;
        }
        // A DELETE is sent for what is observed. If it is not observed any more, the watch was
        // faster than the answer and has told the end of it: it must not come back.
        let dying = seen.meta.deletion_timestamp.is_some();
        if dying && old.is_none_or(|old| old.uid != seen.meta.uid) {
            return;
        }
        let same = old.filter(|old| old.uid == seen.meta.uid).map(|old| old.health.clone());
        let meta = &seen.meta;
        seen.health = match key.kind {
            Kind::Deployment => HealthFacts::Deployment(match same {
                Some(HealthFacts::Deployment(facts)) => {
                    let DeploymentFacts { generation, verified, template, .. } =
                        health::marked(meta);
                    DeploymentFacts { generation, verified, template, ..facts }
                }
                _ => DeploymentFacts {
                    wanted: if meta.managed_fields.birth { 0 } else { 1 },
                    ..health::marked(meta)
                },
            }),
            Kind::HttpRoute => HealthFacts::Route(match same {
                Some(HealthFacts::Route(facts)) => {
                    RouteFacts { generation: meta.generation, ..facts }
                }
                _ => RouteFacts { generation: meta.generation, ..RouteFacts::default() },
            }),
            Kind::ScaledObject => {
                let (generation, forced) = (meta.generation, health::forced(meta));
                HealthFacts::ScaledObject(match same {
                    Some(HealthFacts::ScaledObject(facts)) => {
                        ScaledFacts { generation, forced, ..facts }
                    }
                    _ => ScaledFacts { generation, forced, ..ScaledFacts::default() },
                })
            }
            Kind::HttpLocalRateLimitPolicy | Kind::BackendTrafficPolicy => {
                let generation = meta.generation;
                HealthFacts::Policy(match same {
                    Some(HealthFacts::Policy(facts)) => PolicyFacts { generation, ..facts },
                    _ => PolicyFacts { generation, ..PolicyFacts::default() },
                })
            }
            Kind::ResourceQuota => same.unwrap_or_default(),
            _ => HealthFacts::None,
        };
        if key.kind == Kind::Namespace {
            if let Some(facts) = self.observed.namespaces.get(&key.name) {
                seen.remains.clone_from(&facts.remains); // an answer has no status
            }
            self.namespace(&seen, batch);
        }
        self.file(key, seen, batch);
    }
}
