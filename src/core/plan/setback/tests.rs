//! Each way in which a refusal ends, and what it costs.

use super::*;
use crate::model::{FieldSet, Revision};
use crate::plan::observed::Live;
use crate::plan::{Form, Rejection, Why};
use crate::render::Wave;

/// One refused Deployment, a clock and a cluster.
struct World {
    setbacks: Setbacks,
    observed: Observed,
    now: Timestamp,
}

fn key() -> ObjectKey {
    ObjectKey::namespaced(Kind::Deployment, "sol-use", "app")
}

fn home() -> ObjectKey {
    ObjectKey::cluster(Kind::Namespace, "sol-use")
}

fn step(body: &str) -> Step {
    let object = Form {
        key: key(),
        component: None,
        wave: Wave::Workload,
        content: ContentHash::of(body.as_bytes()),
        template: None,
        pods: None,
        fields: FieldSet::default().into(),
        body: None,
    };
    let revision = Revision::parse(&"a".repeat(40)).unwrap();
    Step::Apply { object: object.into(), revision, left: None, why: Why::Update }
}

fn refused() -> Outcome {
    Outcome::Rejected(Rejection {
        code: 422,
        reason: "Invalid".into(),
        message: "field is immutable".into(),
        causes: Vec::new(),
    })
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

impl World {
    fn new() -> Self {
        let now = "2026-01-05T10:00:00Z".parse().unwrap();
        let mut world = Self { setbacks: Setbacks::new(), observed: Observed::default(), now };
        world.put(home(), "home", "1");
        world.put(key(), "uid", "1");
        world
    }

    fn put(&mut self, key: ObjectKey, uid: &str, version: &str) {
        let live = Live { uid: uid.into(), resource_version: version.into(), ..Live::default() };
        self.observed
            .solutions
            .entry(SolutionName::parse("use").unwrap())
            .or_default()
            .insert(key, live.into());
    }

    /// Sends it; the server says no. Whether that was news.
    fn fails(&mut self, outcome: Outcome) -> bool {
        learn(&mut self.setbacks, &step("one"), outcome, &self.observed, self.now, 0.5)
    }

    /// Fails until the pause is at its longest.
    fn long_refused() -> Self {
        let mut world = Self::new();
        for _ in 0..12 {
            world.fails(refused());
            world.now = world.setback().until;
        }
        world.fails(refused());
        assert_eq!(world.wait(), seconds(300));
        world
    }

    fn setback(&mut self) -> &mut Setback {
        self.setbacks.get_mut(&key()).unwrap()
    }

    /// How long until the next try.
    fn wait(&mut self) -> SignedDuration {
        let now = self.now;
        self.setback().until.duration_since(now)
    }

    fn notices(&mut self) {
        notice(&mut self.setbacks, &self.observed, self.now, |_| true);
    }
}

#[test]
fn a_refusal_is_tried_again_after_a_second_and_ever_more_rarely_but_for_ever() {
    let mut world = World::new();
    let mut waits = Vec::new();
    for _ in 0..12 {
        world.fails(refused());
        waits.push(world.wait().as_secs());
        world.now = world.setback().until;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
}

#[test]
fn what_succeeds_is_forgotten_and_the_same_refusal_again_is_no_news() {
    let mut world = World::new();
    assert!(world.fails(refused()));
    assert!(!world.fails(refused()));
    assert!(world.fails(Outcome::Unavailable { cause: "no answer".into(), retry_after: None }));
    world.fails(Outcome::Applied { created: false });
    assert!(world.setbacks.is_empty());
    assert!(world.fails(refused()));
}

#[test]
fn another_body_begins_anew() {
    let mut world = World::long_refused();
    learn(&mut world.setbacks, &step("two"), refused(), &world.observed, world.now, 0.5);
    assert_eq!(world.wait(), seconds(1));
}

#[test]
fn an_object_that_was_deleted_is_created_at_once_each_time() {
    let mut world = World::long_refused();
    for _ in 0..3 {
        world.observed.solutions.get_mut("use").unwrap().remove(&key());
        world.notices();
        assert_eq!(world.wait(), seconds(0));
        world.fails(refused());
        assert_eq!(world.wait(), seconds(1), "it begins anew");
        world.put(key(), "another", "9");
        world.notices();
        assert_eq!(world.wait(), seconds(0));
        world.fails(refused());
    }
}

#[test]
fn an_event_of_the_object_its_namespace_or_its_crd_ends_a_refusal() {
    let events: [fn(&mut World); 3] = [
        |world| world.put(key(), "uid", "2"),
        |world| world.put(home(), "home", "2"),
        |world| _ = world.observed.definitions.insert(Kind::Deployment, "2".into()),
    ];
    for event in events {
        let mut world = World::long_refused();
        world.notices();
        assert_eq!(world.wait(), seconds(300), "nothing happened");
        event(&mut world);
        world.notices();
        assert_eq!(world.wait(), seconds(0));
    }
}

#[test]
fn a_busy_object_costs_one_try_in_half_a_minute() {
    let mut world = World::long_refused();
    let mut tries = 0;
    let begin = world.now;
    for second in 0..60 {
        world.now = begin + seconds(second);
        world.put(key(), "uid", &format!("1{second}"));
        world.notices();
        if world.wait() <= SignedDuration::ZERO {
            tries += 1;
            world.fails(refused());
        }
    }
    assert_eq!(tries, 2);
}

#[test]
fn fifty_commits_in_five_seconds_cost_one_try_an_object() {
    let mut world = World::long_refused();
    let (begin, mut tries) = (world.now, 0);
    for commit in 0..50 {
        world.now = begin + SignedDuration::from_millis(100 * commit);
        let now = world.now;
        world.setback().new_revision(now);
        if world.wait() <= SignedDuration::ZERO {
            tries += 1;
            world.fails(refused());
        }
    }
    assert_eq!(tries, 1);
    // What came in between is not lost.
    assert_eq!(world.setback().until, begin + seconds(30));
}

#[test]
fn a_person_who_asks_need_not_wait() {
    let mut world = World::long_refused();
    for _ in 0..3 {
        let now = world.now;
        world.setback().at_once(now);
        assert_eq!(world.wait(), seconds(0));
        world.fails(refused());
    }
}

#[test]
fn a_deadline_rings_once() {
    let mut world = World::new();
    world.fails(refused());
    let until = world.setback().until;
    assert_eq!(world.setback().deadline(), Some(until));
    assert!(!world.setback().rings(until - seconds(1)));
    assert!(world.setback().rings(until));
    assert!(!world.setback().rings(until) && world.setback().deadline().is_none());
    world.fails(refused());
    assert!(world.setback().deadline().is_some());
}

#[test]
fn what_the_server_asks_for_is_kept_to_the_second() {
    let mut world = World::new();
    let retry_after = Some(Duration::from_secs(17));
    world.fails(Outcome::Unavailable { cause: "busy".into(), retry_after });
    let now = world.now;
    world.setback().new_revision(now);
    world.put(key(), "uid", "2");
    world.notices();
    assert_eq!(world.wait(), seconds(17));
}
