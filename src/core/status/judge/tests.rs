//! The table of verdicts: each state as a person reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::catalog::snapshot::{File, Folder, Snapshot};
use crate::catalog::{self, Catalog};
use crate::model::{ClaimedName, ContentHash, ObjectKey, Revision, TreeId};
use crate::plan::observed::Problem;
use crate::plan::observed::{
    Condition as Fact, DeploymentFacts, HealthFacts, Live, NamespaceFacts, Owner, Pause, PodFacts,
    PolicyFacts, RouteFacts, RouteParent, ScaledFacts,
};
use crate::plan::{
    Address, Hold, Observed, Outcome, Planned, Rejection, Setbacks, Verified, setback,
};

fn called(name: &str) -> SolutionName {
    SolutionName::parse(name).unwrap()
}

const SOLUTION: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Solution\nmetadata:\n  name: use\nspec:\n  image: registry.example/use:1.0.0@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
const PLATFORM: &str = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nmetadata: {name: lab}\nspec: {domain: demo.example}\n";

/// A catalogue whose one folder, `use`, holds this file.
fn catalog(solution: &str) -> Catalog {
    let file = |text: &str| File { size: text.len() as u64, bytes: Some(text.as_bytes().into()) };
    let folder = Folder {
        tree: TreeId::parse(&"b".repeat(40)).unwrap(),
        files: [("solution.yaml".to_owned(), file(solution))].into_iter().collect(),
        oddities: BTreeMap::new(),
    };
    let snapshot = Snapshot {
        revision: Revision::parse(&"4be1".repeat(10)).unwrap(),
        committed: Timestamp::UNIX_EPOCH,
        root: TreeId::parse(&"c".repeat(40)).unwrap(),
        platform: Some(file(PLATFORM)),
        folders: Arc::new([("use".to_owned(), Arc::new(folder))].into()),
        oddities: BTreeMap::new(),
    };
    catalog::read(&snapshot, &mut catalog::Memory::default())
}

/// A published solution, asleep, with nothing left to do.
struct World {
    catalog: Catalog,
    observed: Observed,
    setbacks: Setbacks,
    plan: SolutionPlan,
    phase: Phase,
    unknown: Option<Unknown>,
    silence: Option<Silence>,
    reports: bool,
    late: bool,
    hold: Option<Hold>,
    problems: BTreeMap<String, Problem>,
}

fn key(kind: Kind, name: &str) -> ObjectKey {
    ObjectKey::namespaced(kind, "sol-use", name)
}

fn fact(kind: &str, status: &str, reason: &str, message: &str) -> Fact {
    let text = str::to_owned;
    Fact {
        kind: text(kind).into(),
        status: text(status).into(),
        reason: reason.into(),
        message: message.into(),
        ..Fact::default()
    }
}

/// A ScaledObject that KEDA has taken on.
fn scaled() -> ScaledFacts {
    let conditions = vec![fact("Ready", "True", "ScaledObjectReady", "")];
    ScaledFacts { conditions, triggers: 1, metrics: 1, ..ScaledFacts::default() }
}

fn address(host: &str) -> Address {
    Address { host: host.into(), path: "/".into(), gateway: "edge/public".into() }
}

/// Where it is opened.
fn open() -> Box<[Address]> {
    [address("use.demo.example")].into()
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            catalog: catalog(SOLUTION),
            observed: Observed::default(),
            setbacks: Setbacks::new(),
            plan: SolutionPlan::default(),
            phase: Phase::Live,
            unknown: None,
            silence: None,
            reports: false,
            late: false,
            hold: None,
            problems: BTreeMap::new(),
        };
        assert!(world.catalog.refused.is_empty(), "{:?}", world.catalog.refused);
        let template = ContentHash::of(b"template");
        world.put(
            key(Kind::Deployment, "app"),
            HealthFacts::Deployment(Box::new(DeploymentFacts {
                verified: Some(format!("{template} born")),
                template: Some(template),
                ..DeploymentFacts::default()
            })),
        );
        world.put(key(Kind::Service, "app"), HealthFacts::None);
        world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(scaled())));
        let good = |kind| fact(kind, "True", "", "");
        world.put(
            key(Kind::HttpRoute, "edge"),
            HealthFacts::Route(Box::new(RouteFacts {
                addresses: open(),
                generation: 1,
                asked: vec![String::new()],
                parents: vec![RouteParent {
                    conditions: vec![good("Accepted"), good("ResolvedRefs")],
                    ..RouteParent::default()
                }],
            })),
        );
        world
    }

    fn put(&mut self, key: ObjectKey, health: HealthFacts) {
        let live = Live {
            uid: "u".into(),
            resource_version: "1".into(),
            created: None,
            deleting: None,
            finalizers: vec![],
            content: None,
            revision: None,
            fields: None,
            others: Box::default(),
            left: None,
            taken: None,
            birth: true,
            health,
        };
        self.observed.solutions.entry(called("use")).or_default().insert(key, live.into());
    }

    fn deployment(&mut self, change: impl FnOnce(&mut DeploymentFacts)) {
        let objects = self.observed.solutions.get_mut("use").unwrap();
        let live = objects.get_mut(&key(Kind::Deployment, "app")).unwrap();
        if let HealthFacts::Deployment(facts) = &mut live.health {
            change(facts);
        }
    }

    fn pod(&mut self, word: &str, message: &str) {
        let pod = PodFacts {
            component: "app".into(),
            word: Some(word.into()),
            message: message.into(),
            restarts: 4,
            ..PodFacts::default()
        };
        self.observed.pods.entry(called("use")).or_default().insert("app-1".into(), pod);
    }

    fn waits(&mut self, gate: Gate) {
        self.plan.waits.push(gate);
    }

    fn judge_as(&self, standing: Standing<'_>) -> Verdict {
        judge(&Case {
            name: &ClaimedName::of("use"),
            standing,
            observed: &self.observed,
            setbacks: &self.setbacks,
            hold: self.hold.as_ref(),
            problems: &self.problems,
            unknown: self.unknown.as_ref(),
            silence: self.silence.as_ref(),
            reports: self.reports,
            revision: Some(&self.catalog.revision),
            placed: None,
            in_force: Some(&self.catalog.revision),
            instance: "prod",
            late: self.late,
            now: "2026-01-05T15:00:00Z".parse().unwrap(),
        })
    }

    fn judge(&self) -> Verdict {
        let open = open();
        let solution = self.catalog.solutions.get("use").unwrap();
        self.judge_as(Standing::Published {
            solution,
            phase: self.phase,
            plan: &self.plan,
            objects: 11,
            addresses: &open,
        })
    }
}

