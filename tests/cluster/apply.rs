//! What the edge of the cluster promises to the plan: steps are carried out as they stand, and what is observed is
//! what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vitrine::cluster::{self, Settings};
use vitrine_core::engine::{Answer, Batch, Event, OrderId, Sight};
use vitrine_core::model::{ContentHash, Kind, ObjectKey, Revision, SolutionName, marks};
use vitrine_core::plan::observed::{
    HealthFacts, KindState, Live, Observed, Owner, Record, Removal, Went,
};
use vitrine_core::plan::step::Why;
use vitrine_core::plan::{Form, Harm, Hold, Outcome, Step, Verified};
use vitrine_core::render::DesiredObject;

use crate::render::fixtures::{Case, cases, instance};
use crate::support::cluster::{Cluster, DAEMON_NAMESPACE};
use crate::support::objects;

const PATIENCE: Duration = Duration::from_secs(20);

scenario! {
    async fn what_was_applied_is_observed_as_ours(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        cluster.requests().take();
        let outcomes = engine.publish(&case).await;
        let created = Outcome::Applied { created: true };
        assert!(outcomes.iter().all(|outcome| *outcome == created), "{outcomes:?}");

        let objects = case.render().objects;
        let writes = cluster.requests().take_writes();
        assert_eq!(writes.len(), objects.len(), "one request an object: {writes:#?}");
        assert!(writes.iter().all(|w| w.method == "PATCH" && w.status == Some(201)), "{writes:#?}");

        engine.until("all of it is observed", |observed| {
            objects.iter().all(|object| as_applied(observed, object))
        })
        .await;

        // After a restart the watches alone tell the same.
        drop(engine);
        cluster.requests().take();
        let mut restarted = Engine::connect(cluster).await;
        restarted
            .until("all of it is observed again", |observed| {
                objects.iter().all(|object| as_applied(observed, object))
                    && observed.namespaces["sol-use"].owner == Owner::ThisInstance
            })
            .await;
        let writes = cluster.requests().take_writes();
        assert!(writes.is_empty(), "a restart wrote: {writes:#?}");
    }
}

scenario! {
    async fn a_foreign_edit_takes_the_field_out_of_our_set(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        engine.publish(&case).await;
        let wanted = object(&case, Kind::Deployment, "app");

        let api = objects::api(&cluster.admin_client(), Kind::Deployment, Some("sol-use"));
        let by = |manager: &str| PatchParams {
            field_manager: Some(manager.to_owned()),
            ..Default::default()
        };
        let image = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "app", "image": "registry.example/other:1"},
        ]}}}});
        api.patch("app", &by("kubectl-set"), &Patch::Strategic(&image)).await.unwrap();
        engine
            .until("the image is lost to kubectl-set", |observed| {
                let live = live(observed, &wanted.key);
                let lost = wanted.fields.missing_from(live.fields.as_ref().unwrap());
                lost.len() == 1
                    && lost[0].contains("containers") && lost[0].ends_with(".image")
                    && live.others.iter().any(|(manager, _)| &**manager == "kubectl-set")
            })
            .await;

        // The repair takes it back, and what others added stays theirs.
        let added = json!({"metadata": {"annotations": {"example.net/note": "mine"}}});
        api.patch("app", &by("kubectl-annotate"), &Patch::Merge(&added)).await.unwrap();
        let outcome = engine.carry_out("use", vec![apply_step(&wanted)]).await;
        assert_eq!(outcome, [Outcome::Applied { created: false }]);
        engine.until("it is ours again", |observed| as_applied(observed, &wanted)).await;
        let repaired = cluster.get(&wanted.key).await.unwrap();
        assert_eq!(repaired["metadata"]["annotations"]["example.net/note"], "mine");
        assert_eq!(
            repaired["spec"]["template"]["spec"]["containers"][0]["image"],
            wanted.body["spec"]["template"]["spec"]["containers"][0]["image"]
        );
    }
}

