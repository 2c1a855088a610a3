//! What our own requests were answered, written down before the watch says it.

use super::{Batch, Seen, Sight, Written, version};
use crate::model::{Kind, ObjectKey, SolutionName};
use crate::plan::Step;
use crate::plan::observed::{DeploymentFacts, HealthFacts, PolicyFacts, RouteFacts, ScaledFacts};

impl Sight {
    /// A step of a solution is sent.
    pub fn sent(&mut self, step: &Step) {
        self.observed.in_flight.insert(step.key(), step.flight());
    }

    /// A step ended. `sent_at`: the version of its object when it was sent, or the newest of its
    /// kind.
    pub fn done(
        &mut self,
        solution: &SolutionName,
        step: &Step,
        written: Written,
        sent_at: Option<u64>,
        batch: &mut Batch,
    ) {
        let key = step.key();
        self.observed.in_flight.remove(&key);
        match written {
            Written::Nothing => {}
            Written::Object(seen) => {
                let now = version(&seen.meta.resource_version);
                if sent_at.is_some_and(|before| now < before) {
                    self.versions.went_backwards(key.kind);
                }
                self.versions.answered(key.kind, &seen.meta.resource_version);
                self.answered(key, *seen, batch);
            }
            Written::Gone(uid) => {
                if self.live(&key).is_some_and(|live| live.uid == uid) {
                    self.unfile(&key, batch);
                    self.buried.bury(key, uid);
                }
            }
            Written::Survey(survey) => {
                self.observed.surveys.insert(key.name, survey);
            }
        }
        batch.solution(solution);
    }

    /// What a PATCH answered: metadata alone, so that the facts stay until the event comes. Only
    /// the generation moves, which makes old facts read as progressing.
    fn answered(&mut self, key: ObjectKey, mut seen: Seen, batch: &mut Batch) {
        if self.buried.forget(&key, &seen.meta.uid) {
            return;
        }
        let old = self.live(&key);
        if old.is_some_and(|old| {
            version(&old.resource_version) >= version(&seen.meta.resource_version)
        }) {
            self.lacks(&key, seen); // its solution is thought about anyway
            return;
        }
        // What was written and is not there, although the watch has told everything since, is gone
        // again: with its kind, or before a list.
        if old.is_none() && self.versions.is_told(key.kind, &seen.meta.resource_version) {
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
            Kind::Deployment => HealthFacts::Deployment(Box::new(match same {
                Some(HealthFacts::Deployment(facts)) => {
                    let DeploymentFacts { generation, verified, template, pods, .. } =
                        meta.marked();
                    DeploymentFacts { generation, verified, template, pods, ..*facts }
                }
                _ => DeploymentFacts {
                    wanted: if meta.managed_fields.birth { 0 } else { 1 },
                    ..meta.marked()
                },
            })),
            Kind::HttpRoute => HealthFacts::Route(Box::new(match same {
                Some(HealthFacts::Route(facts)) => {
                    RouteFacts { generation: meta.generation, ..*facts }
                }
                _ => RouteFacts { generation: meta.generation, ..RouteFacts::default() },
            })),
            Kind::ScaledObject => {
                let facts = match same {
                    Some(HealthFacts::ScaledObject(facts)) => *facts,
                    _ => ScaledFacts::default(),
                };
                HealthFacts::ScaledObject(Box::new(ScaledFacts {
                    generation: meta.generation,
                    forced: meta.is_forced(),
                    nudged: meta.is_nudged(),
                    ..facts
                }))
            }
            Kind::HttpLocalRateLimitPolicy | Kind::BackendTrafficPolicy => {
                let generation = meta.generation;
                HealthFacts::Policy(Box::new(match same {
                    Some(HealthFacts::Policy(facts)) => PolicyFacts { generation, ..*facts },
                    _ => PolicyFacts { generation, ..PolicyFacts::default() },
                }))
            }
            Kind::ResourceQuota | Kind::Ingress => same.unwrap_or_default(),
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