/// `Synced Asleep Healthy nobody: sleeps, not yet seen running; wakes on visit`.
fn said(verdict: &Verdict) -> String {
    let word = |w: Option<String>| w.unwrap_or_else(|| "-".to_owned());
    format!(
        "{:?} {} {} {}: {}",
        verdict.sync,
        word(verdict.stage.map(|s| format!("{s:?}"))),
        word(verdict.health.map(|h| format!("{h:?}"))),
        verdict.party,
        verdict.reason
    )
}

#[test]
fn a_sleeping_solution_is_a_success() {
    let mut world = World::new();
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        "Synced Asleep Healthy nobody: sleeps, not yet seen running; wakes on visit"
    );
    assert_eq!(verdict.urls, ["https://use.demo.example"]);
    assert!(verdict.is_good() && verdict.proof == Proof::Applied);

    let facts =
        ScaledFacts { last_active: Some("2026-01-05T14:05:00Z".parse().unwrap()), ..scaled() };
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(facts)));
    assert_eq!(
        &*world.judge().reason,
        "sleeps since 14:05 UTC, not yet seen running; wakes on visit"
    );
}

#[test]
fn noting_what_a_visit_showed_is_no_trial() {
    let mut world = World::new();
    world.deployment(|d| (d.wanted, d.replicas, d.updated) = (1, 1, 1));
    world.pod("ImagePullBackOff", "manifest unknown");
    let failed = said(&world.judge());
    let key = key(Kind::Deployment, "app");
    let template = ContentHash::of(b"template");
    let step = Step::Verified { key, template, result: Verified::Failed(None) };
    world.plan.steps.push(Planned { step, when: When::Now });
    assert_eq!(said(&world.judge()), failed);
    let facts = ScaledFacts { forced: true, ..scaled() };
    world.put(self::key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(facts)));
    assert!(said(&world.judge()).contains("woken once to see"), "{}", said(&world.judge()));
}

#[test]
fn a_woken_solution_starts_and_then_is_awake() {
    let mut world = World::new();
    world.deployment(|d| (d.wanted, d.replicas, d.updated) = (2, 2, 2));
    assert_eq!(said(&world.judge()), "Synced Waking Progressing nobody: starting");
    world.deployment(|d| (d.ready, d.available) = (2, 2));
    assert_eq!(said(&world.judge()), "Synced Awake Healthy nobody: 2 replicas");
    // A newer template whose roll-out has not been looked at yet is not the old one's success.
    world.deployment(|d| d.generation = 2);
    assert_eq!(
        said(&world.judge()),
        "Synced Awake Progressing nobody: the old version keeps serving; the new one: starting"
    );
}

#[test]
fn one_replica_that_restarts_is_said_with_the_rest() {
    let mut world = World::new();
    world.deployment(|d| (d.wanted, d.replicas, d.updated, d.available) = (2, 2, 2, 1));
    world.pod("OOMKilled", "");
    assert_eq!(
        said(&world.judge()),
        "Synced Awake Degraded author: 1 of 2 replicas restarts: out of memory at 1 GiB"
    );
}

#[test]
fn what_does_not_start_is_the_authors_turn_and_what_has_no_machine_the_operators() {
    let mut world = World::new();
    world.deployment(|d| (d.wanted, d.replicas, d.updated) = (1, 1, 1));
    world.pod("Unschedulable", "0/3 nodes are available");
    assert_eq!(
        said(&world.judge()),
        "Synced Queued Progressing operator: no machine of class cpu-basic free: 0/3 nodes are available"
    );
    world.pod("ImagePullBackOff", "manifest unknown");
    assert_eq!(
        said(&world.judge()),
        "Synced WakeFailed Degraded author: the image cannot be pulled: manifest unknown"
    );
    world.observed.pods.clear();
    let late = fact("Progressing", "False", "ProgressDeadlineExceeded", "");
    world.deployment(|d| d.conditions = vec![late]);
    assert_eq!(
        said(&world.judge()),
        "Synced WakeFailed Degraded author: was not ready when its time was over"
    );
    world.pod("Unready", "");
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        "Synced WakeFailed Degraded author: runs, and did not answer on port 8080 in its time"
    );
    assert!(!verdict.is_good());
}

