//! The rules of the plan, each on the smallest world that can break it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use litemap::LiteMap;
use serde_json::json;
use smol_str::SmolStr;

use super::brake::Wishes;
use super::observed::*;
use super::*;
use crate::model::{ContentHash, FieldSet, Kind, ObjectKey, Revision, SolutionName, marks};

/// A cluster with one solution, `use`, and what stands around a decision about it.
struct World {
    desired: Outline,
    observed: Observed,
    revision: Revision,
    setbacks: Setbacks,
    hold: Option<Hold>,
    losing: BTreeMap<SolutionName, BTreeSet<Address>>,
    nothing_deleted: Option<Gate>,
    overdue: BTreeSet<ObjectKey>,
    nudges: BTreeSet<ObjectKey>,
    verify: bool,
    turns: Option<Turns<'static>>,
    now: Timestamp,
}

fn called(name: &str) -> SolutionName {
    SolutionName::parse(name).unwrap()
}

fn key(kind: Kind, name: &str) -> ObjectKey {
    match kind {
        Kind::Namespace => ObjectKey::cluster(kind, name),
        _ => ObjectKey::namespaced(kind, "sol-use", name),
    }
}

/// The Deployment of [`World`] with other content and another pod template.
fn changed_pods() -> Arc<Form> {
    let mut changed = (*object(Kind::Deployment, "app", Wave::Workload, "2")).clone();
    changed.template = Some(ContentHash::of(b"another template").into());
    changed.pods = Some(ContentHash::of(b"other pods").into());
    Arc::new(changed)
}

fn object(kind: Kind, name: &str, wave: Wave, content: &str) -> Arc<Form> {
    Arc::new(Form::whole(&rendered(kind, name, wave, content)))
}

fn rendered(kind: Kind, name: &str, wave: Wave, content: &str) -> DesiredObject {
    let body = json!({
        "metadata": {"annotations": {marks::CONTENT: content, marks::REVISION: "r"}},
        "spec": {"x": content},
    });
    DesiredObject {
        key: key(kind, name),
        component: None,
        wave,
        content: ContentHash::of(content.as_bytes()),
        template: (kind == Kind::Deployment).then(|| ContentHash::of(b"template")),
        pods: (kind == Kind::Deployment).then(|| ContentHash::of(b"pods")),
        fields: Arc::new(FieldSet::owned(kind, &body)),
        body,
    }
}

impl World {
    /// An empty cluster and a solution of six objects.
    fn new() -> Self {
        let objects = vec![
            object(Kind::Namespace, "sol-use", Wave::Namespace, "1"),
            object(Kind::NetworkPolicy, "default-deny", Wave::Protection, "1"),
            object(Kind::Deployment, "app", Wave::Workload, "1"),
            object(Kind::InterceptorRoute, "app", Wave::Interceptor, "1"),
            object(Kind::ScaledObject, "app", Wave::Scaling, "1"),
            object(Kind::HttpRoute, "edge", Wave::Route, "1"),
        ];
        let kinds = Kind::RENDERED.into_iter().map(|kind| (kind, KindState::Synced)).collect();
        let record = Record::Kept { applied: None, root: Some(".".into()), removals: vec![] };
        Self {
            desired: Outline {
                solution: SolutionName::parse("use").unwrap(),
                objects,
                addresses: Box::default(),
            },
            observed: Observed { kinds, record, ..Observed::default() },
            revision: Revision::parse(&"a".repeat(40)).unwrap(),
            setbacks: Setbacks::new(),
            hold: None,
            losing: BTreeMap::new(),
            nothing_deleted: None,
            overdue: BTreeSet::new(),
            nudges: BTreeSet::new(),
            verify: true,
            turns: None,
            now: "2026-01-05T10:00:00Z".parse().unwrap(),
        }
    }

    /// The same, with everything applied and accepted.
    fn settled() -> Self {
        let mut world = Self::new();
        for object in world.desired.objects.clone() {
            world.apply(&object);
        }
        world
    }

    fn apply(&mut self, object: &Form) {
        let condition = |kind: &str| Condition {
            kind: kind.into(),
            status: "True".into(),
            observed_generation: Some(1),
            ..Condition::default()
        };
        let health = match object.key.kind {
            Kind::Deployment => HealthFacts::Deployment(Box::new(DeploymentFacts {
                generation: 1,
                observed_generation: 1,
                template: object.template.as_deref().cloned(),
                pods: object.pods.as_deref().cloned(),
                verified: object.template.as_ref().map(|t| format!("{t} born")),
                ..DeploymentFacts::default()
            })),
            Kind::InterceptorRoute => HealthFacts::Ready(true),
            Kind::ScaledObject => HealthFacts::ScaledObject(Box::default()),
            Kind::HttpRoute => HealthFacts::Route(Box::new(RouteFacts {
                addresses: Box::default(),
                generation: 1,
                asked: vec![String::new()],
                parents: vec![RouteParent {
                    conditions: vec![condition("Accepted"), condition("ResolvedRefs")],
                    ..RouteParent::default()
                }],
            })),
            _ => HealthFacts::None,
        };
        if object.key.kind == Kind::Namespace {
            let facts = NamespaceFacts {
                owner: Owner::ThisInstance,
                deleting: None,
                created: None,
                remains: vec![],
            };
            self.observed.namespaces.insert(object.key.name.clone(), facts);
        }
        let live = Live {
            uid: format!("uid-{}", object.key).into(),
            resource_version: "7".into(),
            created: None,
            deleting: None,
            finalizers: vec![],
            content: Some(object.content.clone()),
            revision: None,
            fields: Some(object.fields.clone()),
            others: Box::default(),
            left: None,
            taken: None,
            birth: false,
            health,
        };
        self.observed
            .solutions
            .entry(called("use"))
            .or_default()
            .insert(object.key.clone(), live.into());
    }

    fn live(&mut self, kind: Kind, name: &str) -> &mut Live {
        self.observed.solutions.get_mut("use").unwrap().get_mut(&key(kind, name)).unwrap()
    }

    fn deployment(&mut self) -> &mut DeploymentFacts {
        match &mut self.live(Kind::Deployment, "app").health {
            HealthFacts::Deployment(facts) => facts,
            _ => unreachable!("a Deployment has its facts"),
        }
    }

    fn says(&mut self, pod: &str, facts: PodFacts) {
        self.observed.pods.entry(called("use")).or_default().insert(pod.into(), facts);
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            observed: &self.observed,
            revision: &self.revision,
            setbacks: &self.setbacks,
            hold: self.hold.as_ref(),
            losing: &self.losing,
            nothing_deleted: self.nothing_deleted.as_ref(),
            verify: self.verify,
            slots: 5,
            turns: self.turns,
            overdue: &self.overdue,
            nudges: &self.nudges,
            now: self.now,
        }
    }

    fn publish(&self) -> SolutionPlan {
        publish(&self.desired, &self.ground())
    }

    fn ready(&self) -> Vec<String> {
        self.publish().ready().map(|step| step.key().to_string()).collect()
    }

    fn remove(&self) -> SolutionPlan {
        remove(&called("use"), &[], &self.ground())
    }

    fn removing(&self) -> Vec<String> {
        self.remove().ready().map(|step| step.key().to_string()).collect()
    }
}

#[test]
fn nothing_changed_is_nothing_to_do() {
    assert!(World::settled().publish().is_empty());
}

