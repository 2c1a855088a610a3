//! The whole room against the sandbox: what is asked, how often, and what is known after.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use vitrine_core::engine::{Batch, Sight};
use vitrine_core::model::{ContentHash, FieldSet, Kind, ObjectKey, SolutionName};
use vitrine_core::plan::observed::{HealthFacts, KindState, Record, Removal, Went};
use vitrine_core::plan::step::Why;
use vitrine_core::plan::{DesiredObject, Form, Harm};
use vitrine_core::plan::{Observed, Outcome};
use vitrine_core::render::Wave;
use vitrine_sandbox::{Options, Sandbox};

fn settings() -> Settings {
    Settings::new(InstanceName::parse("prod").unwrap(), "vitrine")
}

fn revision() -> Revision {
    Revision::parse(&"a".repeat(40)).unwrap()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(Options::default());
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "vitrine"}});
    sandbox.create("kubectl", namespace).unwrap();
    sandbox.clear_requests();
    sandbox
}

fn object(key: ObjectKey, spec: &Value) -> Arc<Form> {
    let mut body = json!({
        "apiVersion": key.kind.api_version(),
        "kind": key.kind.facts().kind,
        "metadata": {
            "name": key.name,
            "labels": {"vitrine.dev/instance": "prod", "vitrine.dev/solution": "use"},
            "annotations": {"vitrine.dev/content": "c"},
        },
    });
    if let Some(namespace) = &key.namespace {
        body["metadata"]["namespace"] = json!(namespace);
    }
    if !spec.is_null() {
        body["spec"] = spec.clone();
    }
    let mut sent = body.clone();
    sent["metadata"]["annotations"]["vitrine.dev/revision"] = json!(revision().as_str());
    Arc::new(Form::whole(&DesiredObject {
        component: None,
        wave: Wave::Workload,
        content: ContentHash::recorded("c"),
        template: Some(ContentHash::recorded("t1")),
        pods: Some(ContentHash::recorded("p1")),
        fields: Arc::new(FieldSet::owned(key.kind, &sent)),
        key,
        body,
    }))
}

fn namespace() -> Arc<Form> {
    object(ObjectKey::cluster(Kind::Namespace, "sol-use"), &Value::Null)
}

fn service(name: &str) -> Arc<Form> {
    let spec = json!({"ports": [{"port": 80}], "selector": {"a": "b"}});
    object(ObjectKey::namespaced(Kind::Service, "sol-use", name), &spec)
}

fn deployment() -> Arc<Form> {
    let spec = json!({
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "web", "image": "registry.example/web@sha256:0"}]},
        },
    });
    object(ObjectKey::namespaced(Kind::Deployment, "sol-use", "web"), &spec)
}

fn apply(object: &Arc<Form>) -> Step {
    Step::Apply { object: Arc::clone(object), revision: revision(), left: None, why: Why::Create }
}

/// The cluster, and what is known of it.
struct Rig {
    cluster: Cluster,
    sight: Sight,
    last: u64,
    open: BTreeMap<OrderId, Step>,
    approvals: BTreeMap<OrderId, String>,
}

impl Rig {
    fn observed(&self) -> &Observed {
        &self.sight.observed
    }

    fn order(&mut self) -> OrderId {
        self.last += 1;
        OrderId(self.last)
    }

    /// Hears what happened; what became of steps comes back.
    async fn hear(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut batch = Batch::default();
        for event in self.cluster.next().await {
            let Some(event) = self.sight.take(event, &mut batch) else { continue };
            match event {
                Event::Answered(id, Answer::Step(outcome, written)) => {
                    let step = self.open.remove(&id).unwrap();
                    let home = SolutionName::parse("use").unwrap();
                    self.sight.done(&home, &step, written, None, &mut batch);
                    outcomes.push(outcome);
                }
                Event::Answered(id, Answer::Approval(approval)) => {
                    let name = self.approvals.remove(&id).unwrap();
                    self.sight.approval(name, approval, &mut batch);
                }
                other => panic!("{other:?}"),
            }
        }
        for name in batch.read {
            let id = self.order();
            self.approvals.insert(id, name.clone());
            self.cluster.read_approval(id, name);
        }
        outcomes
    }