#[test]
fn a_failed_trial_stays_the_verdict_while_it_sleeps() {
    let mut world = World::new();
    let template = ContentHash::of(b"template");
    let mark = format!("{template} failed ImagePullBackOff manifest unknown");
    world.deployment(|d| d.verified = Some(mark));
    assert_eq!(
        said(&world.judge()),
        "Synced WakeFailed Degraded author: the image cannot be pulled: manifest unknown"
    );
}

#[test]
fn quota_and_keda_are_the_operators() {
    let mut world = World::new();
    world.deployment(|d| {
        d.wanted = 1;
        d.conditions = vec![fact("ReplicaFailure", "True", "FailedCreate", "exceeded quota: q")];
    });
    assert_eq!(
        said(&world.judge()),
        "Synced WakeFailed Degraded operator: the quota is used up: q"
    );
    let mut world = World::new();
    let broken = ScaledFacts {
        conditions: vec![fact("Ready", "False", "TriggerError", "no scaler")],
        ..ScaledFacts::default()
    };
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(broken)));
    assert_eq!(
        said(&world.judge()),
        "Synced WakeFailed Degraded operator: KEDA cannot scale ScaledObject/app: no scaler"
    );
}

#[test]
fn asleep_on_purpose_is_a_success_with_its_reason() {
    let mut world = World::new();
    let suspended =
        format!("{SOLUTION}  suspend: {{reason: \"incident 12\", until: 2027-01-05}}\n");
    world.catalog = catalog(&suspended);
    world.phase = Phase::Suspended;
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        "Synced Asleep Healthy nobody: suspended until 2027-01-05: incident 12"
    );
    assert!(verdict.is_good());

    world.catalog = catalog(&format!("{SOLUTION}  expires: 2026-06-30\n"));
    world.phase = Phase::Expired;
    let verdict = world.judge();
    assert_eq!(said(&verdict), "Synced Asleep Healthy nobody: expired on 2026-06-30");
    assert_eq!(verdict.next, "a new date in `expires` wakes it");
}

#[test]
fn a_refused_folder_says_the_line_and_that_the_old_revision_serves() {
    let mut world = World::new();
    world.catalog = catalog(&SOLUTION.replace("spec:", "spec:\n  replica: 3"));
    let refused = &world.catalog.refused["use"];
    let verdict = world.judge_as(Standing::Refused(refused));
    let said = said(&verdict);
    assert!(said.starts_with("Failed Asleep Healthy author: use/solution.yaml:6:3: "), "{said}");
    assert!(said.ends_with("; the old revision keeps serving"), "{said}");
    assert_eq!(verdict.urls, ["https://use.demo.example"], "as before");
}

#[test]
fn what_is_asked_for_and_what_serves_are_two_facts() {
    let mut world = World::new();
    let old = Revision::parse(&"0".repeat(40)).unwrap();
    let objects = world.observed.solutions.get_mut("use").unwrap();
    objects.get_mut(&key(Kind::Deployment, "app")).unwrap().revision = Some(old.clone().into());
    assert_eq!(world.judge().serves_another(), None, "in place, whatever was changed last");

    world.catalog = catalog(&SOLUTION.replace("spec:", "spec:\n  replica: 3"));
    let judge = |world: &World| world.judge_as(Standing::Refused(&world.catalog.refused["use"]));
    let verdict = judge(&world);
    assert_eq!(verdict.serves_another(), Some(&old));
    assert!(verdict.reason.ends_with("; revision 0000000 keeps serving"), "{}", verdict.reason);

    // A roll-out is under way: nobody can tell which of the two answers.
    world.deployment(|facts| (facts.generation, facts.observed_generation) = (2, 1));
    assert_eq!(judge(&world).serving, None);
    // The route is not accepted: nobody reaches it.
    let unanswered = RouteFacts { addresses: open(), ..RouteFacts::default() };
    world.put(key(Kind::HttpRoute, "edge"), HealthFacts::Route(Box::new(unanswered)));
    assert_eq!(judge(&world).urls, [""; 0]);
}

#[test]
fn a_solution_tells_all_of_its_addresses_and_none_while_it_rests() {
    let world = World::new();
    let solution = world.catalog.solutions.get("use").unwrap();
    let open = ["use--a.demo.example", "use--b.demo.example"].map(address);
    let (plan, objects) = (&world.plan, 11);
    let of = |addresses: &[Address]| {
        let phase = Phase::Live;
        world.judge_as(Standing::Published { solution, phase, plan, objects, addresses }).urls
    };
    assert_eq!(of(&open), ["https://use--a.demo.example", "https://use--b.demo.example"]);
    assert_eq!(of(&[]), [""; 0]);
}