#[test]
fn each_wave_waits_for_the_one_before_and_the_route_comes_last() {
    let mut world = World::new();
    let mut order = Vec::new();
    loop {
        let ready = world.ready();
        if ready.is_empty() {
            break;
        }
        for object in world.desired.objects.clone() {
            if ready.contains(&object.key.to_string()) {
                world.apply(&object);
            }
        }
        order.push(ready.join(" "));
    }
    let expected = [
        "Namespace/sol-use",
        "NetworkPolicy/default-deny",
        "Deployment/app",
        "InterceptorRoute/app",
        "ScaledObject/app",
        "HTTPRoute/edge",
    ];
    assert_eq!(order, expected);
}

#[test]
fn one_changed_object_is_one_step() {
    let mut world = World::settled();
    world.desired.objects[2] = object(Kind::Deployment, "app", Wave::Workload, "2");
    world.verify = false;
    let plan = world.publish();
    assert!(
        matches!(plan.ready().collect::<Vec<_>>()[..], [Step::Apply { why: Why::Update, .. }]),
        "{plan:?}"
    );
}

/// A quota with these amounts, as `render` seals it.
fn quota(amounts: &[(&str, &str)]) -> Arc<Form> {
    let mut nothing = rendered(Kind::ResourceQuota, "limits", Wave::Protection, "");
    nothing.body["metadata"]["annotations"] = json!({});
    let amounts = amounts.iter().map(|(n, q)| ((*n).into(), (*q).into()));
    let hard: LiteMap<SmolStr, SmolStr> = amounts.collect();
    nothing.body["spec"] = json!({"hard": hard.keys().map(|k| (k.to_string(), json!("0"))).collect::<serde_json::Map<_, _>>()});
    Arc::new(Form::whole(&crate::render::widened(&nothing, &hard).unwrap()))
}

fn hard(object: &Form) -> LiteMap<SmolStr, SmolStr> {
    serde_json::from_value(object.object().unwrap().body["spec"]["hard"].clone()).unwrap()
}

impl World {
    /// A settled world with a quota on the cluster and another one desired, while a new template
    /// is being published.
    fn with_quotas(on_the_cluster: &[(&str, &str)], desired: &[(&str, &str)]) -> Self {
        let mut world = Self::settled();
        world.verify = false;
        world.desired.objects.insert(1, quota(on_the_cluster));
        world.apply_quota(1);
        world.desired.objects[1] = quota(desired);
        world.desired.objects[3] = object(Kind::Deployment, "app", Wave::Workload, "2");
        world
    }

    fn apply_quota(&mut self, at: usize) {
        let object = Arc::clone(&self.desired.objects[at]);
        self.put_quota(&object);
    }

    fn put_quota(&mut self, object: &Form) {
        self.apply(object);
        self.live(Kind::ResourceQuota, "limits").health = HealthFacts::Quota(hard(object));
    }

    /// The amounts that would be sent now, if any.
    fn quota_now(&self) -> Option<LiteMap<SmolStr, SmolStr>> {
        let plan = self.publish();
        let mut steps = plan.ready().filter_map(|step| match step {
            Step::Apply { object, .. } if object.key.kind == Kind::ResourceQuota => {
                Some(hard(object))
            }
            _ => None,
        });
        steps.next()
    }
}

#[test]
fn a_quota_that_falls_comes_after_the_roll_out() {
    let mut world = World::with_quotas(&[("pods", "4")], &[("pods", "2")]);
    assert_eq!(world.ready(), ["Deployment/app"], "the old quota holds nothing up");
    let new = Arc::clone(&world.desired.objects[3]);
    world.apply(&new);
    world.deployment().observed_generation = 0;
    assert_eq!(world.ready(), [""; 0], "old pods and new ones run");
    let waits = Gate::NotAvailable(key(Kind::Deployment, "app"));
    assert!(world.publish().gates().any(|gate| *gate == waits));
    world.deployment().observed_generation = 1;
    assert_eq!(world.quota_now().unwrap().get("pods").unwrap(), "2");
    world.apply_quota(1);
    assert!(world.publish().is_empty());
}

#[test]
fn a_quota_that_rises_comes_before_the_roll_out() {
    let world = World::with_quotas(&[("pods", "2")], &[("pods", "4")]);
    assert_eq!(world.ready(), ["ResourceQuota/limits"]);
    assert_eq!(world.quota_now().unwrap().get("pods").unwrap(), "4");
}

#[test]
fn a_quota_that_rises_and_falls_has_room_for_both_forms_in_between() {
    let mut world = World::with_quotas(
        &[("limits.memory", "1Gi"), ("pods", "4")],
        &[("limits.memory", "2Gi"), ("pods", "2"), ("requests.cpu", "1")],
    );
    let between = world.quota_now().unwrap();
    let expected = [("limits.memory", "2Gi"), ("pods", "4")];
    assert_eq!(between, expected.map(|(n, q)| (n.into(), q.into())).into_iter().collect());
    assert_eq!(world.ready(), ["ResourceQuota/limits"]);
    world.put_quota(&quota(&expected));
    assert_eq!(world.ready(), ["Deployment/app"]);
    let new = Arc::clone(&world.desired.objects[3]);
    world.apply(&new);
    assert_eq!(world.quota_now().unwrap(), hard(&world.desired.objects[1]));
}

#[test]
fn a_quota_does_not_fall_while_a_component_that_goes_still_has_pods() {
    let mut world = World::with_quotas(&[("pods", "4")], &[("pods", "2")]);
    let old = world.desired.objects.remove(3);
    assert_eq!(world.ready(), [old.key.to_string()], "it is deleted");
    assert_eq!(world.quota_now(), None);
    world.live(Kind::Deployment, "app").deleting = Some(world.now);
    assert_eq!(world.quota_now(), None);
    world.observed.solutions.get_mut("use").unwrap().remove(&old.key);
    assert_eq!(world.quota_now().unwrap().get("pods").unwrap(), "2");
}

#[test]
fn an_edit_by_hand_is_repaired_and_named() {
    let mut world = World::settled();
    let taken = FieldSet::recorded(&json!({"f:spec": {"f:x": {}}}));
    let live = world.live(Kind::NetworkPolicy, "default-deny");
    live.fields = Some(Arc::new(live.fields.clone().unwrap().difference(&taken)));
    live.others = [("kubectl-edit".into(), Arc::new(taken))].into();
    let plan = world.publish();
    let Some(Step::Apply { why: Why::Repair { fields, manager }, .. }) = plan.ready().next() else {
        panic!("{plan:?}");
    };
    assert_eq!(fields, &["spec.x"]);
    assert_eq!(manager.as_deref(), Some("kubectl-edit"));
}

#[test]
fn our_label_without_our_entry_is_repaired_and_never_deleted() {
    let mut world = World::settled();
    world.live(Kind::NetworkPolicy, "default-deny").fields = None;
    assert_eq!(world.ready(), ["NetworkPolicy/default-deny"]);
    let removed = world.remove();
    assert!(!removed.steps.iter().any(|p| p.step.key().kind == Kind::NetworkPolicy), "{removed:?}");
}

#[test]
fn a_sleeping_deployment_is_born_and_an_always_on_one_is_applied() {
    let mut world = World::settled();
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::Deployment, "app"));
    assert!(matches!(world.publish().ready().next(), Some(Step::Birth { .. })));

    let body = json!({"spec": {"replicas": 2}});
    let fields = Arc::new(FieldSet::owned(Kind::Deployment, &body));
    world.desired.objects[2] = Arc::new(Form { fields, ..(*world.desired.objects[2]).clone() });
    world.desired.objects.retain(|o| o.key.kind != Kind::ScaledObject);
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::ScaledObject, "app"));
    assert!(matches!(world.publish().ready().next(), Some(Step::Apply { why: Why::Create, .. })));
}