scenario! {
    async fn a_deployment_is_born_asleep_with_two_requests(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        let namespace = object(&case, Kind::Namespace, "sol-use");
        engine.carry_out("use", vec![apply_step(&namespace)]).await;
        let wanted = object(&case, Kind::Deployment, "app");
        let birth = || Step::Birth { object: whole(&wanted), revision: revision() };

        cluster.requests().take();
        let outcomes = engine.carry_out("use", vec![birth()]).await;
        assert_eq!(outcomes, [Outcome::Applied { created: true }]);
        let writes = cluster.requests().take_writes();
        let sent: Vec<_> = writes.iter().map(|w| (w.method.as_str(), w.manager().unwrap())).collect();
        assert_eq!(sent, [("POST", marks::BIRTH.into()), ("PATCH", marks::MANAGER.into())]);
        let born = cluster.get(&wanted.key).await.unwrap();
        assert_eq!(born["spec"]["replicas"], 0);
        engine.until("it is ours", |observed| as_applied(observed, &wanted)).await;
        assert!(live(engine.observed(), &wanted.key).birth);

        // A crash between the two requests: the second time finds it there.
        let outcomes = engine.carry_out("use", vec![birth()]).await;
        assert_eq!(outcomes, [Outcome::Applied { created: false }]);
        let writes = cluster.requests().take_writes();
        assert_eq!(writes.iter().map(|w| w.status).collect::<Vec<_>>(), [Some(409), Some(200)]);
        assert_eq!(cluster.get(&wanted.key).await.unwrap()["spec"]["replicas"], 0);
    }
}

scenario! {
    async fn a_scaled_object_goes_when_keda_lets_it_go(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        engine.publish(&case).await;
        let scaled = object(&case, Kind::ScaledObject, "app");
        engine
            .until("KEDA holds it and says that it is ready", |observed| {
                let live = live(observed, &scaled.key);
                !live.finalizers.is_empty()
                    && matches!(&live.health, HealthFacts::ScaledObject(facts)
                        if facts.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True"))
            })
            .await;
        let seen = live(engine.observed(), &scaled.key).clone();
        let delete = Step::Delete {
            key: scaled.key.clone(),
            uid: seen.uid,
            resource_version: seen.resource_version,
        };
        assert_eq!(engine.carry_out("use", vec![delete]).await, [Outcome::Deleted]);
        engine
            .until("it is gone", |observed| {
                !observed.solutions["use"].contains_key(&scaled.key)
            })
            .await;
    }
}

scenario! {
    async fn a_verification_wakes_a_solution_and_lets_it_sleep_again(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        engine.publish(&case).await;
        let deployment = object(&case, Kind::Deployment, "app");
        let scaled = object(&case, Kind::ScaledObject, "app").key.clone();
        let template = deployment.template.clone().unwrap();
        let facts = |observed: &Observed| match &live(observed, &deployment.key).health {
            HealthFacts::Deployment(facts) => facts.clone(),
            other => panic!("these are no facts of a Deployment: {other:?}"),
        };
        engine.until("it sleeps", |observed| facts(observed).wanted == 0).await;

        let force = |on| vec![Step::ForceActivation { key: scaled.clone(), on }];
        engine.carry_out("use", force(true)).await;
        engine
            .until("it is awake", |observed| {
                let facts = facts(observed);
                facts.wanted == 1 && facts.available == 1
                    && facts.observed_generation == facts.generation
            })
            .await;

        let key = deployment.key.clone();
        let verified = Step::Verified { key, template: template.clone(), result: Verified::Ok };
        engine.carry_out("use", vec![verified]).await;
        engine.carry_out("use", force(false)).await;
        engine
            .until("it sleeps again, verified", |observed| {
                let facts = facts(observed);
                facts.wanted == 0 && facts.verified == Some(format!("{template} ok"))
            })
            .await;
        // KEDA is nudged and wakes nothing, once and again.
        let nudged = |observed: &Observed| match &live(observed, &scaled).health {
            HealthFacts::ScaledObject(facts) => (facts.nudged, facts.forced),
            other => panic!("these are no facts of a ScaledObject: {other:?}"),
        };
        for mark in [true, false] {
            engine.carry_out("use", vec![Step::Nudge { key: scaled.clone(), mark }]).await;
            engine.until("it is nudged", |observed| nudged(observed) == (mark, false)).await;
            assert_eq!(facts(engine.observed()).wanted, 0);
        }
        // None of this was drift.
        assert!(as_applied(engine.observed(), &deployment));
    }
}

scenario! {
    async fn the_autoscaler_takes_over_at_the_live_number(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        let always_on = cases().into_iter().find(|case| case.name == "always-on").unwrap();
        let namespace = object(&case, Kind::Namespace, "sol-use");
        let own = object(&always_on, Kind::Deployment, "app");
        let replicas = own.body["spec"]["replicas"].as_i64().unwrap();
        assert!(replicas > 1, "1 is also what a dropped field would become");
        engine.carry_out("use", vec![apply_step(&namespace), apply_step(&own)]).await;

        let scaled = object(&case, Kind::Deployment, "app");
        let step = Step::Handover {
            object: whole(&scaled),
            revision: revision(),
            left: None,
            replicas: i32::try_from(replicas).unwrap(),
        };
        let outcomes = engine.carry_out("use", vec![step]).await;
        assert_eq!(outcomes, [Outcome::Applied { created: false }]);
        assert_eq!(cluster.get(&scaled.key).await.unwrap()["spec"]["replicas"], replicas);
        engine.until("it no longer owns replicas", |observed| as_applied(observed, &scaled)).await;
    }
}

scenario! {
    async fn foreign_work_in_a_namespace_is_found(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        engine.publish(&case).await;
        let survey = || vec![Step::Survey { namespace: "sol-use".into() }];
        assert_eq!(engine.carry_out("use", survey()).await, [Outcome::Surveyed]);
        assert_eq!(engine.observed().surveys["sol-use"].foreign, [""; 0]);

        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "results", "namespace": "sol-use"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        });
        objects::apply(&cluster.admin_client(), &claim, "kubectl").await.unwrap();
        engine.carry_out("use", survey()).await;
        assert_eq!(
            engine.observed().surveys["sol-use"].foreign,
            ["PersistentVolumeClaim/results"]
        );
    }
}