#[test]
fn nothing_is_called_healthy_while_the_cluster_tells_nothing() {
    let mut world = World::new();
    assert_eq!(
        said(&world.judge()),
        "Synced Asleep Healthy nobody: sleeps, not yet seen running; wakes on visit"
    );
    world.silence = Some(Silence {
        since: "2026-01-05T14:00:00Z".parse().unwrap(),
        cause: "connection refused".into(),
        next: "look whether it runs".into(),
    });
    let verdict = world.judge();
    assert_eq!((verdict.sync, verdict.party), (Sync::Unknown, Party::Operator));
    assert_eq!((verdict.stage, verdict.health), (None, None));
    let told = "the cluster cannot be read since 14:00 UTC: connection refused; what runs goes on";
    assert_eq!(&*verdict.reason, told);
    assert_eq!(verdict.next, "look whether it runs; vitrine goes on by itself");
    assert_eq!(verdict.urls, ["https://use.demo.example"]);
    // What its author did wrong is his turn all the same.
    let frozen = Standing::Frozen { reason: "a slip", party: Party::Author };
    let verdict = world.judge_as(frozen);
    assert_eq!((verdict.sync, verdict.party), (Sync::Failed, Party::Author));
    assert_eq!((verdict.stage, verdict.health), (None, None));
}

#[test]
fn what_waits_for_somebody_is_shown_where_it_is_opened_and_not_where_it_would_be() {
    let mut world = World::new();
    world.waits(Gate::Held);
    world.hold = Some(Hold {
        hash: ContentHash::of(b"these"),
        harm: Default::default(),
        disappearing: Default::default(),
        staying: Default::default(),
        moving: [called("use")].into(),
        reason: "would move the addresses of 4 of 4 solutions".into(),
    });
    let solution = world.catalog.solutions.get("use").unwrap();
    let (plan, objects, phase) = (&world.plan, 11, Phase::Live);
    let addresses = &[address("use.other.example")][..];
    let held = Standing::Published { solution, phase, plan, objects, addresses };
    let verdict = world.judge_as(held);
    assert_eq!(verdict.sync, Sync::Blocked);
    assert_eq!(verdict.urls, ["https://use.demo.example"]);
    let plan = &SolutionPlan::default();
    let free = Standing::Published { solution, phase, plan, objects, addresses };
    assert_eq!(world.judge_as(free).urls, ["https://use.other.example"]);
}

#[test]
fn what_is_refused_frozen_or_held_is_as_healthy_as_what_runs_of_it() {
    let mut world = World::new();
    world.deployment(|facts| facts.wanted = 1);
    world.pod("ImagePullBackOff", "no such digest");
    let broken = "; what runs is broken: the image cannot be pulled: no such digest";
    world.waits(Gate::ForeignNamespace { namespace: "sol-use".into(), instance: None });
    let blocked = said(&world.judge());
    assert!(blocked.starts_with("Blocked WakeFailed Degraded operator: "), "{blocked}");
    assert!(blocked.ends_with(broken), "{blocked}");

    let frozen = Standing::Frozen { reason: "platform.yaml is missing", party: Party::Operator };
    let frozen = said(&world.judge_as(frozen));
    let expected = format!("Failed WakeFailed Degraded operator: platform.yaml is missing{broken}");
    assert_eq!(frozen, expected);

    world.catalog = catalog(&SOLUTION.replace("spec:", "spec:\n  replica: 3"));
    let refused = said(&world.judge_as(Standing::Refused(&world.catalog.refused["use"])));
    assert!(refused.starts_with("Failed WakeFailed Degraded author: "), "{refused}");
    assert!(refused.ends_with(broken), "{refused}");

    // Nobody knows the port of what the catalogue no longer describes.
    world.pod("Unready", "");
    world.deployment(|facts| facts.conditions = vec![late()]);
    let silent = said(&world.judge_as(Standing::Refused(&world.catalog.refused["use"])));
    assert!(
        silent.ends_with("; what runs is broken: runs, and did not answer in its time"),
        "{silent}"
    );
}

fn late() -> Fact {
    fact("Progressing", "False", "ProgressDeadlineExceeded", "")
}

#[test]
fn a_try_under_way_does_not_take_back_that_the_last_one_came_to_nothing() {
    let mut world = World::new();
    let service = key(Kind::Service, "app");
    let cause = "the API server answered 503: busy";
    let step = Step::Delete { key: service.clone(), uid: "".into(), resource_version: "".into() };
    let outcome = Outcome::Unavailable { cause: cause.into(), retry_after: None };
    let now = Timestamp::UNIX_EPOCH;
    setback::learn(&mut world.setbacks, &step, outcome, &world.observed, now, 0.5);
    for gate in [
        Gate::BackOff { key: service.clone(), until: Timestamp::UNIX_EPOCH },
        Gate::InFlight(service.clone()),
    ] {
        world.plan.waits = vec![gate];
        let verdict = world.judge();
        assert_eq!(
            said(&verdict),
            format!("Blocked Asleep Healthy operator: Service/app could not be written: {cause}")
        );
        assert!(verdict.next.contains("look at the API server"), "{}", verdict.next);
    }
}

#[test]
fn nothing_is_said_to_serve_without_a_route_a_service_and_a_deployment() {
    for gone in [Kind::HttpRoute, Kind::Service, Kind::Deployment] {
        let mut world = World::new();
        world.catalog = catalog(&SOLUTION.replace("spec:", "spec:\n  replica: 3"));
        let objects = world.observed.solutions.get_mut("use").unwrap();
        objects.iter_mut().find(|(key, _)| key.kind == gone).unwrap().1.deleting =
            Some(Timestamp::UNIX_EPOCH);
        let judge =
            |world: &World| said(&world.judge_as(Standing::Refused(&world.catalog.refused["use"])));
        assert!(!judge(&world).contains("keeps serving"), "{gone}: {}", judge(&world));
        let cause = "no answer".to_owned();
        world.unknown = Some(Unknown { since: Timestamp::UNIX_EPOCH, cause });
        assert!(!judge(&world).contains("keeps serving"), "{gone}: {}", judge(&world));
    }
}

