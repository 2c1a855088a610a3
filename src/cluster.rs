//! Observes the cluster and carries out steps: the only room that holds the Kubernetes client.
//!
//! In: [`Step`]s. Out: [`Observed`], kept true by one watch a kind, and an
//! [`Outcome`] a step. What to do, and above all what to delete, is decided
//! elsewhere.

mod approval;
mod client;
mod discovery;
mod execute;
mod facts;
#[cfg(test)]
mod fake;
mod health;
mod lease;
mod request;
mod store;
mod watch;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinSet;

pub use approval::{NotApproved, approve};
pub use client::{Unreachable, client};
pub use facts::{Asker, Whose};
pub use store::Touched;

use execute::{carry_out, needs_object, watched};
use request::Api;
use store::{Batch, Store, Written};
use vitrine_core::config;
use vitrine_core::model::{InstanceName, Revision, marks};
use vitrine_core::plan::facts::{Look, Question};
use vitrine_core::plan::observed::{Approval, Record};
use vitrine_core::plan::{Observed, Outcome, Step};
use watch::{News, Subject, Watch};

/// Events that wait for [`Cluster::next`]; a watch that finds no room waits.
const WAITING: usize = 1024;
/// Events that one call of [`Cluster::next`] takes at most.
const BATCH: usize = 4096;
/// The pause before a read of the Lease or of an approval is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// How the cluster is observed and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub instance: InstanceName,
    /// The daemon's own namespace: it holds the Lease and the approvals.
    pub namespace: String,
    /// Steps in flight at a time. Services are created slower beyond 4, all others faster to 8.
    pub parallel: usize,
    /// How long a request may take.
    pub deadline: Duration,
}

impl Settings {
    /// As the daemon's settings say.
    pub fn of(config: &config::Config) -> Self {
        Self::new(config.instance.clone(), config.cluster.namespace.as_str())
    }

    /// The settings with what has a default filled in.
    pub fn new(instance: InstanceName, namespace: impl Into<String>) -> Self {
        Self {
            instance,
            namespace: namespace.into(),
            parallel: 8,
            deadline: Duration::from_secs(30),
        }
    }
}