scenario! {
    async fn a_refusal_carries_the_servers_words_and_the_fields(cluster: &Cluster) {
        let case = minimal();
        let mut engine = Engine::connect(cluster).await;
        let namespace = object(&case, Kind::Namespace, "sol-use");
        let service = object(&case, Kind::Service, "app");

        // A namespace that went in between is not the body's fault.
        let outcomes = engine.carry_out("use", vec![apply_step(&service)]).await;
        let [Outcome::Unavailable { cause, .. }] = outcomes.as_slice() else {
            panic!("{outcomes:?}")
        };
        assert!(cause.contains("sol-use"), "{cause}");

        engine.carry_out("use", vec![apply_step(&namespace)]).await;
        let broken = with(&service, |body| body["spec"]["ports"][0]["port"] = json!(70_000));
        let outcomes = engine.carry_out("use", vec![apply_step(&broken)]).await;
        let [Outcome::Rejected(rejection)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
        assert_eq!((rejection.code, rejection.reason.as_str()), (422, "Invalid"));
        let fields: Vec<&str> = rejection.causes.iter().map(|(field, _)| field.as_str()).collect();
        assert!(fields.contains(&"spec.ports[0].port"), "{rejection:?}");

        // Strictly judged: a field that nobody knows is no silent loss. The server calls this one a
        // 500, so it cannot be told from a fault of its own; but its words name the field.
        let unknown = with(&service, |body| body["spec"]["prots"] = json!([]));
        let outcomes = engine.carry_out("use", vec![apply_step(&unknown)]).await;
        assert!(format!("{outcomes:?}").contains("spec.prots"), "{outcomes:?}");
        assert!(!matches!(outcomes[0], Outcome::Applied { .. }), "{outcomes:?}");
        assert_eq!(cluster.get(&service.key).await, None);
    }
}

scenario! {
    async fn a_kind_whose_definition_comes_later_is_followed(cluster: &Cluster) {
        cluster.remove_definition(Kind::ScaledObject).await;
        let mut engine = Engine::connect(cluster).await;
        engine
            .until("the kind is absent and the others are not", |observed| {
                observed.kinds.get(&Kind::ScaledObject) == Some(&KindState::Absent)
                    && observed.kinds.get(&Kind::HttpRoute) == Some(&KindState::Synced)
            })
            .await;
        cluster.install_definition(Kind::ScaledObject).await;
        engine
            .until("the kind is synced", |observed| {
                observed.kinds.get(&Kind::ScaledObject) == Some(&KindState::Synced)
            })
            .await;
    }
}

scenario! {
    async fn the_record_outlives_the_daemon(cluster: &Cluster) {
        let mut engine = Engine::connect(cluster).await;
        engine.until("there is no Lease", |observed| observed.record == Record::Missing).await;
        let removed = vec![Removal {
            name: SolutionName::parse("old").unwrap(),
            at: "2026-11-24T12:00:00Z".parse().unwrap(),
            why: Went::Moved,
        }];
        engine.record("demos", &removed).await;

        let kept = Record::Kept {
            applied: Some(revision()),
            root: Some("demos".into()),
            removals: removed,
        };
        let mut restarted = Engine::connect(cluster).await;
        restarted.until("the record is read", |observed| observed.record == kept).await;
    }
}

scenario! {
    only real, because "the sandbox knows no rights";
    async fn whoever_is_bound_to_the_approvers_role_may_approve_and_nobody_else(cluster: &Cluster) {
        let plane = cluster.plane();
        let settings = Settings::new(instance(), DAEMON_NAMESPACE);
        let deletions = BTreeSet::from([ObjectKey::cluster(Kind::Namespace, "sol-use")]);
        let harm = Harm { deletions, ..Harm::default() };
        let hash = harm.hash();
        let approve = async |client| {
            cluster::approve(client, &settings, &hash.to_string(), &harm).await
        };
        let stranger = plane.client_of("eve", None).await.unwrap();
        let refused = approve(stranger).await.unwrap_err();
        assert!(refused.to_string().contains("eve"), "{refused}");

        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "approvers", "namespace": DAEMON_NAMESPACE},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "vitrine-approver",
            },
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "platform-team"},
            ],
        });
        objects::apply(&cluster.admin_client(), &binding, "kubectl").await.unwrap();
        let mut engine = Engine::connect(cluster).await;
        let member = plane.client_of("adam", Some("platform-team")).await.unwrap();
        // A right arrives at the authorizer a moment after it was given.
        let approved = async {
            while approve(member.clone()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, approved).await.expect("a bound person may approve");
        engine
            .until("the approval is read", |observed| {
                observed.approvals.values().any(|a| a.hash == hash && a.harm == harm)
            })
            .await;
        let first = cluster_approval(cluster, &hash).await;

        // Again, as after it expired: it is a new one.
        approve(member.clone()).await.unwrap();
        let second = cluster_approval(cluster, &hash).await;
        assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);

        // Whoever may approve finds what is held, and nobody else.
        engine.post(Some(hold(&harm))).await;
        let of = vitrine_core::config::Cluster {
            kubeconfig: None, context: None, namespace: DAEMON_NAMESPACE.to_owned(),
            mode: vitrine_core::config::Mode::Apply,
        };
        let found = cluster::held_lists(member.clone(), &of, None, false).await.unwrap();
        let found: Vec<_> = found.iter().map(|list| (&list.hash, &list.harm)).collect();
        assert_eq!(found, [(&hash, &harm)]);
        let other = vitrine_core::model::InstanceName::parse("other").unwrap();
        let none = cluster::held_lists(member.clone(), &of, Some(&other), true).await.unwrap();
        assert_eq!(none, []);
        let stranger = plane.client_of("eve", None).await.unwrap();
        let refused = cluster::held_lists(stranger, &of, None, false).await.unwrap_err();
        assert!(refused.contains("vitrine-approver"), "{refused}");
        engine.post(None).await;
        assert_eq!(cluster::held_lists(member, &of, None, true).await.unwrap(), []);
    }
}