#[test]
fn what_waits_for_a_person_is_blocked_and_names_the_way_out() {
    let mut world = World::new();
    world.waits(Gate::ForeignNamespace { namespace: "sol-use".into(), instance: None });
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        "Blocked Asleep Healthy operator: Namespace sol-use exists and is not vitrine's"
    );
    assert!(verdict.next.contains("vitrine.dev/instance=prod"), "{}", verdict.next);

    let mut world = World::new();
    world.waits(Gate::MissingKind(Kind::ScaledObject));
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        "Blocked Asleep Healthy operator: waiting for CRD scaledobjects.keda.sh"
    );
    assert_eq!(verdict.next, "install KEDA; vitrine goes on by itself");

    let mut world = World::new();
    world.waits(Gate::Held);
    world.hold = Some(Hold {
        hash: ContentHash::of(b"these"),
        harm: Default::default(),
        disappearing: [called("use")].into(),
        staying: Default::default(),
        moving: Default::default(),
        reason: "would remove 14 of 40 solutions".into(),
    });
    let verdict = world.judge_as(Standing::Removed(&world.plan));
    assert_eq!(
        said(&verdict),
        "Blocked Asleep Healthy reviewer: held: would remove 14 of 40 solutions"
    );
    assert!(verdict.next.starts_with("approve with `vitrine approve "), "{}", verdict.next);
}

#[test]
fn what_admission_takes_away_is_the_operators_turn() {
    let mut world = World::new();
    let service = key(Kind::Service, "app");
    let fields = serde_json::json!({"f:spec": {"f:trafficDistribution": {}}});
    let rejection = Rejection::taken_away(&crate::model::FieldSet::recorded(&fields));
    let step = Step::Delete { key: service.clone(), uid: "u".into(), resource_version: "1".into() };
    let (outcome, now) = (Outcome::Rejected(rejection), Timestamp::UNIX_EPOCH);
    setback::learn(&mut world.setbacks, &step, outcome, &world.observed, now, 0.5);
    world.waits(Gate::BackOff { key: service, until: now });
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        "Blocked Asleep Healthy operator: admission takes spec.trafficDistribution away from \
         Service/app"
    );
    assert!(verdict.next.starts_with("change the webhook or MutatingAdmissionPolicy"));
}

#[test]
fn what_the_server_refuses_is_failed_in_its_words() {
    let mut world = World::new();
    let service = key(Kind::Service, "app");
    let rejection = Rejection {
        code: 403,
        reason: "Forbidden".into(),
        message: "may not patch services".into(),
        causes: vec![],
    };
    let step = Step::Delete { key: service.clone(), uid: "u".into(), resource_version: "1".into() };
    let outcome = Outcome::Rejected(rejection);
    let now = Timestamp::UNIX_EPOCH;
    setback::learn(&mut world.setbacks, &step, outcome, &world.observed, now, 0.5);
    let refused = "Failed Asleep Healthy operator: the API server refused Service/app: may not patch services; the old revision keeps serving";
    // While it waits for the next try, and while that is under way.
    for gate in [Gate::BackOff { key: service.clone(), until: now }, Gate::InFlight(service)] {
        world.plan = SolutionPlan::default();
        world.waits(gate);
        assert_eq!(said(&world.judge()), refused);
    }
}

#[test]
fn a_route_that_the_gateway_refuses_is_not_green() {
    let mut world = World::new();
    let refused = RouteFacts {
        generation: 1,
        asked: vec![String::new()],
        parents: vec![RouteParent {
            conditions: vec![fact("Accepted", "False", "NotAllowedByListeners", "no listener")],
            ..RouteParent::default()
        }],
        ..RouteFacts::default()
    };
    world.put(key(Kind::HttpRoute, "edge"), HealthFacts::Route(Box::new(refused)));
    assert_eq!(
        said(&world.judge()),
        "Blocked Asleep Healthy operator: the gateway refuses HTTPRoute/edge: NotAllowedByListeners: no listener"
    );
    world.put(key(Kind::HttpRoute, "edge"), HealthFacts::Route(Box::default()));
    assert_eq!(
        said(&world.judge()),
        "Progressing Asleep Healthy nobody: waiting for the gateway to accept HTTPRoute/edge"
    );
}

#[test]
fn a_limit_that_its_controller_refuses_is_not_green() {
    let mut world = World::new();
    let policy = |conditions| HealthFacts::Policy(PolicyFacts { generation: 1, conditions }.into());
    world.put(key(Kind::BackendTrafficPolicy, "edge"), policy(vec![]));
    assert_eq!(
        said(&world.judge()),
        "Progressing Asleep Healthy nobody: waiting for the gateway to take on BackendTrafficPolicy/edge",
        "silence is no refusal, and no protection"
    );
    let conflict = fact("Accepted", "False", "Conflicted", "older policy edge/other");
    world.put(key(Kind::BackendTrafficPolicy, "edge"), policy(vec![conflict]));
    assert_eq!(
        said(&world.judge()),
        "Blocked Asleep Healthy operator: the gateway refuses BackendTrafficPolicy/edge: Conflicted: older policy edge/other"
    );
}