    async fn record(&mut self, root: &str, removals: &[Removal]) -> Result<(), String> {
        let id = self.order();
        self.cluster.record(id, revision(), root.to_owned(), removals.to_vec());
        loop {
            for event in self.cluster.next().await {
                if let Event::Answered(_, Answer::Recorded(written)) = event {
                    return written.map(drop);
                }
            }
        }
    }

    fn submit(&mut self, steps: Vec<Step>) {
        for step in steps {
            let id = self.order();
            let uid = self.sight.live(&step.key()).map(|live| live.uid.clone());
            self.sight.sent(&step);
            self.open.insert(id, step.clone());
            self.cluster.submit(id, step, uid);
        }
    }
}

/// Hears until this holds.
async fn until(rig: &mut Rig, what: &str, holds: impl Fn(&Rig) -> bool) {
    let hear = async {
        while !holds(rig) {
            rig.hear().await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(10), hear).await.is_err() {
        panic!("{what}: {:?} {:?}", rig.sight.problems, rig.observed());
    }
}

async fn connect(sandbox: &Sandbox) -> Rig {
    let cluster = Cluster::connect(sandbox.client(), settings()).await.unwrap();
    let sight = Sight::new(settings().instance, settings().namespace, 7);
    let (open, approvals) = (BTreeMap::new(), BTreeMap::new());
    let mut rig = Rig { cluster, sight, last: 0, open, approvals };
    until(&mut rig, "everything is known", |rig| {
        let known = &rig.observed().kinds;
        known.len() == Kind::RENDERED.len() + 1
            && known.values().all(|state| *state != KindState::Unknown)
            && rig.observed().record != Record::Unread
    })
    .await;
    rig
}

/// Carries out these steps; answers what became of them, in order of their end.
async fn carry_out(rig: &mut Rig, steps: Vec<Step>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    rig.submit(steps);
    while !rig.open.is_empty() {
        outcomes.extend(tokio::time::timeout(Duration::from_secs(10), rig.hear()).await.unwrap());
    }
    assert!(rig.observed().in_flight.is_empty());
    outcomes
}

fn asked(sandbox: &Sandbox) -> Vec<String> {
    sandbox.requests().iter().map(|r| format!("{} {}", r.method, r.path)).collect()
}

#[tokio::test]
async fn a_start_asks_for_what_is_offered_watches_each_kind_once_and_reads_the_lease() {
    let sandbox = sandbox();
    let cluster = connect(&sandbox).await;
    // The watch of CRDs is not waited for.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let requests = sandbox.requests();
    let watches = requests.iter().filter(|r| r.is_watch()).count();
    assert_eq!(watches, Kind::RENDERED.len() + 3, "Pods, Events and CRDs too");
    let others: Vec<String> = asked(&sandbox)
        .into_iter()
        .zip(&requests)
        .filter(|(_, r)| !r.is_watch())
        .map(|(line, _)| line)
        .collect();
    let mut others: Vec<&str> =
        others.iter().map(|line| line.split('?').next().unwrap_or_default()).collect();
    others.sort_unstable();
    assert_eq!(
        others,
        [
            "GET /api",
            "GET /apis",
            "GET /apis/coordination.k8s.io/v1/namespaces/vitrine/leases/vitrine-prod"
        ]
    );
    assert_eq!(cluster.observed().record, Record::Missing);
    assert!(cluster.sight.problems.is_empty(), "{:?}", cluster.sight.problems);
}

#[tokio::test]
async fn a_quiet_cluster_costs_nothing() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // The watch of CRDs, which nobody waited for.
    while tokio::time::timeout(Duration::from_millis(100), cluster.hear()).await.is_ok() {}
    let before = cluster.observed().clone();
    sandbox.clear_requests();
    let more = tokio::time::timeout(Duration::from_millis(200), cluster.hear()).await;
    assert!(more.is_err(), "something happened: {before:?}");
    assert_eq!(asked(&sandbox), [] as [&str; 0]);
}