#[test]
fn a_foreign_namespace_of_the_same_name_is_left_alone_until_it_is_labelled_for_us() {
    let mut world = World::new();
    let mut owned_by = |owner: Owner| {
        let facts = NamespaceFacts { owner, deleting: None, created: None, remains: vec![] };
        world.observed.namespaces.insert("sol-use".into(), facts);
        world.publish()
    };
    for (owner, instance) in
        [(Owner::Nobody, None), (Owner::OtherInstance("test".into()), Some("test".to_owned()))]
    {
        let plan = owned_by(owner);
        let gate = Gate::ForeignNamespace { namespace: "sol-use".into(), instance };
        assert_eq!((plan.steps.len(), plan.waits), (0, vec![gate]));
    }
    let adopted = owned_by(Owner::ThisInstance);
    assert_eq!(
        adopted.ready().next().map(|s| s.key().to_string()).as_deref(),
        Some("Namespace/sol-use")
    );
}

#[test]
fn a_missing_crd_holds_only_its_objects_and_the_route() {
    let mut world = World::new();
    let objects = world.desired.objects.clone();
    for object in &objects[..4] {
        world.apply(object);
    }
    world.observed.kinds.insert(Kind::ScaledObject, KindState::Absent);
    assert!(world.ready().is_empty());
    let plan = world.publish();
    assert!(plan.gates().any(|g| *g == Gate::MissingKind(Kind::ScaledObject)), "{plan:?}");
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn the_last_mark_of_a_trial_leaves_nothing_to_do() {
    for flight in [Flight::Mark, Flight::Wake] {
        let mut world = World::settled();
        world.observed.in_flight.insert(key(Kind::ScaledObject, "app"), flight);
        assert!(world.publish().is_empty(), "{:?}", world.publish());
    }
    let mut world = World::settled();
    world.observed.in_flight.insert(key(Kind::ScaledObject, "app"), Flight::Body);
    assert!(!world.publish().is_empty());
}

#[test]
fn a_request_under_way_gets_no_second_step() {
    let mut world = World::new();
    world.observed.in_flight.insert(key(Kind::Namespace, "sol-use"), Flight::Body);
    assert!(world.ready().is_empty());
}

/// The server refuses what this object is to become.
fn refuses(world: &mut World, kind: Kind, name: &str) {
    let at = world.desired.objects.iter().position(|o| o.key == key(kind, name)).unwrap();
    let wave = world.desired.objects[at].wave;
    world.desired.objects[at] = object(kind, name, wave, "refused");
    let step = Step::Apply {
        object: Arc::clone(&world.desired.objects[at]),
        revision: world.revision.clone(),
        left: None,
        why: Why::Update,
    };
    let outcome = Outcome::Rejected(Rejection {
        code: 422,
        reason: "Invalid".into(),
        message: "no".into(),
        causes: Vec::new(),
    });
    setback::learn(&mut world.setbacks, &step, outcome, &world.observed, world.now, 0.0);
}

#[test]
fn a_refused_workload_does_not_hold_back_the_route_of_what_serves() {
    let mut world = World::settled();
    refuses(&mut world, Kind::Deployment, "app");
    assert!(world.ready().is_empty());
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::HttpRoute, "edge"));
    assert_eq!(world.ready(), ["HTTPRoute/edge"]);
    // What it leads through has to be there.
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::InterceptorRoute, "app"));
    assert_eq!(world.ready(), ["InterceptorRoute/app"]);
}

#[test]
fn nothing_is_public_while_no_workload_of_it_was_ever_taken() {
    let mut world = World::new();
    let objects = world.desired.objects.clone();
    objects[..2].iter().for_each(|object| world.apply(object));
    refuses(&mut world, Kind::Deployment, "app");
    assert!(world.ready().is_empty(), "{:?}", world.publish());
}

#[test]
fn a_repair_waits_for_a_protection_that_is_missing_and_not_for_one_in_an_older_form() {
    let mut world = World::settled();
    refuses(&mut world, Kind::NetworkPolicy, "default-deny");
    for gone in [key(Kind::ScaledObject, "app"), key(Kind::InterceptorRoute, "app")] {
        world.observed.solutions.get_mut("use").unwrap().remove(&gone);
        assert_eq!(world.ready(), [gone.to_string()]);
        let again = world.desired.objects.iter().find(|o| o.key == gone).cloned().unwrap();
        world.apply(&again);
    }
    let policy = key(Kind::NetworkPolicy, "default-deny");
    world.observed.solutions.get_mut("use").unwrap().remove(&policy);
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::HttpRoute, "edge"));
    assert!(world.ready().is_empty(), "not without what keeps others out");
}

#[test]
fn what_becomes_another_waits_for_all_that_comes_before_it() {
    let mut world = World::settled();
    refuses(&mut world, Kind::NetworkPolicy, "default-deny");
    world.desired.objects[2] = object(Kind::Deployment, "app", Wave::Workload, "2");
    assert!(world.ready().is_empty());
}

#[test]
fn what_wakes_a_solution_is_new_to_one_that_was_always_on() {
    let mut world = World::settled();
    refuses(&mut world, Kind::NetworkPolicy, "default-deny");
    for kind in [Kind::InterceptorRoute, Kind::ScaledObject] {
        world.observed.solutions.get_mut("use").unwrap().remove(&key(kind, "app"));
    }
    assert!(world.ready().is_empty());
}

#[test]
fn what_the_server_refused_waits_for_its_time_or_another_body() {
    let mut world = World::settled();
    world.desired.objects[1] = object(Kind::NetworkPolicy, "default-deny", Wave::Protection, "bad");
    let refused = Outcome::Rejected(Rejection {
        code: 422,
        reason: "Invalid".into(),
        message: "no".into(),
        causes: Vec::new(),
    });
    let step = Step::Apply {
        object: world.desired.objects[1].clone(),
        revision: world.revision.clone(),
        left: None,
        why: Why::Update,
    };
    setback::learn(&mut world.setbacks, &step, refused, &world.observed, world.now, 0.5);
    assert!(world.ready().is_empty());
    let then = world.now;
    world.now = then + SignedDuration::from_secs(1);
    assert_eq!(world.ready(), ["NetworkPolicy/default-deny"]);
    world.now = then;
    world.desired.objects[1] =
        object(Kind::NetworkPolicy, "default-deny", Wave::Protection, "mended");
    assert_eq!(world.ready(), ["NetworkPolicy/default-deny"]);
}

#[test]
fn nothing_is_deleted_before_the_repository_answered_or_the_lease_was_compared() {
    for gate in [Gate::Record, Gate::Unheard] {
        let mut world = World::settled();
        world.nothing_deleted = Some(gate.clone());
        assert!(world.removing().is_empty());
        assert!(world.remove().gates().any(|g| *g == gate));
        // What stays is written all the same, and loses nothing.
        world.desired.objects.pop();
        assert!(world.ready().is_empty());
        world.nothing_deleted = None;
        assert!(!world.ready().is_empty() && !world.removing().is_empty());
    }
}

