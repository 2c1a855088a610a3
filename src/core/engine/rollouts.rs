//! Roll-outs of a change for all: which running Deployments have begun, since when, and how many
//! more may. What sleeps and what its own commit changes is not among them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::trials::STARTUP;
use crate::model::{ObjectKey, SolutionName};
use crate::plan::observed::{Flight, HealthFacts, Live, Observed};

/// The roll-outs that have begun and are not over.
#[derive(Debug, Default)]
pub(super) struct Rollouts {
    begun: BTreeMap<ObjectKey, Rollout>,
    /// The solutions that wait for a turn.
    queued: BTreeSet<SolutionName>,
    /// Whether those were looked for that a predecessor had begun.
    adopted: bool,
}

#[derive(Debug)]
struct Rollout {
    solution: SolutionName,
    since: Timestamp,
    budget: SignedDuration,
}

impl Rollouts {
    /// A Deployment begins. `budget`: what its component may take to start.
    pub fn begin(
        &mut self,
        key: ObjectKey,
        solution: &SolutionName,
        budget: Option<SignedDuration>,
        now: Timestamp,
    ) {
        let budget = budget.unwrap_or(STARTUP);
        let rollout = Rollout { solution: solution.clone(), since: now, budget };
        self.begun.insert(key, rollout);
    }

    /// Takes over what a predecessor had begun: pods of an older template are still being replaced.
    /// The second time finds nothing, for what begins later is told.
    pub fn adopt(&mut self, observed: &Observed, now: Timestamp) {
        if std::mem::replace(&mut self.adopted, true) {
            return;
        }
        for (solution, objects) in &observed.solutions {
            let replaced = objects.iter().filter(|(_, live)| match &live.health {
                HealthFacts::Deployment(facts) => {
                    facts.wanted > 0 && facts.replicas > facts.updated
                }
                _ => false,
            });
            for (key, _) in replaced {
                self.begin(key.clone(), solution, None, now);
            }
            self.note(solution, observed);
        }
    }

    /// Looks which of a solution's roll-outs are over: complete, refused, gone, or told by the
    /// kubelet to come to nothing whatever is tried again.
    pub fn note(&mut self, name: &SolutionName, observed: &Observed) {
        let objects = observed.solutions.get(name);
        self.begun.retain(|key, rollout| {
            rollout.solution != *name
                || observed.in_flight.get(key) == Some(&Flight::Body)
                || objects
                    .and_then(|objects| objects.get(key))
                    .is_some_and(|live| goes_on(name, key, live, observed))
        });
    }

    /// Ends what has used up its time. Returns whether anything has.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let before = self.begun.len();
        self.begun.retain(|_, rollout| now.duration_since(rollout.since) < rollout.budget);
        self.begun.len() < before
    }

    /// When the next one has used up its time.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.begun.values().map(|rollout| rollout.since + rollout.budget).min()
    }

    /// The Deployments that have begun.
    pub fn rolling(&self) -> BTreeSet<ObjectKey> {
        self.begun.keys().cloned().collect()
    }

    /// How many have begun.
    pub fn running(&self) -> usize {
        self.begun.len()
    }

    /// How many more may begin if `most` may at a time.
    pub fn free(&self, most: usize) -> usize {
        most.saturating_sub(self.begun.len())
    }

    /// Whether a solution waits for a turn.
    pub fn waits(&mut self, name: &SolutionName, waits: bool) {
        if waits {
            self.queued.insert(name.clone());
        } else {
            self.queued.remove(name);
        }
    }

    /// The solutions that wait for a turn.
    pub fn queued(&self) -> impl Iterator<Item = &SolutionName> {
        self.queued.iter()
    }
}