#[tokio::test]
async fn each_step_costs_its_requests_and_is_known_before_its_event() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    carry_out(&mut cluster, vec![apply(&namespace())]).await;
    sandbox.clear_requests();

    let outcomes = carry_out(&mut cluster, vec![apply(&service("web"))]).await;
    assert_eq!(outcomes, [Outcome::Applied { created: true }]);
    assert_eq!(sandbox.requests().len(), 1);
    let live = &cluster.observed().solutions["use"][&service("web").key];
    assert_eq!(live.fields.as_deref(), Some(&*service("web").fields));
    assert_eq!(live.content, Some(ContentHash::recorded("c")));
    assert_eq!(live.revision.as_deref(), Some(&revision()));

    sandbox.clear_requests();
    let birth = Step::Birth { object: deployment(), revision: revision() };
    let outcomes = carry_out(&mut cluster, vec![birth]).await;
    assert_eq!(outcomes, [Outcome::Applied { created: true }]);
    assert_eq!(sandbox.requests().len(), 2);
    until(&mut cluster, "born asleep", |cluster| {
        let live = cluster.observed().solutions["use"].get(&deployment().key);
        live.is_some_and(|live| match &live.health {
            HealthFacts::Deployment(facts) => facts.wanted == 0 && live.birth && live.is_ours(),
            _ => false,
        })
    })
    .await;

    sandbox.clear_requests();
    let live = &cluster.observed().solutions["use"][&service("web").key];
    let delete = Step::Delete {
        key: service("web").key.clone(),
        uid: live.uid.clone(),
        resource_version: live.resource_version.clone(),
    };
    assert_eq!(carry_out(&mut cluster, vec![delete.clone()]).await, [Outcome::Deleted]);
    assert_eq!(sandbox.requests().len(), 1);
    assert!(!cluster.observed().solutions["use"].contains_key(&service("web").key));
    assert_eq!(carry_out(&mut cluster, vec![delete]).await, [Outcome::Gone]);
}

#[tokio::test]
async fn an_object_made_anew_by_someone_else_survives_our_delete() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    carry_out(&mut cluster, vec![apply(&namespace()), apply(&service("web"))]).await;
    let key = service("web").key.clone();
    let live = cluster.observed().solutions["use"][&key].clone();
    sandbox.remove(&key).unwrap();
    sandbox.create("kubectl", service("web").object().unwrap().body).unwrap();
    let delete =
        Step::Delete { key: key.clone(), uid: live.uid, resource_version: live.resource_version };
    assert_eq!(carry_out(&mut cluster, vec![delete]).await, [Outcome::Changed]);
    assert!(sandbox.get(&key).is_some());
}

#[tokio::test]
async fn no_more_steps_are_under_way_than_are_allowed() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    carry_out(&mut cluster, vec![apply(&namespace())]).await;
    sandbox.faults(|faults| faults.latency = Duration::from_millis(40));
    let steps: Vec<Step> = (0..24).map(|n| apply(&service(&format!("s{n}")))).collect();
    let began = std::time::Instant::now();
    cluster.submit(steps);
    assert_eq!(cluster.observed().in_flight.len(), 24);
    until(&mut cluster, "all are done", |cluster| cluster.open.is_empty()).await;
    // 24 steps by 8 workers of 40 ms each are three rounds.
    assert!(began.elapsed() >= Duration::from_millis(120), "{:?}", began.elapsed());
    assert_eq!(cluster.observed().solutions["use"].len(), 25);
}