#[test]
fn removal_runs_backwards_and_the_namespace_goes_last() {
    let mut world = World::settled();
    let mut order = Vec::new();
    loop {
        let ready = world.removing();
        if ready.is_empty() {
            break;
        }
        let plan = world.remove();
        for step in plan.ready() {
            match step {
                Step::Survey { namespace } => {
                    let survey = Survey { foreign: vec![], at: world.now };
                    world.observed.surveys.insert(namespace.clone(), survey);
                }
                step => {
                    world.observed.solutions.get_mut("use").unwrap().remove(&step.key());
                }
            }
        }
        order.extend(ready);
    }
    let expected = [
        "HTTPRoute/edge",
        "ScaledObject/app",
        "InterceptorRoute/app",
        "Deployment/app",
        "NetworkPolicy/default-deny",
        "Namespace/sol-use", // the look for foreign work
        "Namespace/sol-use",
    ];
    assert_eq!(order, expected);
}

#[test]
fn every_deletion_carries_uid_and_resource_version() {
    let world = World::settled();
    let plan = world.remove();
    assert!(plan.steps.iter().all(|p| match &p.step {
        Step::Delete { uid, resource_version, .. } => *uid != "" && resource_version == "7",
        step => matches!(step, Step::Survey { .. }),
    }));
}

#[test]
fn a_finalizer_that_stays_stops_what_comes_after_it() {
    let mut world = World::settled();
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::HttpRoute, "edge"));
    let now = world.now;
    let scaled = world.live(Kind::ScaledObject, "app");
    scaled.deleting = Some(now);
    scaled.finalizers = vec!["finalizer.keda.sh".into()];
    assert!(world.removing().is_empty());
    assert!(world.remove().waits.iter().any(
        |g| matches!(g, Gate::Leaving { finalizers, .. } if finalizers == &["finalizer.keda.sh"])
    ));
}

#[test]
fn foreign_work_keeps_the_namespace() {
    let mut world = World::settled();
    let survey = Survey { foreign: vec!["PersistentVolumeClaim/data".into()], at: world.now };
    world.observed.surveys.insert("sol-use".into(), survey);
    world.observed.solutions.get_mut("use").unwrap().retain(|key, _| key.kind == Kind::Namespace);
    assert!(world.removing().is_empty());
    assert!(world.remove().gates().any(|g| matches!(g, Gate::ForeignWork(_))));
}

#[test]
fn a_kind_that_is_not_known_keeps_the_namespace() {
    let mut world = World::settled();
    world.observed.solutions.get_mut("use").unwrap().retain(|key, _| key.kind == Kind::Namespace);
    world.observed.kinds.insert(Kind::HttpRoute, KindState::Unknown);
    assert!(world.removing().is_empty());
}

#[test]
fn nothing_is_deleted_before_the_lease_was_read_or_while_something_is_being_added() {
    let mut world = World::settled();
    let plan = remove(&called("use"), &[called("new")], &world.ground());
    assert!(plan.ready().next().is_none());
    world.observed.record = Record::Unread;
    assert!(world.removing().is_empty());
}

#[test]
fn a_superseded_config_map_is_part_of_every_roll_out() {
    let routine = |kind, name: &str| is_routine(&object(kind, name, Wave::Protection, "1").key);
    assert!(routine(Kind::ConfigMap, "app-files-00000000"));
    assert!(routine(Kind::ConfigMap, "app-warmup-00000000"));
    assert!(!routine(Kind::ConfigMap, "cold-start-page"));
    assert!(!routine(Kind::ConfigMap, "app-files-of-somebody"), "not one of ours");
    assert!(!routine(Kind::ServiceAccount, "app-files-x"), "a component may be called so");
}

#[test]
fn what_is_no_longer_desired_goes_after_the_gateway_accepted_the_route() {
    let mut world = World::settled();
    let old = object(Kind::ConfigMap, "app-files-00000000", Wave::Protection, "1");
    world.apply(&old);
    assert_eq!(world.ready(), ["ConfigMap/app-files-00000000"]);
    if let HealthFacts::Route(facts) = &mut world.live(Kind::HttpRoute, "edge").health {
        facts.generation = 2;
    }
    assert!(world.ready().is_empty());
}

#[test]
fn a_route_waits_for_the_limits_that_it_names() {
    for kind in [Kind::Middleware, Kind::BackendTrafficPolicy] {
        let mut world = World::settled();
        let limit = object(kind, "limit", Wave::EdgeLimits, "1");
        let route = object(Kind::HttpRoute, "edge", Wave::Route, "2");
        let last = world.desired.objects.len() - 1;
        world.desired.objects[last] = route;
        world.desired.objects.insert(last, limit.clone());
        assert_eq!(world.ready(), [limit.key.to_string()]);
        world.apply(&limit);
        assert_eq!(world.ready(), ["HTTPRoute/edge"]);
    }
}

#[test]
fn a_route_that_goes_itself_goes_before_what_it_refers_to() {
    let mut world = World::settled();
    let last = world.desired.objects.len() - 1;
    let ingress = object(Kind::Ingress, "edge", Wave::Route, "1");
    world.desired.objects[last] = ingress.clone();
    let limit = object(Kind::Middleware, "rate-limit", Wave::EdgeLimits, "1");
    world.apply(&limit);
    assert_eq!(world.ready(), ["Ingress/edge"], "the old edge serves until the new one can");
    world.apply(&ingress);
    assert_eq!(world.ready(), ["HTTPRoute/edge"]);
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::HttpRoute, "edge"));
    assert_eq!(world.ready(), ["Middleware/rate-limit"]);
}

#[test]
fn an_ingress_that_only_redirects_waits_for_nothing_and_holds_nobody_up() {
    let mut world = World::new();
    let there = world.desired.objects[..2].to_vec();
    for object in &there {
        world.apply(object);
    }
    let last = world.desired.objects.len() - 1;
    world.desired.objects[last] = object(Kind::Ingress, "edge-app", Wave::Route, "1");
    world.desired.objects.insert(1, object(Kind::Ingress, "edge", Wave::Protection, "1"));
    assert_eq!(world.ready(), ["Ingress/edge", "Deployment/app"]);
}

#[test]
fn an_ingress_that_leaves_the_interceptor_waits_for_somebody_who_answers() {
    let mut world = World::settled();
    world.desired.objects.retain(|o| {
        !matches!(o.key.kind, Kind::ScaledObject | Kind::InterceptorRoute | Kind::HttpRoute)
    });
    world.desired.objects.push(object(Kind::Ingress, "edge", Wave::Route, "1"));
    let body = json!({
        "metadata": {"annotations": {marks::CONTENT: "1", marks::REVISION: "r"}},
        "spec": {"replicas": 1},
    });
    let fields = Arc::new(FieldSet::owned(Kind::Deployment, &body));
    let deployment = Form { fields, ..(*world.desired.objects[2]).clone() };
    world.apply(&deployment);
    world.desired.objects[2] = Arc::new(deployment);
    world.observed.solutions.get_mut("use").unwrap().remove(&key(Kind::ScaledObject, "app"));
    world.deployment().wanted = 1;
    assert!(world.ready().is_empty(), "{:?}", world.ready());
    let facts = world.deployment();
    (facts.available, facts.updated, facts.replicas) = (1, 1, 1);
    assert_eq!(world.ready(), ["Ingress/edge"]);
}