/// Whether a Deployment is still being rolled out, as far as anybody has said.
fn goes_on(name: &SolutionName, key: &ObjectKey, live: &Live, observed: &Observed) -> bool {
    let HealthFacts::Deployment(facts) = &live.health else { return false };
    let pods = observed.pods.get(name).into_iter().flat_map(BTreeMap::values);
    let its = pods.filter(|pod| pod.component == key.name && facts.is_newest(pod));
    let fails = its.into_iter().any(|pod| pod.is_final);
    live.deleting.is_none() && !live.health.is_available() && !facts.gave_up() && !fails
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::plan::observed::{DeploymentFacts, PodFacts};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn name(text: &str) -> SolutionName {
        SolutionName::parse(text).unwrap()
    }

    fn key(solution: &str) -> ObjectKey {
        ObjectKey::namespaced(Kind::Deployment, name(solution).namespace(), "app")
    }

    /// One replica, of which `updated` are new and `available` are available, and `replicas` there.
    fn cluster(updated: i32, available: i32, replicas: i32) -> Observed {
        let facts = DeploymentFacts {
            wanted: 1,
            replicas,
            updated,
            available,
            ..DeploymentFacts::default()
        };
        let live = Live { health: HealthFacts::Deployment(Box::new(facts)), ..Live::default() };
        let mut observed = Observed::default();
        observed.solutions.entry(name("one")).or_default().insert(key("one"), live.into());
        observed
    }

    fn begun() -> Rollouts {
        let mut rollouts = Rollouts::default();
        rollouts.begin(key("one"), &name("one"), Some(SignedDuration::from_mins(1)), at(0));
        rollouts
    }

    #[test]
    fn a_turn_is_taken_until_the_new_pods_serve() {
        let mut rollouts = begun();
        assert_eq!((rollouts.free(2), rollouts.free(1), rollouts.free(0)), (1, 0, 0));
        rollouts.note(&name("two"), &cluster(1, 1, 1));
        rollouts.note(&name("one"), &cluster(0, 1, 1));
        rollouts.note(&name("one"), &cluster(1, 1, 2));
        rollouts.note(&name("one"), &cluster(1, 0, 1));
        assert_eq!(rollouts.running(), 1);
        rollouts.note(&name("one"), &cluster(1, 1, 1));
        assert_eq!(rollouts.running(), 0);
    }

    #[test]
    fn a_turn_ends_with_a_word_of_failure_with_the_object_and_with_its_time() {
        let mut failing = cluster(1, 0, 2);
        let pod = PodFacts {
            component: "app".into(),
            word: Some("ImagePullBackOff".into()),
            is_final: true,
            ..PodFacts::default()
        };
        failing.pods.entry(name("one")).or_default().insert("app-1".into(), pod);
        let mut rollouts = begun();
        rollouts.note(&name("one"), &failing);
        assert_eq!(rollouts.running(), 0);

        let mut rollouts = begun();
        rollouts.note(&name("one"), &Observed::default());
        assert_eq!(rollouts.running(), 0);

        let mut rollouts = begun();
        assert_eq!(rollouts.deadline(), Some(at(60)));
        assert!(!rollouts.expire(at(59)) && rollouts.expire(at(60)));
        assert_eq!((rollouts.running(), rollouts.deadline()), (0, None));
    }

    #[test]
    fn what_is_asked_for_and_not_answered_keeps_its_turn() {
        let mut observed = cluster(1, 1, 1);
        observed.in_flight.insert(key("one"), Flight::Body);
        let mut rollouts = begun();
        rollouts.note(&name("one"), &observed);
        assert_eq!(rollouts.running(), 1, "it is the old form that is available");
    }

    #[test]
    fn what_a_predecessor_began_is_taken_over_once() {
        let mut rollouts = Rollouts::default();
        rollouts.adopt(&cluster(1, 1, 1), at(0));
        assert_eq!(rollouts.running(), 0, "nothing is being replaced");
        rollouts.adopt(&cluster(1, 0, 2), at(0));
        assert_eq!(rollouts.running(), 0, "what begins later is told");
        let mut rollouts = Rollouts::default();
        rollouts.adopt(&cluster(1, 0, 2), at(0));
        assert_eq!(rollouts.running(), 1);
    }
}