/// The daemon's half that the steps go through.
pub struct Engine {
    inner: cluster::Cluster,
    sight: Sight,
    last: u64,
    approvals: BTreeMap<OrderId, String>,
}

impl Engine {
    pub async fn connect(cluster: &Cluster) -> Self {
        let settings = Settings::new(instance(), DAEMON_NAMESPACE);
        let inner = cluster::Cluster::connect(cluster.client(), settings).await;
        let inner = inner.expect("the API server answers");
        let sight = Sight::new(instance(), DAEMON_NAMESPACE.to_owned(), 7);
        Self { inner, sight, last: 0, approvals: BTreeMap::new() }
    }

    pub fn observed(&self) -> &Observed {
        &self.sight.observed
    }

    fn order(&mut self) -> OrderId {
        self.last += 1;
        OrderId(self.last)
    }

    /// Takes in what happened. The answers to what else was ordered come back.
    async fn hear(&mut self, step: Option<(&SolutionName, &Step)>) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut batch = Batch::default();
        for event in self.inner.next().await {
            let Some(event) = self.sight.take(event, &mut batch) else { continue };
            match event {
                Event::Answered(_, Answer::Step(outcome, written)) => {
                    let (solution, step) = step.expect("one step is out");
                    self.sight.done(solution, step, written.clone(), None, &mut batch);
                    answers.push(Answer::Step(outcome, written));
                }
                Event::Answered(id, Answer::Approval(approval)) => {
                    let name = self.approvals.remove(&id).expect("it was asked for");
                    self.sight.approval(name, approval, &mut batch);
                }
                Event::Answered(_, answer) => answers.push(answer),
                other => panic!("{other:?}"),
            }
        }
        for kind in self.sight.relist().into_iter().chain(self.sight.late()) {
            self.inner.relist(kind);
        }
        for name in batch.read {
            let id = self.order();
            self.approvals.insert(id, name.clone());
            self.inner.read_approval(id, name);
        }
        answers
    }

    /// Takes news until it is so.
    pub async fn until(&mut self, told: &str, is: impl Fn(&Observed) -> bool) {
        let waiting = async {
            while !known(self.observed()) || !is(self.observed()) {
                self.hear(None).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(in_time, "not so within {PATIENCE:?}: {told}\n{:#?}", self.observed());
    }

    /// The outcomes of these steps, in their order.
    pub async fn carry_out(&mut self, solution: &str, steps: Vec<Step>) -> Vec<Outcome> {
        let solution = SolutionName::parse(solution).unwrap();
        let mut outcomes = Vec::new();
        for step in steps {
            let id = self.order();
            let uid = self.sight.live(&step.key()).map(|live| live.uid.clone());
            self.inner.submit(id, step.clone(), uid);
            let done = async {
                loop {
                    for answer in self.hear(Some((&solution, &step))).await {
                        if let Answer::Step(outcome, _) = answer {
                            return outcome;
                        }
                    }
                }
            };
            let outcome = tokio::time::timeout(PATIENCE, done).await;
            outcomes.push(outcome.unwrap_or_else(|_| panic!("no end of {step:?}")));
        }
        outcomes
    }

    /// Writes the record onto the Lease.
    async fn record(&mut self, root: &str, removals: &[Removal]) {
        let id = self.order();
        self.inner.record(id, revision(), root.to_owned(), removals.to_vec());
        loop {
            for answer in self.hear(None).await {
                if let Answer::Recorded(written) = answer {
                    return drop(written.unwrap());
                }
            }
        }
    }

    /// Writes the list of what is held, or takes it away.
    async fn post(&mut self, hold: Option<Hold>) {
        let id = self.order();
        self.inner.post(id, hold.map(Box::new));
        loop {
            for answer in self.hear(None).await {
                if let Answer::Posted(written) = answer {
                    return written.unwrap();
                }
            }
        }
    }

    /// Applies every object of a case, in the order of the waves.
    pub async fn publish(&mut self, case: &Case) -> Vec<Outcome> {
        let desired = case.render();
        let name = desired.solution.to_string();
        self.carry_out(&name, desired.objects.iter().map(apply_step).collect()).await
    }
}

/// Has every kind been looked at?
fn known(observed: &Observed) -> bool {
    Kind::RENDERED
        .iter()
        .all(|kind| !matches!(observed.kinds.get(kind), None | Some(KindState::Unknown)))
        && observed.record != Record::Unread
}

pub fn live<'a>(observed: &'a Observed, key: &ObjectKey) -> &'a Live {
    let found = observed.solutions.values().find_map(|objects| objects.get(key));
    found.unwrap_or_else(|| panic!("{key:?} is not observed"))
}