#[test]
fn a_changed_template_is_woken_once_seen_and_let_go() {
    let mut world = World::settled();
    world.deployment().verified = Some("older born".into());
    let step = world.publish().ready().next().cloned();
    assert!(matches!(step, Some(Step::ForceActivation { on: true, .. })), "{step:?}");

    let woken = |world: &mut World, on| {
        if let HealthFacts::ScaledObject(facts) = &mut world.live(Kind::ScaledObject, "app").health
        {
            facts.forced = on;
        }
    };
    woken(&mut world, true);
    assert!(world.ready().is_empty(), "it waits for the Deployment");
    *world.deployment() = DeploymentFacts {
        wanted: 1,
        replicas: 1,
        updated: 1,
        ready: 1,
        available: 1,
        ..world.deployment().clone()
    };
    let step = world.publish().ready().next().cloned();
    let Some(Step::Verified { template, result: Verified::Ok, .. }) = step else {
        panic!("{step:?}")
    };

    world.deployment().verified = Some(format!("{template} ok"));
    let step = world.publish().ready().next().cloned();
    assert!(matches!(step, Some(Step::ForceActivation { on: false, .. })), "{step:?}");
    woken(&mut world, false);
    assert!(world.publish().is_empty());
}

#[test]
fn a_template_that_never_answers_is_let_go_as_failed() {
    let mut world = World::settled();
    world.deployment().verified = Some("older ok".into());
    world.deployment().wanted = 1;
    if let HealthFacts::ScaledObject(facts) = &mut world.live(Kind::ScaledObject, "app").health {
        facts.forced = true;
    }
    world.overdue.insert(key(Kind::Deployment, "app"));
    let step = world.publish().ready().next().cloned();
    assert!(matches!(step, Some(Step::Verified { result: Verified::Failed(_), .. })), "{step:?}");
}

#[test]
fn a_template_that_cannot_start_is_let_go_with_the_kubelets_word() {
    let mut world = World::settled();
    let template = world.desired.objects[2].template.clone().unwrap();
    *world.deployment() = DeploymentFacts {
        verified: Some("older ok".into()),
        wanted: 1,
        updated: 1,
        ..world.deployment().clone()
    };
    if let HealthFacts::ScaledObject(facts) = &mut world.live(Kind::ScaledObject, "app").health {
        facts.forced = true;
    }
    let pod = PodFacts {
        word: Some("ImagePullBackOff".into()),
        message: "no such digest".into(),
        component: "app".into(),
        is_final: true,
        pods: Some(ContentHash::of(b"pods")),
        ..PodFacts::default()
    };
    // The one before, which the new form is to replace, proves nothing.
    let before = PodFacts { pods: Some(ContentHash::of(b"older pods")), ..pod.clone() };
    world.says("app-0", before);
    assert_eq!(world.publish().ready().count(), 0);
    world.says("app-1", pod);
    let step = world.publish().ready().next().cloned();
    let Some(Step::Verified { result, .. }) = step else { panic!("{step:?}") };
    let mark = result.mark(&template);
    assert_eq!(
        mark,
        format!(r#"{template} failed {{"message":"no such digest","word":"ImagePullBackOff"}}"#)
    );

    world.deployment().verified = Some(mark);
    let known = verify::result(world.live(Kind::Deployment, "app"), &template);
    let Some(Verified::Failed(Some(known))) = known else { panic!("{known:?}") };
    assert_eq!(known.word.as_deref(), Some("ImagePullBackOff"));
    assert_eq!(known.message.as_str(), "no such digest");
}

/// A pod that crashed once and is started again.
fn fallen() -> PodFacts {
    PodFacts {
        word: Some("Error".into()),
        message: "no database".into(),
        component: "app".into(),
        exit_code: Some(2),
        restarts: 1,
        pods: Some(ContentHash::of(b"pods")),
        ..PodFacts::default()
    }
}

/// What is noted of the template now, and by a trial of which nothing is known yet.
fn noted(world: &mut World) -> Option<Verified> {
    match world.publish().ready().next() {
        Some(Step::Verified { result, .. }) => Some(result.clone()),
        _ => None,
    }
}

#[test]
fn a_trial_is_not_failed_by_an_exit_but_by_the_end_of_its_time() {
    let mut world = World::settled();
    let facts = world.deployment();
    (facts.wanted, facts.updated) = (1, 1);
    facts.verified = Some("older ok".into());
    if let HealthFacts::ScaledObject(facts) = &mut world.live(Kind::ScaledObject, "app").health {
        facts.forced = true;
    }
    world.says("app-1", fallen());
    assert_eq!(noted(&mut world), None);
    let loops = PodFacts { word: Some("CrashLoopBackOff".into()), restarts: 5, ..fallen() };
    world.says("app-1", loops.clone());
    assert_eq!(noted(&mut world), None);
    world.overdue.insert(key(Kind::Deployment, "app"));
    assert_eq!(noted(&mut world), Some(Verified::Failed(Some(Box::new(loops)))));
    // Nobody scaled it: that is no fault of its program.
    world.deployment().wanted = 0;
    let Some(Verified::Failed(Some(nobody))) = noted(&mut world) else { panic!() };
    assert_eq!(nobody.word.as_deref(), Some(NOT_WOKEN));
}

#[test]
fn what_a_visit_shows_of_a_template_stays_known() {
    let mut world = World::settled();
    let template = world.desired.objects[2].template.clone().unwrap();
    let up = |world: &mut World, available| {
        let facts = world.deployment();
        (facts.wanted, facts.replicas, facts.updated) = (1, 1, 1);
        (facts.ready, facts.available) = (available, available);
    };
    // A first visit: it falls once, again and again, and then comes up.
    up(&mut world, 0);
    world.says("app-1", fallen());
    assert_eq!(noted(&mut world), None);
    let loops = PodFacts { word: Some("CrashLoopBackOff".into()), restarts: 2, ..fallen() };
    world.says("app-1", loops);
    let failed = noted(&mut world).unwrap();
    assert!(matches!(failed, Verified::Failed(Some(_))));
    world.deployment().verified = Some(failed.mark(&template));
    assert!(world.publish().is_empty(), "once");
    world.deployment().wanted = 0;
    assert!(world.publish().is_empty(), "and while it sleeps");
    up(&mut world, 1);
    assert_eq!(noted(&mut world), Some(Verified::Ok));
    world.deployment().verified = Some(format!("{template} ok"));
    assert!(world.publish().is_empty());
    // Born asleep and never tried, it works at its first visit.
    world.deployment().verified = Some(format!("{template} born"));
    assert_eq!(noted(&mut world), Some(Verified::Ok));
}

#[test]
fn another_trouble_at_a_later_visit_is_noted_and_the_same_is_not() {
    let mut world = World::settled();
    let template = world.desired.objects[2].template.clone().unwrap();
    let loops = PodFacts { word: Some("CrashLoopBackOff".into()), restarts: 2, ..fallen() };
    let facts = world.deployment();
    (facts.wanted, facts.replicas, facts.updated) = (1, 1, 1);
    facts.verified = Some(Verified::Failed(Some(Box::new(loops.clone()))).mark(&template));
    for same in [fallen(), loops.clone()] {
        world.says("app-1", PodFacts { restarts: 4, ..same });
        assert_eq!(noted(&mut world), None);
    }
    let other = PodFacts { exit_code: Some(3), ..loops };
    world.says("app-1", other.clone());
    assert_eq!(noted(&mut world), Some(Verified::Failed(Some(Box::new(other)))));
    let pull =
        PodFacts { word: Some("ErrImagePull".into()), exit_code: None, restarts: 0, ..fallen() };
    world.says("app-1", pull.clone());
    assert_eq!(noted(&mut world), None, "a pull may work the second time");
    let pull = PodFacts { word: Some("ImagePullBackOff".into()), ..pull };
    world.says("app-1", pull.clone());
    assert_eq!(noted(&mut world), Some(Verified::Failed(Some(Box::new(pull)))));
}

#[test]
fn a_trial_that_lets_no_pod_in_remembers_who_refused() {
    let mut world = World::settled();
    let facts = world.deployment();
    facts.verified = Some("older ok".into());
    facts.wanted = 1;
    facts.conditions = vec![Condition {
        kind: "ReplicaFailure".into(),
        status: "True".into(),
        message: "exceeded quota: solution".into(),
        ..Condition::default()
    }];
    if let HealthFacts::ScaledObject(facts) = &mut world.live(Kind::ScaledObject, "app").health {
        facts.forced = true;
    }
    assert_eq!(noted(&mut world), None);
    world.overdue.insert(key(Kind::Deployment, "app"));
    let Some(Verified::Failed(Some(refused))) = noted(&mut world) else { panic!() };
    assert_eq!(refused.word.as_deref(), Some(REFUSED));
    assert_eq!(refused.message.as_str(), "exceeded quota: solution");
}

#[test]
fn nothing_is_tried_that_keda_refuses_and_keda_is_nudged() {
    let mut world = World::settled();
    world.deployment().verified = Some("older ok".into());
    let scaled = key(Kind::ScaledObject, "app");
    let refused = |world: &mut World, forced| {
        let refusal = Condition {
            kind: "Ready".into(),
            status: "False".into(),
            reason: "ScaledObjectCheckFailed".into(),
            ..Condition::default()
        };
        if let HealthFacts::ScaledObject(facts) = &mut world.live(Kind::ScaledObject, "app").health
        {
            (facts.forced, facts.conditions) = (forced, vec![refusal]);
        }
    };
    refused(&mut world, true);
    let step = world.publish().ready().next().cloned();
    assert!(matches!(step, Some(Step::ForceActivation { on: false, .. })), "{step:?}");
    refused(&mut world, false);
    assert!(world.publish().is_empty(), "it is told as KEDA's");
    world.nudges.insert(scaled.clone());
    let step = world.publish().ready().next().cloned();
    assert_eq!(step, Some(Step::Nudge { key: scaled, mark: true }));
    // One trigger of several that fails wakes it all the same.
    if let HealthFacts::ScaledObject(facts) = &mut world.live(Kind::ScaledObject, "app").health {
        facts.triggers = 2;
        facts.conditions[0].reason = "TriggerError".into();
    }
    let step = world.publish().ready().next().cloned();
    assert!(matches!(step, Some(Step::ForceActivation { on: true, .. })), "{step:?}");
}

#[test]
fn a_failed_template_that_works_after_all_is_noted() {
    let mut world = World::settled();
    let template = world.desired.objects[2].template.clone().unwrap();
    *world.deployment() = DeploymentFacts {
        verified: Some(format!("{template} failed")),
        wanted: 1,
        replicas: 1,
        updated: 1,
        ready: 1,
        available: 1,
        ..world.deployment().clone()
    };
    let step = world.publish().ready().next().cloned();
    assert!(matches!(step, Some(Step::Verified { result: Verified::Ok, .. })), "{step:?}");
}

#[test]
fn a_birth_is_not_verified_and_never_means_never() {
    let mut world = World::settled();
    assert!(world.publish().is_empty(), "born with this template");
    world.deployment().verified = Some("older ok".into());
    world.verify = false;
    assert!(world.publish().is_empty());
}

// ---- the brake ----

fn settings() -> BrakeSettings<'static> {
    BrakeSettings {
        max_removed_share: 0.2,
        max_deletions: 100,
        approvals_expire_after: SignedDuration::from_hours(24),
        root: ".",
        rewritten: false,
        now: "2026-01-05T10:00:00Z".parse().unwrap(),
    }
}