#[test]
fn a_roll_out_that_fails_speaks_for_what_waits_for_it() {
    let mut world = World::new();
    let step = Step::Delete {
        key: key(Kind::ConfigMap, "app-files-1"),
        uid: "".into(),
        resource_version: "".into(),
    };
    let gate = Gate::NotAvailable(key(Kind::Deployment, "app"));
    world.plan.steps.push(Planned { step, when: When::After(gate) });
    assert_eq!(
        said(&world.judge()),
        "Progressing Asleep Healthy nobody: the rest follows when Deployment/app is rolled out"
    );
    world.deployment(|d| d.wanted = 1);
    world.pod("ImagePullBackOff", "not found");
    assert!(said(&world.judge()).contains("the image cannot be pulled"), "{:?}", world.judge());
}

#[test]
fn an_unreadable_repository_changes_nothing_and_says_since_when() {
    let mut world = World::new();
    world.unknown = Some(Unknown {
        since: "2026-01-05T09:12:00Z".parse().unwrap(),
        cause: "https://git.example/c.git refuses the token".into(),
    });
    assert_eq!(
        said(&world.judge()),
        "Unknown Asleep Healthy operator: the repository cannot be read since 09:12 UTC: https://git.example/c.git refuses the token; revision 4be14be keeps serving"
    );
}

#[test]
fn a_removal_counts_down_and_names_the_finalizer_that_holds_it() {
    let mut world = World::new();
    let verdict = world.judge_as(Standing::Removed(&world.plan));
    assert_eq!(said(&verdict), "Removing - - nobody: 4 objects left");
    let gate = Gate::Leaving {
        key: key(Kind::ScaledObject, "app"),
        finalizers: vec!["finalizer.keda.sh".into()],
    };
    world.waits(gate);
    let verdict = world.judge_as(Standing::Removed(&world.plan));
    assert_eq!(
        said(&verdict),
        "Removing - - operator: 4 objects left; finalizer.keda.sh of ScaledObject/app holds it"
    );
}

#[test]
fn no_verdict_is_without_reason_and_next_step() {
    let mut worlds = vec![World::new()];
    for gate in [
        Gate::Object(key(Kind::Service, "app")),
        Gate::InFlight(key(Kind::Service, "app")),
        Gate::NotReady(key(Kind::InterceptorRoute, "app")),
        Gate::NotAvailable(key(Kind::Deployment, "app")),
        Gate::NotAccepted(key(Kind::HttpRoute, "edge")),
        Gate::Leaving { key: key(Kind::Service, "app"), finalizers: vec![] },
        Gate::UnknownKind(Kind::Service),
        Gate::Record,
        Gate::Slot,
        Gate::Turn,
        Gate::Additions(vec![called("other")]),
        Gate::ForeignWork(vec!["Job/x".into()]),
    ] {
        let mut world = World::new();
        world.waits(gate);
        worlds.push(world);
    }
    for world in &worlds {
        for verdict in [
            world.judge(),
            world.judge_as(Standing::Removed(&world.plan)),
            world.judge_as(Standing::Frozen { reason: "no platform", party: Party::Operator }),
        ] {
            assert!(!verdict.reason.is_empty() && !verdict.next.is_empty(), "{verdict:?}");
        }
    }
}

#[test]
fn what_the_other_controllers_have_not_taken_on_is_not_green() {
    let mut world = World::new();
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::default()));
    assert_eq!(
        said(&world.judge()),
        "Progressing Asleep Healthy nobody: waiting for KEDA to take on ScaledObject/app"
    );
    world.put(key(Kind::InterceptorRoute, "app"), HealthFacts::Ready(false));
    assert_eq!(
        said(&world.judge()),
        "Progressing Asleep Healthy nobody: waiting for the KEDA HTTP add-on to see InterceptorRoute/app"
    );
    // What is refused comes before what is waited for.
    let conditions = vec![fact("Accepted", "False", "Conflicted", "another one")];
    let limit = PolicyFacts { generation: 1, conditions };
    world.put(key(Kind::HttpLocalRateLimitPolicy, "limit"), HealthFacts::Policy(limit.into()));
    assert_eq!(
        said(&world.judge()),
        "Blocked Asleep Healthy operator: the mesh refuses HTTPLocalRateLimitPolicy/limit: Conflicted: another one"
    );
}