/// Is the object observed exactly as it was applied?
pub fn as_applied(observed: &Observed, wanted: &DesiredObject) -> bool {
    let found = observed.solutions.values().find_map(|objects| objects.get(&wanted.key));
    found.is_some_and(|live| {
        live.is_ours()
            && live.fields.as_deref() == Some(&*wanted.fields)
            && live.content.as_ref() == Some(&wanted.content)
            && live.revision.as_deref() == Some(&revision())
    })
}

pub fn minimal() -> Case {
    cases().into_iter().find(|case| case.name == "minimal").unwrap()
}

pub fn object(case: &Case, kind: Kind, name: &str) -> Arc<DesiredObject> {
    let desired = case.render();
    let found = desired.objects.iter().find(|o| o.key.kind == kind && o.key.name == name);
    found.unwrap_or_else(|| panic!("{} has no {kind}/{name}", case.name)).clone()
}

/// The object with another body.
fn with(object: &DesiredObject, change: impl FnOnce(&mut Value)) -> Arc<DesiredObject> {
    let mut object = object.clone();
    change(&mut object.body);
    Arc::new(object)
}

fn apply_step(object: &Arc<DesiredObject>) -> Step {
    Step::Apply { object: whole(object), revision: revision(), left: None, why: Why::Create }
}

/// The object as a step takes it along.
fn whole(object: &DesiredObject) -> Arc<Form> {
    Arc::new(Form::whole(object))
}

fn revision() -> Revision {
    Revision::parse("0123456789abcdef0123456789abcdef01234567").unwrap()
}

fn hold(harm: &Harm) -> Hold {
    Hold {
        hash: harm.hash(),
        harm: harm.clone(),
        disappearing: BTreeSet::new(),
        staying: BTreeSet::new(),
        moving: BTreeSet::new(),
        reason: "would remove 1 of 1 solution".to_owned(),
    }
}

async fn cluster_approval(cluster: &Cluster, hash: &ContentHash) -> Value {
    let name = format!("vitrine-{}-approval-{}", instance(), hash.first(12));
    let key = ObjectKey::namespaced(Kind::ConfigMap, DAEMON_NAMESPACE, name);
    cluster.get(&key).await.expect("the approval is there")
}