/// `live` solutions of two objects each, of which `going` disappear.
fn fleet(live: usize, going: usize) -> (Observed, Wishes) {
    let mut observed = World::new().observed;
    let mut wishes = Wishes::default();
    for n in 0..live {
        let name = called(&format!("s{n}"));
        let keys: BTreeSet<ObjectKey> = ["a", "b"]
            .map(|o| ObjectKey::namespaced(Kind::Service, format!("sol-{name}"), o))
            .into();
        let template = World::settled().live(Kind::NetworkPolicy, "default-deny").clone();
        let objects = keys.iter().map(|key| (key.clone(), template.clone().into())).collect();
        observed.solutions.insert(name.clone(), objects);
        if n < going {
            wishes.disappearing.insert(name, keys);
        }
    }
    (observed, wishes)
}

fn kept(removals: Vec<Removal>) -> Record {
    Record::Kept { applied: None, root: Some(".".into()), removals }
}

fn gone(name: &str, at: &str, why: Went) -> Removal {
    Removal { name: called(name), at: at.parse().unwrap(), why }
}

fn held(observed: &Observed, wishes: &Wishes) -> Option<Hold> {
    brake(wishes, observed, &settings())
}

#[test]
fn a_fifth_may_go_and_one_more_waits_for_a_person() {
    for (live, going, expected) in [
        (40, 8, false),
        (40, 9, true),
        (40, 14, true),
        (4, 1, false),
        (4, 2, true),
        (4, 3, true),
        (2, 1, false),
        (1, 1, true),
    ] {
        let (observed, wishes) = fleet(live, going);
        assert_eq!(held(&observed, &wishes).is_some(), expected, "{going} of {live}");
    }
    let (observed, wishes) = fleet(40, 14);
    assert_eq!(held(&observed, &wishes).unwrap().reason, "would remove 14 of 40 solutions");
}

#[test]
fn removals_one_by_one_are_counted_for_an_hour() {
    let (mut observed, wishes) = fleet(33, 2);
    let removals = |at: &str| (0..7).map(|n| gone(&format!("old{n}"), at, Went::Removed)).collect();
    observed.record = kept(removals("2026-01-05T09:30:00Z"));
    assert!(held(&observed, &wishes).is_some(), "9 of 40 within the hour");
    observed.record = kept(removals("2026-01-05T08:30:00Z"));
    assert!(held(&observed, &wishes).is_none());
}

#[test]
fn approved_removals_do_not_count_against_the_next_one() {
    let (mut observed, wishes) = fleet(4, 1);
    let at = "2026-01-05T09:59:00Z";
    let removed = ["old0", "old1", "old2"];
    observed.record = kept(removed.map(|name| gone(name, at, Went::Removed)).to_vec());
    assert!(held(&observed, &wishes).is_some());
    let deletions: BTreeSet<ObjectKey> = removed
        .iter()
        .map(|name| ObjectKey::cluster(Kind::Namespace, format!("sol-{name}")))
        .collect();
    let harm = Harm { deletions, ..Harm::default() };
    let approval = Approval { hash: harm.hash(), harm, created: at.parse().unwrap() };
    observed.approvals.insert("x".into(), approval);
    assert!(held(&observed, &wishes).is_none());
}

