//! One number of solutions, measured from both sides.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use vitrine_core::model::{Kind, ObjectKey};

use crate::arguments::{Arguments, On, Workload};
use crate::bare::HAND;
use crate::daemon::INSTANCE;
use crate::judge::{Counts, Judge};
use crate::process::{self, Memory};
use crate::report::{self, Section};
use crate::seen::Seen;
use crate::subject::{Published, Subject, Who, commit};
use crate::support::catalogue::Catalogue;
use crate::support::cluster::DAEMON_NAMESPACE;
use crate::support::objects;

/// How many requests the bare client has in flight. The better counts.
pub const IN_FLIGHT: [usize; 2] = [8, 16];
/// After this long a process has finished what its last work left, such as notes.
const ECHO: Duration = Duration::from_secs(2);
/// Between two commits, and two edits: one at a time.
const PAUSE: Duration = Duration::from_millis(300);

/// A first publication.
pub struct First {
    pub published: Published,
    pub sent: Counts,
    pub cpu: Duration,
    /// Of API server and etcd.
    pub server_cpu: Option<Duration>,
    /// Of this process, which plays the other controllers.
    pub own_cpu: Duration,
    pub memory: Memory,
    /// The requests that wrote, where the server tells them.
    pub writes: Option<BTreeMap<String, u64>>,
}

/// What everything costs once it is published.
pub struct Later {
    pub idle: Idle,
    /// Of vitrine only: the bare client knows no commits.
    pub touches_nothing: Option<Steps>,
    pub changed: Steps,
    pub repaired: Spread,
    pub restart: Restart,
}

/// Nothing happens.
pub struct Idle {
    pub lasted: Duration,
    pub sent: Counts,
    pub cpu: Duration,
}

/// The same thing again and again.
pub struct Steps {
    pub took: Spread,
    /// `git commit` itself.
    pub committed: Option<Spread>,
    pub cpu_each: Duration,
    pub sent: Counts,
}

/// After `kill -9`.
pub struct Restart {
    pub ready: Duration,
    pub sent: Counts,
    pub memory: Memory,
}

/// How long a thing took each time, the shortest first.
#[derive(Default)]
pub struct Spread {
    sorted: Vec<Duration>,
    /// Not seen in time.
    pub missed: usize,
}

impl Spread {
    fn of(took: Vec<Option<Duration>>) -> Self {
        let missed = took.iter().filter(|one| one.is_none()).count();
        let mut sorted: Vec<Duration> = took.into_iter().flatten().collect();
        sorted.sort();
        Self { sorted, missed }
    }

    /// So many of a hundred took at most this long.
    pub fn percentile(&self, of_hundred: usize) -> Option<Duration> {
        let rank = (self.sorted.len() * of_hundred).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }

    /// How often it was tried.
    pub fn times(&self) -> usize {
        self.sorted.len() + self.missed
    }
}

/// A catalogue, and a fresh cluster.
struct Scene<'a> {
    catalogue: &'a Catalogue,
    names: &'a [String],
    judge: Judge,
}

/// Measures both sides of so many solutions.
pub async fn one_size(arguments: &Arguments, solutions: usize) -> Section {
    let names = names(solutions);
    let catalogue = catalogue(&names);
    let scene =
        async |on| Scene { catalogue: &catalogue, names: &names, judge: Judge::start(on).await };
    let on = arguments.on();

    let mut fixed = Vec::new();
    for in_flight in IN_FLIGHT {
        report::progress(&format!(
            "{solutions}: bare client, fixed objects, {in_flight} in flight"
        ));
        let who = Who::Bare { workload: Workload::Fixed, in_flight };
        fixed.push(scene(on).await.first(who).await.1);
    }
    let (mut bare, mut bare_later) = (Vec::new(), None);
    for in_flight in IN_FLIGHT {
        report::progress(&format!("{solutions}: bare client, {in_flight} in flight"));
        let who = Who::Bare { workload: Workload::Rendered, in_flight };
        let scene = scene(on).await;
        let (subject, first) = scene.first(who).await;
        bare.push(first);
        if bare_later.is_none() {
            report::progress(&format!("{solutions}: bare client, what comes later"));
            bare_later = Some(scene.later(who, subject, arguments).await);
        }
    }
    report::progress(&format!("{solutions}: vitrine"));
    let scene = scene(on).await;
    let (subject, vitrine) = scene.first(Who::Vitrine).await;
    report::progress(&format!("{solutions}: vitrine, what comes later"));
    let vitrine_later = scene.later(Who::Vitrine, subject, arguments).await;
    Section {
        on,
        solutions,
        fixed,
        bare,
        bare_later: bare_later.expect("it was measured"),
        vitrine,
        vitrine_later,
    }
}