/// What tasks tell the [`Cluster`].
enum Arrival {
    Done {
        solution: String,
        step: Step,
        outcome: Outcome,
        written: Written,
    },
    Approval {
        name: String,
        approval: Option<Approval>,
    },
    Record(Record),
    /// Answers to what [`Cluster::look`] was asked.
    Facts(Vec<(Question, Look)>),
    /// What cannot be read, by the name that rights use; `None` = it can again.
    Problem(&'static str, Option<String>),
}

/// A step that waits for a worker.
struct Job {
    solution: String,
    step: Step,
    uid: Option<String>,
}

/// The cluster: its watches, what they say, and the steps under way.
pub struct Cluster {
    settings: Settings,
    api: Api,
    store: Store,
    news: mpsc::Receiver<(Subject, News)>,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    tell: mpsc::UnboundedSender<Arrival>,
    jobs: mpsc::UnboundedSender<Job>,
    again: Vec<Arc<Notify>>,
    /// Watches and reads: end with the cluster.
    tasks: JoinSet<()>,
    /// Workers: finish what they began.
    workers: JoinSet<()>,
    /// Steps submitted and not done.
    open: usize,
    /// Tells the workers to begin nothing more.
    stopping: Arc<AtomicBool>,
}

impl Cluster {
    /// Asks what the server offers (2 requests), then lists and watches every kind and reads the
    /// Lease.
    ///
    /// # Errors
    /// [`Unreachable`], for the operator.
    pub async fn connect(client: kube::Client, settings: Settings) -> Result<Self, Unreachable> {
        let api = Api { client, deadline: settings.deadline };
        let served = discovery::served(&api).await?;

        let (say, news) = mpsc::channel(WAITING);
        let (tell, arrivals) = mpsc::unbounded_channel();
        let (define, definitions) = tokio::sync::watch::channel(None);
        let mut tasks = JoinSet::new();
        let mut again = Vec::new();
        let ours = format!("{}={}", marks::INSTANCE, settings.instance);
        for subject in watched().map(Subject::Kind).chain([Subject::Definitions]) {
            let everybodys = match subject {
                Subject::Kind(kind) => kind == vitrine_core::model::Kind::Namespace,
                Subject::Definitions => true,
            };
            let notify = Arc::new(Notify::new());
            again.push(Arc::clone(&notify));
            let watch = Watch {
                api: api.clone(),
                subject,
                selector: (!everybodys).then(|| ours.clone()),
                out: say.clone(),
                definitions: definitions.clone(),
                again: notify,
                served: match subject {
                    Subject::Kind(kind) => served.has(kind),
                    Subject::Definitions => true,
                },
            };
            tasks.spawn(watch.run());
        }
        tasks.spawn(read_record(api.clone(), settings.clone(), tell.clone()));

        let stopping = Arc::new(AtomicBool::new(false));
        let (jobs, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut workers = JoinSet::new();
        for _ in 0..settings.parallel.max(1) {
            let instance = settings.instance.clone();
            workers.spawn(work(
                api.clone(),
                instance,
                Arc::clone(&queue),
                tell.clone(),
                Arc::clone(&stopping),
            ));
        }
        let store = Store::new(settings.instance.clone(), settings.namespace.clone(), define);
        Ok(Self {
            settings,
            api,
            store,
            news,
            arrivals,
            tell,
            jobs,
            again,
            tasks,
            workers,
            open: 0,
            stopping,
        })
    }

    /// The cluster as far as it is known.
    pub fn observed(&self) -> &Observed {
        &self.store.observed
    }

    /// What cannot be read, and who can mend it: a sentence for each resource, by the name that
    /// rights use (`deployments.apps`).
    pub fn problems(&self) -> &BTreeMap<String, String> {
        &self.store.problems
    }

    /// Waits for news, writes them and all others that are ready into [`Observed`], and says what
    /// they touch. May be empty: not all news change something. May be dropped while it waits.
    pub async fn next(&mut self) -> Vec<Touched> {
        let mut batch = Batch::default();
        tokio::select! {
            Some(arrival) = self.arrivals.recv() => self.arrive(arrival, &mut batch),
            Some((subject, news)) = self.news.recv() => self.store.hear(subject, news, &mut batch),
            else => std::future::pending().await,
        }
        for _ in 0..BATCH {
            if let Ok(arrival) = self.arrivals.try_recv() {
                self.arrive(arrival, &mut batch);
            } else if let Ok((subject, news)) = self.news.try_recv() {
                self.store.hear(subject, news, &mut batch);
            } else {
                break;
            }
        }
        for name in std::mem::take(&mut batch.read) {
            let (api, settings) = (self.api.clone(), self.settings.clone());
            self.tasks.spawn(read_approval(api, settings, name, self.tell.clone()));
        }
        // Ended reads are of no further interest.
        while self.tasks.try_join_next().is_some() {}
        batch.finish()
    }

    fn arrive(&mut self, arrival: Arrival, batch: &mut Batch) {
        match arrival {
            Arrival::Done { solution, step, outcome, written } => {
                self.open = self.open.saturating_sub(1);
                self.store.done(solution, step, outcome, written, batch);
            }
            Arrival::Approval { name, approval } => {
                self.store.approval(name, approval, batch);
            }
            Arrival::Record(record) => self.store.record(record, batch),
            Arrival::Facts(looks) => batch.facts.extend(looks),
            Arrival::Problem(what, Some(problem)) => {
                self.store.problems.insert(what.to_owned(), problem);
            }
            Arrival::Problem(what, None) => {
                self.store.problems.remove(what);
            }
        }
    }

    /// Starts these steps in their order, at most [`Settings::parallel`] at a time, and does not
    /// wait. Each object is in flight from now on; each step ends as [`Touched::Done`].
    pub fn submit(&mut self, solution: &str, steps: Vec<Step>) {
        for step in steps {
            let key = step.key();
            let uid = needs_object(&step).then(|| self.store.uid(&key)).flatten();
            self.store.observed.in_flight.insert(key);
            self.open += 1;
            let job = Job { solution: solution.to_owned(), step, uid };
            if let Err(mpsc::error::SendError(job)) = self.jobs.send(job) {
                // The workers live as long as the cluster; an end of all of them is a panic.
                let outcome = Outcome::Unavailable {
                    cause: "the daemon is stopping".to_owned(),
                    retry_after: None,
                };
                let Job { solution, step, .. } = job;
                let written = Written::Nothing;
                let _ = self.tell.send(Arrival::Done { solution, step, outcome, written });
            }
        }
    }

    /// Answers questions about what vitrine does not watch, and does not wait: they arrive as
    /// [`Touched::Facts`].
    pub fn look(&mut self, questions: BTreeSet<Question>) {
        let (api, tell) = (self.api.clone(), self.tell.clone());
        self.tasks.spawn(async move {
            let looks = facts::answers(&api, &Whose::Ours, questions).await;
            let _ = tell.send(Arrival::Facts(looks));
        });
    }

    /// Forgets what a look into a namespace found, so that the plan asks for another.
    pub fn forget_survey(&mut self, namespace: &str) {
        self.store.observed.surveys.remove(namespace);
    }

    /// Whether a step is under way or waits for a worker.
    pub fn busy(&self) -> bool {
        self.open > 0
    }

    /// Lists every kind again and repairs [`Observed`] where the watches missed something.
    pub fn audit(&self) {
        for notify in &self.again {
            notify.notify_one();
        }
    }

    /// Writes the record onto the Lease, and into [`Observed`]. One request.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn record(
        &mut self,
        applied: &Revision,
        root: &str,
        removals: &[(String, Timestamp)],
    ) -> Result<(), String> {
        lease::write(&self.api, &self.settings, applied, root, removals).await?;
        self.store.observed.record = Record::Kept {
            applied: Some(applied.clone()),
            root: Some(root.to_owned()),
            removals: removals.to_vec(),
        };
        Ok(())
    }