#[tokio::test]
async fn a_busy_server_answers_with_how_long_to_wait() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    sandbox.faults(|faults| faults.too_many = (1, 7));
    let outcomes = carry_out(&mut cluster, vec![apply(&namespace())]).await;
    match &outcomes[..] {
        [Outcome::Unavailable { retry_after, .. }] => {
            assert_eq!(*retry_after, Some(Duration::from_secs(7)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_record_is_read_again_by_the_next_daemon() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    let at: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
    let removals = [Removal { name: SolutionName::parse("old").unwrap(), at, why: Went::Moved }];
    sandbox.clear_requests();
    cluster.record("demos", &removals).await.unwrap();
    assert_eq!(sandbox.requests().len(), 1);
    let kept = Record::Kept {
        applied: Some(revision()),
        root: Some("demos".to_owned()),
        removals: removals.to_vec(),
    };
    cluster.cluster.stop().await;
    assert_eq!(connect(&sandbox).await.observed().record, kept);
}

#[tokio::test]
async fn a_record_without_a_namespace_says_what_is_missing() {
    let sandbox = Sandbox::new(Options::default());
    let mut cluster = connect(&sandbox).await;
    let error = cluster.record(".", &[]).await.unwrap_err();
    assert_eq!(error, "the daemon's namespace vitrine does not exist: create it");
}

#[tokio::test]
async fn an_approval_arrives_and_leaves_and_is_no_object_of_a_solution() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    let deletions = BTreeSet::from([namespace().key.clone(), service("web").key.clone()]);
    let harm = Harm { deletions, ..Harm::default() };
    let hash = harm.hash();
    let other = approve(sandbox.client(), &settings(), &"0".repeat(64), &harm).await;
    assert!(matches!(other, Err(NotApproved::OtherPlan { .. })));
    for _ in 0..2 {
        let name = approve(sandbox.client(), &settings(), &hash.first(12), &harm).await;
        assert_eq!(name.unwrap(), format!("vitrine-prod-approval-{}", hash.first(12)));
    }
    until(&mut cluster, "it is approved", |cluster| {
        cluster.observed().approvals.values().any(|a| a.harm == harm && a.hash == hash)
    })
    .await;
    assert!(cluster.observed().solutions.is_empty());
    let name = cluster.observed().approvals.keys().next().unwrap().clone();
    sandbox.remove(&ObjectKey::namespaced(Kind::ConfigMap, "vitrine", name)).unwrap();
    until(&mut cluster, "it is withdrawn", |cluster| cluster.observed().approvals.is_empty()).await;
}

#[tokio::test]
async fn a_kind_follows_its_crd_as_it_comes_and_goes() {
    let options = Options { definitions: Vec::new(), ..Options::default() };
    let sandbox = Sandbox::new(options);
    let mut cluster = connect(&sandbox).await;
    assert_eq!(cluster.observed().kinds[&Kind::HttpRoute], KindState::Absent);
    for definition in vitrine_sandbox::DEFINITIONS {
        sandbox.install_definition(definition);
    }
    until(&mut cluster, "it came", |cluster| {
        cluster.observed().kinds.values().all(|state| *state == KindState::Synced)
    })
    .await;
    sandbox.remove_definition("scaledobjects.keda.sh");
    until(&mut cluster, "it went", |cluster| {
        cluster.observed().kinds[&Kind::ScaledObject] == KindState::Absent
    })
    .await;
}

/// An Event about the only pod of `use`, as a kubelet writes it.
fn event(name: &str, reason: &str, count: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": "sol-use"},
        "involvedObject": {"kind": "Pod", "namespace": "sol-use", "name": "web-1",
            "fieldPath": "spec.containers{web}"},
        "reason": reason, "type": "Warning", "count": count,
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 500",
        "lastTimestamp": "2026-11-28T13:52:02Z",
    })
}

