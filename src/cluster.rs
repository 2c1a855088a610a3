//! Observes the cluster and carries out steps: the only room that holds the Kubernetes client.
//!
//! In: what the engine orders. Out: [`Event`]s of one watch a kind, what Kubernetes' own Events say of
//! our pods where that may be read, and an answer to each order.
//! What to do, and above all what to delete, is decided elsewhere.

mod approval;
mod client;
mod definitions;
mod discovery;
mod dry_run;
mod execute;
mod facts;
#[cfg(test)]
mod fake;
mod health;
mod lease;
mod request;
mod route;
mod said;
mod settings;
mod subject;
mod watch;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinSet;

pub use approval::{HeldList, NotApproved, approve, held_lists};
pub use client::{Unreachable, client};
pub use facts::{Asker, Whose};
pub use settings::Settings;

use definitions::Registry;
use execute::{carry_out, watched};
use request::Api;
use subject::Subject;
use vitrine_core::engine::{Answer, Event, News, OrderId};
use vitrine_core::model::{InstanceName, Kind, Revision, Uid, marks};
use vitrine_core::plan::facts::Question;
use vitrine_core::plan::observed::{Problem, Record, Removal};
use vitrine_core::plan::{Form, Hold, Step};
use watch::Watch;

/// News that wait for [`Cluster::next`]; a watch that finds no room waits.
const WAITING: usize = 256;
/// News that one call of [`Cluster::next`] takes at most.
const MOST: usize = 1024;
/// News of one event at most.
const BATCH: usize = 500;
/// The pause before a read of the Lease or of an approval is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// A step that waits for a worker.
struct Job {
    id: OrderId,
    step: Step,
    uid: Option<Uid>,
}

/// The cluster: its watches, and the steps under way.
pub struct Cluster {
    settings: Settings,
    api: Api,
    definitions: Registry,
    news: mpsc::Receiver<(Subject, News)>,
    arrivals: mpsc::UnboundedReceiver<Event>,
    tell: mpsc::UnboundedSender<Event>,
    jobs: mpsc::UnboundedSender<Job>,
    again: BTreeMap<Subject, Arc<Notify>>,
    /// Watches and reads: end with the cluster.
    tasks: JoinSet<()>,
    /// Workers: finish what they began.
    workers: JoinSet<()>,
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
        let (registry, definitions) = Registry::new();
        let mut tasks = JoinSet::new();
        let mut again = BTreeMap::new();
        let ours = format!("{}={}", marks::INSTANCE, settings.instance);
        for subject in watched().map(Subject::Kind).chain([Subject::Definitions, Subject::Events]) {
            let selector = match subject {
                Subject::Kind(Kind::Namespace) | Subject::Definitions => None,
                Subject::Kind(_) => Some(("labelSelector", ours.clone())),
                Subject::Events => Some(("fieldSelector", said::selector())),
            };
            let notify = Arc::new(Notify::new());
            again.insert(subject, Arc::clone(&notify));
            let watch = Watch {
                api: api.clone(),
                subject,
                selector,
                out: say.clone(),
                definitions: definitions.clone(),
                again: notify,
                served: match subject {
                    Subject::Kind(kind) => served.has(kind),
                    Subject::Definitions | Subject::Events => true,
                },
            };
            tasks.spawn(watch.run());
        }
        let heard = |(record, version)| Event::Lease(record, version);
        tasks.spawn(read_lease(api.clone(), settings.clone(), tell.clone(), heard));

        let stopping = Arc::new(AtomicBool::new(false));
        let (jobs, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut workers = JoinSet::new();
        for _ in 0..settings.parallel.max(1) {
            let (queue, stopping) = (Arc::clone(&queue), Arc::clone(&stopping));
            workers.spawn(work(
                api.clone(),
                settings.instance.clone(),
                queue,
                tell.clone(),
                stopping,
            ));
        }
        Ok(Self {
            settings,
            api,
            definitions: registry,
            news,
            arrivals,
            tell,
            jobs,
            again,
            tasks,
            workers,
            stopping,
        })
    }

    /// Waits for something to happen, and says it with all else that waits. May be empty: not all
    /// news concern anybody. May be dropped while it waits.
    pub async fn next(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        tokio::select! {
            Some(arrival) = self.arrivals.recv() => events.push(arrival),
            Some((subject, news)) = self.news.recv() => self.hear(subject, news, &mut events),
            else => std::future::pending().await,
        }
        for _ in 0..MOST {
            if let Ok(arrival) = self.arrivals.try_recv() {
                events.push(arrival);
            } else if let Ok((subject, news)) = self.news.try_recv() {
                self.hear(subject, news, &mut events);
            } else {
                break;
            }
        }
        // Ended reads are of no further interest.
        while self.tasks.try_join_next().is_some() {}
        events
    }

    fn hear(&mut self, subject: Subject, news: News, events: &mut Vec<Event>) {
        let kind = match subject {
            Subject::Definitions => return events.extend(self.definitions.hear(news)),
            Subject::Events => return remark(news, events),
            Subject::Kind(kind) => kind,
        };
        match events.last_mut() {
            Some(Event::Watched(last, batch)) if *last == kind && batch.len() < BATCH => {
                batch.push(news);
            }
            _ => events.push(Event::Watched(kind, vec![news])),
        }
    }

    /// Carries out a step when a worker is free; at most [`Settings::parallel`] at a time, in their
    /// order.
    pub fn submit(&mut self, id: OrderId, step: Step, uid: Option<Uid>) {
        if self.jobs.send(Job { id, step, uid }).is_err() {
            // The workers live as long as the cluster; an end of all of them is a panic.
            let _ = self.tell.send(Event::Lost(id));
        }
    }