#[test]
fn a_route_that_is_refused_for_the_listeners_certificate_says_so() {
    // As Traefik said it on a real node: the route's own condition has no message.
    let mut world = World::new();
    let refused = RouteFacts {
        addresses: open(),
        generation: 1,
        asked: vec!["edge/public".into()],
        parents: vec![RouteParent {
            controller: "traefik.io/gateway-controller".into(),
            gateway: "edge/public".into(),
            conditions: vec![fact("Accepted", "False", "NoMatchingParent", "")],
        }],
    };
    world.put(key(Kind::HttpRoute, "edge"), HealthFacts::Route(Box::new(refused)));
    let verdict = world.judge();
    let route = "the gateway refuses HTTPRoute/edge: NoMatchingParent";
    assert_eq!(said(&verdict), format!("Blocked Asleep Healthy operator: {route}"));
    assert!(verdict.next.starts_with("look at the Gateway's listener"), "{}", verdict.next);
    let platform = "apiVersion: vitrine.dev/v1alpha1\nkind: Platform\nmetadata: {name: lab}\nspec:\n  \
                    domain: demo.example\n  edge: {gateway: {name: public, namespace: edge, sectionName: https}}\n";
    let platform = catalog::platform::judge(Some(&File {
        size: platform.len() as u64,
        bytes: Some(platform.as_bytes().into()),
    }));
    let not_found = "secret \"wildcard-tls\" not found";
    let gateway = serde_json::json!({"status": {
        "conditions": [{"type": "Accepted", "status": "True"}, {"type": "Programmed", "status": "False"}],
        "listeners": [
            {"name": "http", "conditions": [{"type": "ResolvedRefs", "status": "True"}]},
            {"name": "https", "conditions": [
                {"type": "ResolvedRefs", "status": "False", "reason": "InvalidCertificateRef", "message": not_found}]},
        ],
    }});
    let mut facts = crate::plan::facts::Facts::default();
    let gateways = crate::plan::facts::Resource::new("gateway.networking.k8s.io", "v1", "gateways");
    let look = crate::plan::facts::Look::Found(vec![gateway]);
    facts.learn([(gateways.one(Some("edge"), "public"), look)]);
    world.observed.gateway = crate::doctor::gateway_fault(&platform.platform, &facts);
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        format!(
            "Blocked Asleep Healthy operator: {route}; listener https of edge/public is not \
             ResolvedRefs: {not_found}"
        )
    );
    assert!(verdict.next.starts_with("put the certificate into the Secret"), "{}", verdict.next);
}

#[test]
fn a_trial_hides_nobodys_trouble() {
    let mut world = World::new();
    world.deployment(|d| {
        (d.wanted, d.verified) = (1, None);
        let message = "pods \"app-1\" is forbidden: exceeded quota: solution";
        d.conditions = vec![fact("ReplicaFailure", "True", "FailedCreate", message)];
    });
    let facts = ScaledFacts { forced: true, ..scaled() };
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(facts)));
    world.plan.waits = vec![Gate::NotAvailable(key(Kind::Deployment, "app"))];
    let verdict = world.judge();
    let woken = "woken once to see the new version running";
    assert_eq!(
        said(&verdict),
        format!(
            "Progressing WakeFailed Degraded operator: {woken}; the quota is used up: solution"
        )
    );
    assert_eq!(verdict.next, "raise the quota, or make room in it");
    // Nor what another controller has not done.
    world.put(key(Kind::InterceptorRoute, "app"), HealthFacts::Ready(false));
    let told = said(&world.judge());
    assert!(told.contains("waiting for the KEDA HTTP add-on"), "{told}");
}

#[test]
fn a_partly_broken_solution_of_several_says_what_is_broken() {
    let well = |reason: &str| Condition {
        reason: Cause::Serving.says(reason),
        stage: crate::status::Stage::Awake,
        health: Health::Healthy,
        party: Party::Nobody,
        next: String::new(),
        proof: Proof::SeenRunning,
    };
    let broken = Condition {
        health: Health::Degraded,
        party: Party::Author,
        ..well("1 of 2 replicas restarts: out of memory at 1 GiB")
    };
    let said = health::together(vec![well("1 replica"), broken.clone()]);
    assert_eq!((said.reason.text, said.party), (broken.reason.text, Party::Author));
    let all = health::together(vec![well("1 replica"), well("2 replicas")]);
    assert_eq!(all.reason.text, "all 2 components awake");
}

#[test]
fn what_fits_on_no_machine_is_told_from_what_waits_for_one() {
    let asks = |requests: &str| {
        let more =
            format!("spec:\n  resources: {{requests: {{{requests}}}, limits: {{memory: 8Gi}}}}");
        let mut world = World::new();
        world.catalog = catalog(&SOLUTION.replace("spec:", &more));
        assert!(world.catalog.refused.is_empty(), "{:?}", world.catalog.refused);
        let machine = |cpu: &str, memory: &str| {
            let amount = |text| crate::model::Quantity::parse(text).unwrap();
            BTreeMap::from([
                ("cpu".to_owned(), amount(cpu)),
                ("memory".to_owned(), amount(memory)),
                ("ephemeral-storage".to_owned(), amount("900Gi")),
            ])
        };
        let machines = vec![machine("500m", "8Gi"), machine("1", "1Gi")];
        world.observed.machines = [(String::new(), machines)].into();
        world.deployment(|d| (d.wanted, d.replicas, d.updated) = (1, 1, 1));
        world.pod("Unschedulable", "0/2 nodes are available: 2 Insufficient cpu.");
        said(&world.judge())
    };
    let told = |what: &str| format!("Synced Queued Progressing operator: {what}");
    assert_eq!(
        asks("cpu: 2, memory: 1Gi"),
        told("asks for 2 CPUs, the largest machine of class cpu-basic has 1")
    );
    assert_eq!(
        asks("cpu: 500m, memory: 8Gi"),
        told("no machine of class cpu-basic free: 0/2 nodes are available: 2 Insufficient cpu.")
    );
    // Each of the two is somewhere, both together nowhere: the scheduler's words say more.
    assert_eq!(
        asks("cpu: 1, memory: 4Gi"),
        told("no machine of class cpu-basic free: 0/2 nodes are available: 2 Insufficient cpu.")
    );
}