/// What is said within this time.
async fn said(rig: &mut Rig, time: Duration) -> usize {
    let until = tokio::time::Instant::now() + time;
    let mut count = 0;
    while let Ok(events) = tokio::time::timeout_at(until, rig.cluster.next()).await {
        for event in events {
            match event {
                Event::Said(all) => count += all.len(),
                Event::Watched(Kind::Namespace, _) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    count
}

#[tokio::test]
async fn events_of_our_namespaces_are_heard_and_no_routine_is_sent() {
    let sandbox = sandbox();
    let mut rig = connect(&sandbox).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    while tokio::time::timeout(Duration::from_millis(100), rig.hear()).await.is_ok() {}
    for name in ["sol-use", "other"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        sandbox.create("kubectl", object).unwrap();
    }
    sandbox.clear_requests();
    sandbox.create("kubelet", event("web-1.1", "Unhealthy", 1)).unwrap();
    sandbox.create("kubelet", event("web-1.2", "Pulled", 1)).unwrap();
    sandbox.create("kubelet", event("web-1.3", "FailedMount", 1)).unwrap();
    let mut foreign = event("web-1.4", "Unhealthy", 1);
    foreign["metadata"]["namespace"] = json!("other");
    sandbox.create("kubelet", foreign).unwrap();
    assert_eq!(said(&mut rig, Duration::from_millis(200)).await, 1);
    assert_eq!(asked(&sandbox), [] as [&str; 0], "nothing is asked because of them");
}

#[tokio::test]
async fn events_that_may_not_be_read_trouble_nobody_and_are_not_asked_for_all_the_time() {
    use vitrine_sandbox::{Fault, Meets, Refusal, Which};
    let sandbox = sandbox();
    let no = Refusal::new(403, "Forbidden", "events is forbidden");
    let fault = Fault::new(Which::any().resource("events", ""), Meets::Refusal(no));
    sandbox.faults(|faults| faults.planned = vec![fault]);
    let mut rig = connect(&sandbox).await;
    while tokio::time::timeout(Duration::from_secs(1), rig.hear()).await.is_ok() {}
    assert!(rig.sight.problems.is_empty() && rig.sight.has_looked(), "{:?}", rig.sight.problems);
    let tries = asked(&sandbox).iter().filter(|line| *line == "GET /api/v1/events").count();
    assert_eq!(tries, 1);
}

#[tokio::test]
async fn a_cluster_that_lost_its_watches_knows_all_again() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    carry_out(&mut cluster, vec![apply(&namespace()), apply(&service("web"))]).await;
    sandbox.expire_watches();
    sandbox.remove(&service("web").key).unwrap();
    until(&mut cluster, "the loss is seen", |cluster| {
        cluster.observed().kinds.values().all(|state| *state == KindState::Synced)
            && !cluster.observed().solutions["use"].contains_key(&service("web").key)
    })
    .await;
}

#[tokio::test]
async fn what_is_no_cluster_is_said_in_a_sentence() {
    let (html, _) = fake::client(|_| fake::Says {
        code: 200,
        body: "<html>welcome</html>".to_owned(),
        held: false,
    });
    let error = Cluster::connect(html, settings()).await.err().unwrap();
    assert!(matches!(error, Unreachable::NotKubernetes(_)), "{error}");
    let (refuses, _) = fake::client(|_| {
        fake::Says::json(401, &json!({"kind": "Status", "code": 401, "message": "Unauthorized"}))
    });
    let error = Cluster::connect(refuses, settings()).await.err().unwrap();
    assert_eq!(error, Unreachable::Credentials);
    let sandbox = sandbox();
    sandbox.faults(|faults| faults.down = true);
    let error = Cluster::connect(sandbox.client(), settings()).await.err().unwrap();
    assert!(matches!(error, Unreachable::NoAnswer(_)), "{error}");
}

#[tokio::test]
async fn a_server_without_aggregated_discovery_is_simply_tried() {
    let sandbox = sandbox();
    sandbox.faults(|faults| faults.old_discovery = true);
    connect(&sandbox).await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_begins_nothing_more() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    carry_out(&mut cluster, vec![apply(&namespace())]).await;
    sandbox.faults(|faults| faults.latency = Duration::from_millis(50));
    sandbox.clear_requests();
    cluster.submit((0..24).map(|n| apply(&service(&format!("s{n}")))).collect());
    while sandbox.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    cluster.cluster.stop().await;
    let begun = sandbox.requests().len();
    assert!((1..=8).contains(&begun), "{begun}");
    let made = (0..24).filter(|n| sandbox.get(&service(&format!("s{n}")).key).is_some()).count();
    assert_eq!(made, begun, "each request was waited for");
}

#[tokio::test]
async fn a_step_on_an_object_that_is_gone_asks_nothing_and_creates_nothing() {
    let sandbox = sandbox();
    let mut cluster = connect(&sandbox).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    sandbox.clear_requests();
    let key = ObjectKey::namespaced(Kind::ScaledObject, "sol-use", "web");
    let steps = vec![Step::ForceActivation { key, on: true }];
    assert_eq!(carry_out(&mut cluster, steps).await, [Outcome::Gone]);
    assert_eq!(asked(&sandbox), [] as [&str; 0]);
}