/// So many names.
pub fn names(solutions: usize) -> Vec<String> {
    (0..solutions).map(|n| format!("demo-{n:05}")).collect()
}

/// A catalogue with a small service of each name.
pub fn catalogue(names: &[String]) -> Catalogue {
    Catalogue::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A first publication on a fresh cluster, for whoever needs that alone.
pub async fn publication(on: On, who: Who, names: &[String]) -> First {
    let catalogue = catalogue(names);
    let scene = Scene { catalogue: &catalogue, names, judge: Judge::start(on).await };
    scene.first(who).await.1
}

impl Scene<'_> {
    async fn first(&self, who: Who) -> (Subject, First) {
        self.judge.calm().await;
        let (server, own) = (self.judge.cpu(), process::cpu(std::process::id()));
        let before = self.judge.counts().await;
        let (subject, published) = who.publish(self.catalogue, self.names, &self.judge).await;
        self.judge.calm().await;
        tokio::time::sleep(ECHO).await;
        let server_cpu = self.judge.cpu().zip(server).map(|(after, before)| after - before);
        let own_cpu = process::cpu(std::process::id()) - own;
        let first = First {
            published,
            sent: self.judge.counts().await.since(before),
            cpu: process::cpu(subject.id()),
            server_cpu,
            own_cpu,
            memory: process::memory(subject.id()),
            writes: self.judge.writes(),
        };
        (subject, first)
    }

    async fn later(&self, who: Who, mut subject: Subject, arguments: &Arguments) -> Later {
        let samples = arguments.samples();
        let idle = self.idle(&subject, arguments.idle()).await;
        let touches_nothing = match &subject {
            Subject::Bare(_) => None,
            Subject::Vitrine(_) => Some(self.touch_nothing(&subject, samples).await),
        };
        let changed = self.change(&mut subject, samples).await;
        let repaired = self.edit_by_hand(samples).await;
        drop(subject);
        let restart = self.restart(who).await;
        Later { idle, touches_nothing, changed, repaired, restart }
    }

    async fn idle(&self, subject: &Subject, lasted: Duration) -> Idle {
        let (sent, cpu) = (self.judge.counts().await, process::cpu_of_threads(subject.id()));
        tokio::time::sleep(lasted).await;
        let cpu = process::cpu_of_threads(subject.id()).saturating_sub(cpu);
        Idle { lasted, sent: self.judge.counts().await.since(sent), cpu }
    }

    /// Commits that touch no solution. Each is over when the Lease calls it applied.
    async fn touch_nothing(&self, subject: &Subject, samples: usize) -> Steps {
        let mut lease = Seen::on(self.lease()).await;
        let (sent, cpu) = (self.judge.counts().await, process::cpu(subject.id()));
        let (mut took, mut committed) = (Vec::new(), Vec::new());
        for n in 0..samples {
            self.catalogue.write("NOTES.md", &format!("Nothing of vitrine's, {n}.\n"));
            let (done, itself) = commit(self.catalogue, "A note for ourselves");
            committed.push(Some(itself));
            let head = self.catalogue.head();
            let applied = lease
                .until(|o| o["metadata"]["annotations"]["vitrine.dev/applied"] == head.as_str())
                .await;
            took.push(applied.map(|at| at.saturating_duration_since(done)));
            tokio::time::sleep(PAUSE).await;
        }
        self.steps(subject, took, committed, sent, cpu).await
    }

    fn lease(&self) -> Api<DynamicObject> {
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": DAEMON_NAMESPACE, "name": format!("vitrine-{INSTANCE}")},
        });
        objects::api_of(&self.judge.admin(), &lease).unwrap()
    }

    /// Another image for one solution. Each is over when the API server has it.
    async fn change(&self, subject: &mut Subject, samples: usize) -> Steps {
        let deployments = objects::api(&self.judge.admin(), Kind::Deployment, None);
        let mut deployments = Seen::on(deployments).await;
        let (sent, cpu) = (self.judge.counts().await, process::cpu(subject.id()));
        let (mut took, mut committed) = (Vec::new(), Vec::new());
        for n in 0..samples {
            let name = &self.names[n * 7 % self.names.len()];
            let digest = format!("{:064x}", n + 1);
            let change = || subject.change(self.catalogue, name, &digest);
            let (done, itself) = tokio::task::block_in_place(change);
            committed.extend(itself.map(Some));
            let key = ObjectKey::namespaced(Kind::Deployment, format!("sol-{name}"), "app");
            let at = deployments.until(|o| is_at(o, &key) && runs(o, &digest)).await;
            if at.is_none() {
                let stored = objects::get(&self.judge.admin(), &key).await.unwrap();
                let stored = stored.is_some_and(|o| runs(&o, &digest));
                report::progress(&format!(
                    "the image of {name} was not seen in time; the API server {}",
                    if stored { "has it, so the benchmark missed it" } else { "lacks it" }
                ));
            }
            took.push(at.map(|at| at.saturating_duration_since(done)));
            tokio::time::sleep(PAUSE).await;
        }
        self.steps(subject, took, committed, sent, cpu).await
    }

    async fn steps(
        &self,
        subject: &Subject,
        took: Vec<Option<Duration>>,
        committed: Vec<Option<Duration>>,
        sent: Counts,
        cpu: Duration,
    ) -> Steps {
        tokio::time::sleep(ECHO).await;
        let each = u32::try_from(took.len().max(1)).expect("few samples");
        Steps {
            took: Spread::of(took),
            committed: (!committed.is_empty()).then(|| Spread::of(committed)),
            cpu_each: (process::cpu(subject.id()) - cpu) / each,
            sent: self.judge.counts().await.since(sent),
        }
    }

    /// Somebody turns a Service away from its pods. Each is over when the API server has ours again,
    /// and begins when it has theirs.
    async fn edit_by_hand(&self, samples: usize) -> Spread {
        const WHOSE: &str = "vitrine.dev/component";
        let services = objects::api(&self.judge.admin(), Kind::Service, None);
        let mut services = Seen::on(services).await;
        let mut took = Vec::new();
        for n in 0..samples {
            let namespace = format!("sol-{}", self.names[n * 11 % self.names.len()]);
            let key = ObjectKey::namespaced(Kind::Service, &namespace, "app");
            let api = objects::api(&self.judge.admin(), Kind::Service, Some(&namespace));
            let edit = Patch::Merge(json!({"spec": {"selector": {WHOSE: "mine"}}}));
            let by_hand =
                PatchParams { field_manager: Some(HAND.to_owned()), ..PatchParams::default() };
            api.patch("app", &by_hand, &edit).await.expect("the administrator may edit");
            let is = |whose: &'static str| {
                let key = key.clone();
                move |o: &Value| is_at(o, &key) && o["spec"]["selector"][WHOSE] == whose
            };
            let theirs = services.until(is("mine")).await;
            let ours = services.until(is("app")).await;
            took.push(theirs.zip(ours).map(|(theirs, ours)| ours - theirs));
            tokio::time::sleep(PAUSE).await;
        }
        Spread::of(took)
    }

    async fn restart(&self, who: Who) -> Restart {
        let sent = self.judge.counts().await;
        let begin = Instant::now();
        let subject = who.start(self.catalogue, self.names, &self.judge).await;
        let ready = begin.elapsed();
        tokio::time::sleep(ECHO).await;
        Restart {
            ready,
            sent: self.judge.counts().await.since(sent),
            memory: process::memory(subject.id()),
        }
    }
}

fn is_at(object: &Value, key: &ObjectKey) -> bool {
    let metadata = &object["metadata"];
    metadata["name"] == key.name.as_str()
        && metadata["namespace"].as_str() == key.namespace.as_deref()
}

fn runs(deployment: &Value, digest: &str) -> bool {
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    image.as_str().is_some_and(|image| image.ends_with(digest))
}