    /// Ends the watches, begins no further step and waits for those under way.
    pub async fn stop(self) {
        let Self { mut tasks, mut workers, jobs, stopping, .. } = self;
        stopping.store(true, Ordering::Release);
        drop(jobs);
        tasks.abort_all();
        while workers.join_next().await.is_some() {}
    }
}

/// Carries out one step after the other.
async fn work(
    api: Api,
    instance: InstanceName,
    queue: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>,
    tell: mpsc::UnboundedSender<Arrival>,
    stopping: Arc<AtomicBool>,
) {
    loop {
        let job = queue.lock().await.recv().await;
        let Some(Job { solution, step, uid }) = job else { return };
        if stopping.load(Ordering::Acquire) {
            return;
        }
        let (outcome, written) = if needs_object(&step) && uid.is_none() {
            (Outcome::Gone, Written::Nothing)
        } else {
            carry_out(&api, &instance, &step, uid).await
        };
        if tell.send(Arrival::Done { solution, step, outcome, written }).is_err() {
            return;
        }
    }
}

/// Reads the Lease, as often as it takes.
async fn read_record(api: Api, settings: Settings, tell: mpsc::UnboundedSender<Arrival>) {
    const WHAT: &str = "leases.coordination.k8s.io";
    loop {
        match lease::read(&api, &settings).await {
            Ok(record) => {
                let _ = tell.send(Arrival::Problem(WHAT, None));
                let _ = tell.send(Arrival::Record(record));
                return;
            }
            Err(failure) => {
                let problem = Some(lease::trouble(&settings, &failure));
                if tell.send(Arrival::Problem(WHAT, problem)).is_err() {
                    return;
                }
                tokio::time::sleep(failure.retry_after().unwrap_or(AGAIN)).await;
            }
        }
    }
}

/// Reads one approval, as often as it takes.
async fn read_approval(
    api: Api,
    settings: Settings,
    name: String,
    tell: mpsc::UnboundedSender<Arrival>,
) {
    const WHAT: &str = "configmaps (approvals)";
    loop {
        match approval::read(&api, &settings, &name).await {
            Ok(approval) => {
                let _ = tell.send(Arrival::Problem(WHAT, None));
                let _ = tell.send(Arrival::Approval { name, approval });
                return;
            }
            Err(failure) => {
                let problem = Some(format!(
                    "approval {}/{name} cannot be read: {}",
                    settings.namespace,
                    failure.sentence()
                ));
                if tell.send(Arrival::Problem(WHAT, problem)).is_err() {
                    return;
                }
                tokio::time::sleep(failure.retry_after().unwrap_or(AGAIN)).await;
            }
        }
    }
}