#[test]
fn foreign_objects_with_our_label_do_not_loosen_the_brake() {
    let (mut observed, wishes) = fleet(4, 2);
    assert!(held(&observed, &wishes).is_some());
    let template = World::settled().live(Kind::NetworkPolicy, "default-deny").clone();
    for n in 0..40 {
        let name = called(&format!("stranger{n}"));
        let key = ObjectKey::cluster(Kind::Namespace, format!("sol-{name}"));
        let stranger = Live { fields: None, birth: false, ..template.clone() };
        observed.solutions.insert(name, [(key, stranger.into())].into_iter().collect());
    }
    assert!(held(&observed, &wishes).is_some());
}

#[test]
fn an_approval_allows_exactly_its_list_and_expires() {
    let (mut observed, wishes) = fleet(4, 3);
    let hold = held(&observed, &wishes).unwrap();
    let mut approval = Approval {
        hash: hold.hash.clone(),
        harm: hold.harm.clone(),
        created: "2026-01-05T09:59:00Z".parse().unwrap(),
    };
    observed.approvals.insert("x".into(), approval.clone());
    assert!(held(&observed, &wishes).is_none());

    approval.created = "2026-01-04T09:59:00Z".parse().unwrap();
    observed.approvals.insert("x".into(), approval.clone());
    assert!(held(&observed, &wishes).is_some(), "expired after 24 h");

    approval.created = "2026-01-05T09:59:00Z".parse().unwrap();
    approval.harm.deletions.pop_first();
    observed.approvals.insert("x".into(), approval);
    assert!(
        held(&observed, &wishes).is_none_or(|h| h.harm.deletions.len() == 1),
        "what it does not list is not approved"
    );
}

#[test]
fn without_memory_or_after_a_rewrite_or_a_moved_root_every_deletion_is_held() {
    let (mut observed, wishes) = fleet(40, 1);
    assert!(held(&observed, &wishes).is_none());
    let rewritten = BrakeSettings { rewritten: true, ..settings() };
    assert!(brake(&wishes, &observed, &rewritten).unwrap().reason.contains("rewritten"));
    let moved = BrakeSettings { root: "demos", ..settings() };
    assert!(brake(&wishes, &observed, &moved).unwrap().reason.contains("moved"));
    observed.record = Record::Missing;
    assert!(held(&observed, &wishes).unwrap().reason.contains("Lease"));
}

#[test]
fn the_hash_is_of_the_set_and_of_nothing_else() {
    let (_, wishes) = fleet(4, 3);
    let all: BTreeSet<ObjectKey> = wishes.disappearing.values().flatten().cloned().collect();
    let mut fewer = all.clone();
    fewer.pop_first();
    let hash = |deletions| Harm { deletions, ..Harm::default() }.hash();
    assert_eq!(hash(all.clone()), hash(all.iter().rev().cloned().collect()));
    assert_ne!(hash(all), hash(fewer));
}

/// Of so many solutions so many are to be opened elsewhere.
fn moving(live: usize, going: usize, moving: usize) -> (Observed, Wishes) {
    let (observed, mut wishes) = fleet(live, going);
    for n in going..going + moving {
        let address = Address {
            host: format!("s{n}.demo.example").into(),
            path: "/".into(),
            gateway: "edge/public".into(),
        };
        wishes.losing.insert(called(&format!("s{n}")), [address].into());
    }
    (observed, wishes)
}

#[test]
fn one_solution_may_move_and_all_of_them_wait_for_a_person() {
    for (live, moves, expected) in
        [(40, 8, false), (40, 9, true), (40, 40, true), (4, 1, false), (4, 2, true), (1, 1, false)]
    {
        let (observed, wishes) = moving(live, 0, moves);
        let hold = held(&observed, &wishes);
        assert_eq!(hold.is_some(), expected, "{moves} of {live}");
        if let Some(hold) = hold {
            assert_eq!(hold.harm.addresses.len(), moves);
            assert_eq!((hold.moving.len(), hold.harm.deletions.len()), (moves, 0));
            let reason = format!("would move the addresses of {moves} of {live} solutions");
            assert_eq!(hold.reason, reason);
        }
    }
}

#[test]
fn what_goes_and_what_moves_are_counted_together() {
    let (observed, wishes) = moving(10, 1, 1);
    assert!(held(&observed, &wishes).is_none());
    let (mut observed, wishes) = moving(10, 1, 2);
    let hold = held(&observed, &wishes).unwrap();
    assert_eq!(hold.reason, "would remove 1 and move the addresses of 2 of 10 solutions");
    assert_eq!((hold.moving.len(), hold.disappearing.len()), (2, 1));

    // What was approved of it leaves the rest free.
    let harm = Harm { addresses: hold.harm.addresses.clone(), ..Harm::default() };
    let created = "2026-01-05T09:59:00Z".parse().unwrap();
    let approval = Approval { hash: harm.hash(), harm, created };
    observed.approvals.insert("x".into(), approval);
    assert!(held(&observed, &wishes).is_none());
    assert_eq!(losers(&wishes, &observed, &settings()), BTreeSet::new());
}

#[test]
fn moves_one_by_one_are_counted_for_an_hour() {
    let (mut observed, wishes) = moving(10, 0, 1);
    let moved = |at: &str| kept(["s5", "s6"].map(|n| gone(n, at, Went::Moved)).to_vec());
    observed.record = moved("2026-01-05T08:30:00Z");
    assert!(held(&observed, &wishes).is_none());
    observed.record = moved("2026-01-05T09:30:00Z");
    let reason = held(&observed, &wishes).unwrap().reason;
    let told = "would move the addresses of 3 of 10 solutions (2 of them within the last hour)";
    assert_eq!(reason, told, "who moved is still one of the ten");
    // The same one again is one.
    observed.record = kept(vec![gone("s0", "2026-01-05T09:30:00Z", Went::Moved)]);
    assert!(held(&observed, &wishes).is_none());
}

#[test]
fn a_single_move_is_not_held_with_deletions_that_are() {
    let (observed, wishes) = moving(40, 1, 1);
    let rewritten = BrakeSettings { rewritten: true, ..settings() };
    let hold = brake(&wishes, &observed, &rewritten).unwrap();
    assert!(hold.reason.contains("rewritten"));
    assert_eq!((hold.moving.len(), hold.harm.addresses.len()), (0, 0));
    let only = Wishes { disappearing: BTreeMap::new(), ..wishes };
    assert!(brake(&only, &observed, &rewritten).is_none());
}

/// A world whose route, and what only it refers to, is to be another.
fn renamed() -> World {
    let mut world = World::settled();
    for (at, kind, name, wave) in [
        (2, Kind::Deployment, "app", Wave::Workload),
        (3, Kind::InterceptorRoute, "app", Wave::Interceptor),
        (5, Kind::HttpRoute, "edge", Wave::Route),
    ] {
        world.desired.objects[at] = object(kind, name, wave, "2");
    }
    world.losing.insert(called("use"), BTreeSet::new());
    world
}

#[test]
fn of_a_held_move_only_what_leads_visitors_waits() {
    let mut world = renamed();
    world.hold = Some(Hold {
        hash: ContentHash::of(b""),
        harm: Harm::default(),
        disappearing: BTreeSet::new(),
        staying: BTreeSet::new(),
        moving: [called("use")].into(),
        reason: String::new(),
    });
    assert_eq!(world.ready(), ["Deployment/app"]);
    let deployment = world.desired.objects[2].clone();
    world.apply(&deployment);
    assert_eq!(world.ready(), [""; 0]);
    assert!(world.publish().waits.is_empty());
    world.hold = None;
    assert_eq!(world.ready(), ["InterceptorRoute/app"]);
}