    /// Answers questions about what is not watched.
    pub fn ask(&mut self, id: OrderId, questions: BTreeSet<Question>) {
        let (api, tell) = (self.api.clone(), self.tell.clone());
        self.tasks.spawn(async move {
            let looks = facts::answers(&api, &Whose::Ours, questions).await;
            let _ = tell.send(Event::Answered(id, Answer::Facts(looks)));
        });
    }

    /// Asks whether these objects would be taken; nothing of it is kept.
    pub fn dry_run(&mut self, id: OrderId, revision: Revision, objects: Vec<Arc<Form>>) {
        let (api, tell) = (self.api.clone(), self.tell.clone());
        self.tasks.spawn(async move {
            let said = dry_run::ask(&api, &revision, objects).await;
            let _ = tell.send(Event::Answered(id, Answer::DryRun(said)));
        });
    }

    /// Lists a kind again; with the pods what Events say of them.
    pub fn relist(&self, kind: Kind) {
        let events = (kind == Kind::Pod).then_some(Subject::Events);
        for subject in [Subject::Kind(kind)].into_iter().chain(events) {
            if let Some(notify) = self.again.get(&subject) {
                notify.notify_one();
            }
        }
    }

    /// Reads the Lease again, as often as it takes.
    pub fn read_lease(&mut self, id: OrderId) {
        let (api, settings, tell) = (self.api.clone(), self.settings.clone(), self.tell.clone());
        let heard = move |(record, version)| Event::Answered(id, Answer::Lease(record, version));
        self.tasks.spawn(read_lease(api, settings, tell, heard));
    }

    /// Writes the record onto the Lease. One request.
    pub fn record(&mut self, id: OrderId, applied: Revision, root: String, removals: Vec<Removal>) {
        let (api, settings, tell) = (self.api.clone(), self.settings.clone(), self.tell.clone());
        // Like a step: what was begun is finished.
        self.workers.spawn(async move {
            let written = lease::write(&api, &settings, &applied, &root, &removals).await;
            let _ = tell.send(Event::Answered(id, Answer::Recorded(written)));
        });
    }

    /// Reads an approval, as often as it takes.
    pub fn read_approval(&mut self, id: OrderId, name: String) {
        let (api, settings, tell) = (self.api.clone(), self.settings.clone(), self.tell.clone());
        self.tasks.spawn(read_approval(api, settings, id, name, tell));
    }

    /// Writes what is held where `vitrine approve` finds it, or takes that away. One request.
    pub fn post(&mut self, id: OrderId, hold: Option<Box<Hold>>) {
        let (api, settings, tell) = (self.api.clone(), self.settings.clone(), self.tell.clone());
        // Like a step: what was begun is finished.
        self.workers.spawn(async move {
            let written = approval::post(&api, &settings, hold.as_deref()).await;
            let _ = tell.send(Event::Answered(id, Answer::Posted(written)));
        });
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

/// Hands on what an Event says. Whether they can be read at all is nobody's trouble, and one that is
/// gone unsays nothing.
fn remark(news: News, events: &mut Vec<Event>) {
    let News::Present(seen) = news else { return };
    let Some(said) = seen.said else { return };
    match events.last_mut() {
        Some(Event::Said(all)) if all.len() < BATCH => all.push(*said),
        _ => events.push(Event::Said(vec![*said])),
    }
}

/// Carries out one step after the other.
async fn work(
    api: Api,
    instance: InstanceName,
    queue: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>,
    tell: mpsc::UnboundedSender<Event>,
    stopping: Arc<AtomicBool>,
) {
    loop {
        let job = queue.lock().await.recv().await;
        let Some(Job { id, step, uid }) = job else { return };
        if stopping.load(Ordering::Acquire) {
            return;
        }
        let (outcome, written) = carry_out(&api, &instance, &step, uid).await;
        if tell.send(Event::Answered(id, Answer::Step(outcome, written))).is_err() {
            return;
        }
    }
}

/// Reads the Lease, as often as it takes, and says what it holds in the words of `heard`.
async fn read_lease(
    api: Api,
    settings: Settings,
    tell: mpsc::UnboundedSender<Event>,
    heard: impl FnOnce((Record, Option<String>)) -> Event,
) {
    const WHAT: &str = "leases.coordination.k8s.io";
    loop {
        match lease::read(&api, &settings).await {
            Ok(read) => {
                let _ = tell.send(Event::Trouble(WHAT.to_owned(), None));
                let _ = tell.send(heard(read));
                return;
            }
            Err(failure) => {
                let sentence = lease::trouble(&settings, &failure);
                let problem = Some(Problem::of_one(sentence, failure.next()));
                if tell.send(Event::Trouble(WHAT.to_owned(), problem)).is_err() {
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
    id: OrderId,
    name: String,
    tell: mpsc::UnboundedSender<Event>,
) {
    const WHAT: &str = "configmaps (approvals)";
    loop {
        match approval::read(&api, &settings, &name).await {
            Ok(approval) => {
                let _ = tell.send(Event::Trouble(WHAT.to_owned(), None));
                let _ = tell.send(Event::Answered(id, Answer::Approval(approval)));
                return;
            }
            Err(failure) => {
                let (namespace, cause) = (&settings.namespace, failure.sentence());
                let sentence = format!("approval {namespace}/{name} cannot be read: {cause}");
                let problem = Some(Problem::of_one(sentence, failure.next()));
                if tell.send(Event::Trouble(WHAT.to_owned(), problem)).is_err() {
                    return;
                }
                tokio::time::sleep(failure.retry_after().unwrap_or(AGAIN)).await;
            }
        }
    }
}