#[test]
fn what_waits_hides_no_crash_and_becomes_somebodys_turn() {
    let mut world = World::new();
    let wait = "waiting for KEDA to take on ScaledObject/app";
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::default()));
    world.late = true;
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        format!("Blocked Asleep Healthy operator: {wait}, for over a minute")
    );
    assert_eq!(verdict.next, "look at KEDA");
    world.deployment(|d| (d.wanted, d.replicas, d.updated) = (1, 1, 1));
    world.pod("OOMKilled", "");
    let crash = "what runs is broken: out of memory at 1 GiB";
    assert_eq!(
        said(&world.judge()),
        format!("Blocked WakeFailed Degraded operator: {wait}, for over a minute; {crash}")
    );
    world.late = false;
    let verdict = world.judge();
    assert_eq!(said(&verdict), format!("Progressing WakeFailed Degraded author: {wait}; {crash}"));
    assert!(verdict.next.starts_with("raise `resources.limits.memory`"), "{}", verdict.next);
    // Neither does what is refused, nor a kind that is not there.
    let refused = fact("Accepted", "False", "NoMatchingParent", "");
    let limit = PolicyFacts { generation: 1, conditions: vec![refused] };
    world.put(key(Kind::HttpLocalRateLimitPolicy, "limit"), HealthFacts::Policy(limit.into()));
    assert!(said(&world.judge()).ends_with(crash), "{}", said(&world.judge()));
    world.plan.waits = vec![Gate::MissingKind(Kind::ScaledObject)];
    assert_eq!(
        said(&world.judge()),
        format!(
            "Blocked WakeFailed Degraded operator: waiting for CRD scaledobjects.keda.sh; {crash}"
        )
    );
}

#[test]
fn a_solution_paused_by_hand_is_left_alone_and_reported_with_the_hand() {
    let mut world = World::new();
    let paused = ScaledFacts { paused: Some(Pause::At("0".into())), ..scaled() };
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(paused)));
    let objects = world.observed.solutions.get_mut("use").unwrap();
    let live = objects.get_mut(&key(Kind::ScaledObject, "app")).unwrap();
    let fields = serde_json::json!({"f:metadata": {"f:annotations":
        {"f:autoscaling.keda.sh/paused-replicas": {}}}});
    let fields = Arc::new(crate::model::FieldSet::recorded(&fields));
    live.others = [("keda".into(), Arc::default()), ("kubectl-annotate".into(), fields)].into();
    let verdict = world.judge();
    assert_eq!(
        said(&verdict),
        "Synced Asleep Healthy operator: paused at 0 by hand by kubectl-annotate; no visit wakes it and nothing puts it to sleep"
    );
    assert!(verdict.is_good());
    world.deployment(|d| (d.wanted, d.replicas, d.updated, d.available) = (2, 2, 2, 2));
    assert_eq!(
        said(&world.judge()),
        "Synced Awake Healthy operator: 2 replicas, paused at 0 by hand by kubectl-annotate; no visit wakes it and nothing puts it to sleep"
    );
    world.deployment(|d| d.available = 0);
    world.pod("InvalidImageName", "");
    assert!(said(&world.judge()).starts_with("Synced WakeFailed Degraded author: `image`"));
}

#[test]
fn what_keda_says_is_told_with_the_component_that_it_scales() {
    let mut world = World::new();
    let mut facts = scaled();
    facts.conditions.push(fact("Active", "True", "ScalerActive", ""));
    facts.conditions.push(fact("HPAActive", "False", "FailedGetExternalMetric", ""));
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(facts)));
    assert_eq!(said(&world.judge()), "Synced Waking Progressing nobody: a visitor wakes it");
    world.deployment(|d| (d.wanted, d.replicas, d.updated, d.available) = (1, 1, 1, 1));
    assert_eq!(
        said(&world.judge()),
        "Synced Awake Healthy operator: 1 replica; the number of replicas does not follow the visitors: FailedGetExternalMetric"
    );
    let mut facts = scaled();
    facts.conditions.push(fact("Fallback", "True", "FallbackExists", ""));
    world.put(key(Kind::ScaledObject, "app"), HealthFacts::ScaledObject(Box::new(facts)));
    assert!(said(&world.judge()).starts_with("Synced Awake Degraded operator: KEDA cannot tell"));
}

#[test]
fn a_namespace_that_does_not_go_says_what_holds_it() {
    let mut world = World::new();
    let facts = NamespaceFacts {
        owner: Owner::ThisInstance,
        deleting: Some("2026-01-05T14:50:00Z".parse().unwrap()),
        created: None,
        remains: vec![fact(
            "NamespaceFinalizersRemaining",
            "True",
            "",
            "example.org/f in 1 resource",
        )],
    };
    world.observed.namespaces.insert("sol-use".into(), facts);
    let gate = Gate::Leaving {
        key: ObjectKey::cluster(Kind::Namespace, "sol-use"),
        finalizers: vec!["kubernetes".into()],
    };
    world.waits(gate);
    let holds = "Namespace sol-use is being deleted: example.org/f in 1 resource";
    assert_eq!(
        said(&world.judge_as(Standing::Removed(&world.plan))),
        format!("Removing - - operator: 4 objects left; {holds}")
    );
    assert_eq!(
        said(&world.judge()),
        format!("Progressing Asleep Healthy operator: waits: {holds}")
    );
}

#[test]
fn before_the_cluster_was_read_nothing_is_said_of_it() {
    let verdict = World::new().judge_as(Standing::Unread);
    assert!(!verdict.is_settled());
    assert_eq!(said(&verdict), "Progressing Asleep Healthy nobody: the cluster is being read");
}