#[test]
fn no_address_is_closed_before_all_can_be_counted() {
    let mut world = renamed();
    let deployment = world.desired.objects[2].clone();
    world.apply(&deployment);
    for gate in [Gate::Record, Gate::Unheard, Gate::Rendering] {
        world.nothing_deleted = Some(gate);
        assert_eq!(world.ready(), [""; 0]);
    }
    world.nothing_deleted = None;
    assert_eq!(world.ready(), ["InterceptorRoute/app"]);
    world.observed.kinds.insert(Kind::Ingress, KindState::Unknown);
    assert_eq!(world.ready(), [""; 0]);
    // Who loses nothing waits for nobody.
    world.losing.clear();
    world.nothing_deleted = Some(Gate::Rendering);
    assert_eq!(world.ready(), ["InterceptorRoute/app"]);
}

#[test]
fn a_solution_that_stays_is_held_as_a_whole() {
    let mut world = World::settled();
    world.desired.objects[1] = object(Kind::NetworkPolicy, "default-deny", Wave::Protection, "2");
    world.hold = Some(Hold {
        hash: ContentHash::of(b""),
        harm: Harm::default(),
        disappearing: BTreeSet::new(),
        staying: [called("use")].into(),
        moving: BTreeSet::new(),
        reason: String::new(),
    });
    assert_eq!(world.publish().waits, [Gate::Held]);
    assert_eq!(world.publish().steps, []);
}

#[test]
fn an_unused_map_of_wishes_holds_nothing() {
    assert!(held(&Observed::default(), &Wishes::default()).is_none());
}

/// Places in a queue in which nobody is before.
static NOBODY: BTreeSet<ObjectKey> = BTreeSet::new();

#[test]
fn a_change_for_all_replaces_running_pods_in_turn_and_sleepers_at_once() {
    let mut world = World::settled();
    world.desired.objects[2] = changed_pods();
    world.turns = Some(Turns { free: 0, rolling: &NOBODY });
    assert_eq!(world.ready(), ["Deployment/app"], "nobody sees it");
    world.deployment().wanted = 1;
    assert_eq!(world.ready(), [""; 0]);
    assert!(world.publish().gates().any(|gate| *gate == Gate::Turn));
    world.deployment().wanted = 0;
    world.deployment().replicas = 1;
    assert_eq!(world.ready(), [""; 0], "its last pod is still there");
    world.turns = Some(Turns { free: 1, rolling: &NOBODY });
    assert_eq!(world.ready(), ["Deployment/app"]);
}

#[test]
fn what_an_older_vitrine_tried_is_written_once_and_woken_for_nothing() {
    // It knew no hash of the whole pod template, and what runs in it is the same.
    let mut world = World::settled();
    let template = world.desired.objects[2].template.clone().unwrap();
    let live = world.live(Kind::Deployment, "app");
    live.content = Some(ContentHash::of(b"what it wrote"));
    world.deployment().pods = None;
    world.deployment().verified = Some(format!("{template} ok"));
    world.turns = Some(Turns { free: 0, rolling: &NOBODY });
    assert_eq!(world.ready(), ["Deployment/app"], "asleep: nobody sees it");
    world.deployment().wanted = 1;
    assert!(world.publish().gates().any(|gate| *gate == Gate::Turn), "its pods are replaced");
    world.deployment().wanted = 0;
    let deployment = world.desired.objects[2].clone();
    world.apply(&deployment);
    world.deployment().verified = Some(format!("{template} ok"));
    assert!(world.publish().is_empty(), "and no trial");
}

#[test]
fn what_its_own_commit_changed_and_what_has_begun_waits_for_no_turn() {
    let mut world = World::settled();
    world.desired.objects[2] = changed_pods();
    world.deployment().wanted = 1;
    assert_eq!(world.ready(), ["Deployment/app"], "its own commit");
    let begun: &'static BTreeSet<ObjectKey> =
        Box::leak(Box::new([key(Kind::Deployment, "app")].into()));
    world.turns = Some(Turns { free: 0, rolling: begun });
    assert_eq!(world.ready(), ["Deployment/app"], "a second change meanwhile");
}

#[test]
fn what_restarts_no_pod_waits_for_no_turn() {
    let mut world = World::settled();
    world.deployment().wanted = 1;
    world.turns = Some(Turns { free: 0, rolling: &NOBODY });
    // Another protection.
    world.desired.objects[1] = object(Kind::NetworkPolicy, "default-deny", Wave::Protection, "2");
    assert_eq!(world.ready(), ["NetworkPolicy/default-deny"]);
    // What a hand changed is not what the platform changed.
    let mut world = World::settled();
    world.deployment().wanted = 1;
    world.turns = Some(Turns { free: 0, rolling: &NOBODY });
    world.live(Kind::Deployment, "app").fields = Some(Default::default());
    assert_eq!(world.ready(), ["Deployment/app"]);
}

/// A Deployment that was applied with one field more than its commit asks for now, which another
/// manager holds too.
fn with_a_field_less(manager: &str) -> (World, FieldSet) {
    let mut world = World::settled();
    world.desired.objects[2] = object(Kind::Deployment, "app", Wave::Workload, "2");
    let extra = FieldSet::recorded(&json!({"f:spec": {"f:env": {"k:{\"name\":\"OLD\"}": {}}}}));
    let live = world.live(Kind::Deployment, "app");
    live.fields = Some(Arc::new(live.fields.clone().unwrap().union(&extra)));
    live.others = [(manager.into(), Arc::new(extra.clone()))].into();
    (world, extra)
}

/// What the next apply of the Deployment remembers.
fn remembered(world: &World) -> Option<FieldSet> {
    let plan = world.publish();
    let step = plan.ready().find(|step| step.key().kind == Kind::Deployment);
    match step {
        Some(Step::Apply { left, .. }) => left.as_deref().cloned(),
        _ => panic!("{plan:?}"),
    }
}

#[test]
fn what_another_manager_keeps_is_remembered_with_the_apply_that_drops_it() {
    let (mut world, extra) = with_a_field_less("kubectl");
    assert_eq!(remembered(&world), Some(extra.clone()));
    // And by every later one, as long as it is kept.
    let live = world.live(Kind::Deployment, "app");
    live.fields = Some(Arc::new(FieldSet::owned(Kind::Deployment, &json!({"spec": {"x": "1"}}))));
    live.left = Some(Arc::new(extra.clone()));
    assert_eq!(live.left_behind().collect::<Vec<_>>(), [("kubectl", extra.clone())]);
    assert_eq!(remembered(&world), Some(extra.clone()));
    world.live(Kind::Deployment, "app").others = Box::default();
    assert_eq!(world.live(Kind::Deployment, "app").left_behind().count(), 0);
    assert_eq!(remembered(&world), None, "it let go");
}

#[test]
fn what_the_catalogue_asks_for_again_is_not_left_behind() {
    let (mut world, extra) = with_a_field_less("kubectl");
    let mut wanted = (*world.desired.objects[2]).clone();
    wanted.fields = Arc::new(wanted.fields.union(&extra));
    world.desired.objects[2] = Arc::new(wanted);
    let live = world.live(Kind::Deployment, "app");
    live.left = Some(Arc::new(extra));
    assert_eq!(remembered(&world), None);
}

#[test]
fn replicas_that_are_kept_for_the_autoscaler_are_not_left_behind() {
    let (world, _) = with_a_field_less(marks::HANDOVER);
    assert_eq!(remembered(&world), None);
}
