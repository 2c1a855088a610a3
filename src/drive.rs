//! Orders out, events in: the only loop, and the only `select!` between the edges. It decides
//! nothing.
//!
//! An event from an edge goes to the engine, each order goes to the edge that can carry it out,
//! and its answer comes back as an event. The loop waits for none of them.

mod log;
mod pool;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::forge::Forge;
use crate::git::{Courier, Source};
use crate::registry;
use crate::web::{Bell, Heart};
use pool::Pool;
pub use tally::Tally;
use vitrine_core::config::{Config, ForgeKind};
pub use vitrine_core::engine::{Awaited, Outlook};
use vitrine_core::engine::{Engine, Event, Happened, Now, Order};
use vitrine_core::status::Board;

/// How long a command with a limit takes leave of whoever does not answer.
const PARTING: Duration = Duration::from_secs(2);
/// How long the cluster may say nothing to a request before it counts as silent.
const SILENCE: Duration = Duration::from_secs(1);
/// The longest sleep of the loop: it shows that it lives.
const BEAT: Duration = Duration::from_secs(5);
/// The shortest one, so that a deadline that does not move is no busy loop.
const NAP: Duration = Duration::from_millis(2);

/// When the drive may stop.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Only when it is told to.
    Stopped,
    /// When nothing is under way and no verdict is Progressing, OutOfSync or Removing, or the
    /// time is over.
    Quiet { at_most: Duration },
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Stopped,
    /// Quiet; the board says whether everything is good.
    Quiet,
    OutOfTime(Awaited),
}

/// Why there is no [`Outlook`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unseen {
    Late(Awaited),
    /// A sentence: the repository or the cluster cannot be read.
    Because(String),
}

/// An engine and its edges.
pub struct Drive {
    engine: Engine,
    cluster: Cluster,
    courier: Courier,
    forge: Option<Forge>,
    forge_kind: Option<ForgeKind>,
    registries: Option<registry::Desk>,
    pool: Pool,
    /// What the pool and the forge did.
    answers: mpsc::UnboundedReceiver<Event>,
    board: watch::Sender<Arc<Board>>,
    /// Who wants to hear what happened, beside the log.
    listener: Option<mpsc::UnboundedSender<Happened>>,
    hints: Arc<Notify>,
    heart: Arc<Heart>,
    bell: Arc<Bell>,
    started: Instant,
}

impl Drive {
    /// An engine between a repository and a cluster. The board is published through the returned
    /// receiver.
    pub fn new(
        settings: Config,
        source: Source,
        cluster: Cluster,
    ) -> (Self, watch::Receiver<Arc<Board>>) {
        let courier =
            Courier::start(source, &settings.repository, settings.instance.clone(), settings.notes);
        let forge = settings.forge.as_ref();
        let (tell, answers) = mpsc::unbounded_channel();
        let branch = &settings.repository.branch;
        let forge_kind = forge.map(|forge| forge.kind);
        let instance = || settings.instance.clone();
        let asks = forge.and_then(|forge| forge.images.as_ref());
        let registries = asks.map(|asks| registry::Desk::new(asks, tell.clone()));
        let forge = forge.map(|forge| Forge::new(forge, branch, instance(), tell.clone()));
        let started = Instant::now();
        let engine = Engine::new(settings, fastrand::u64(..), now(started));
        let (board, boards) = watch::channel(Arc::clone(engine.board()));
        let drive = Self {
            engine,
            cluster,
            courier,
            forge,
            forge_kind,
            registries,
            pool: Pool::new(tell),
            answers,
            board,
            listener: None,
            hints: Arc::new(Notify::new()),
            heart: Arc::new(Heart::new()),
            bell: Arc::default(),
            started,
        };
        (drive, boards)
    }

    /// Looks at the platform once, after the first steps.
    #[must_use]
    pub fn with_check_up(mut self) -> Self {
        self.engine = self.engine.with_check_up();
        self
    }

    /// What it has done so far, to be kept while it runs.
    pub fn tally(&self) -> Arc<Tally> {
        self.pool.tally()
    }

    /// Notify it, and the engine looks at the repository and tries what waits for a better time.
    pub fn hints(&self) -> Arc<Notify> {
        Arc::clone(&self.hints)
    }

    /// Shows at this heart that the loop lives.
    #[must_use]
    pub fn with_heart(mut self, heart: Arc<Heart>) -> Self {
        self.heart = heart;
        self
    }

    /// Looks at the repository when this bell is rung.
    #[must_use]
    pub fn with_bell(mut self, bell: Arc<Bell>) -> Self {
        self.bell = bell;
        self
    }

    /// Tells what happened, before the board shows what came of it.
    #[must_use]
    pub fn with_listener(mut self, listener: mpsc::UnboundedSender<Happened>) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Runs until it is told to stop, or until everything is quiet.
    pub async fn run(mut self, until: Until, stop: CancellationToken) -> Ended {
        let limit = match until {
            Until::Stopped => None,
            Until::Quiet { at_most } => Some(Instant::now() + at_most),
        };
        let mut heard = Instant::now();
        let ended = loop {
            self.carry_out();
            if limit.is_some() && self.engine.is_quiet() {
                break Ended::Quiet;
            }
            let events = tokio::select! {
                biased;
                () = stop.cancelled() => break Ended::Stopped,
                () = at(limit) => {
                    let silent = heard.elapsed() > SILENCE;
                    break Ended::OutOfTime(self.engine.awaited(silent));
                }
                heard = self.next() => heard,
            };
            let Some(events) = events else { break Ended::Stopped };
            if events.iter().any(is_of_the_cluster) {
                heard = Instant::now();
            }
            self.hear(events);
        };
        match (until, ended) {
            (Until::Stopped, _) | (Until::Quiet { .. }, Ended::Stopped) => self.part().await,
            (Until::Quiet { .. }, Ended::Quiet | Ended::OutOfTime(_)) => self.part_soon().await,
        }
        ended
    }

    /// What a pass would do now, without doing it: waits until the repository is read and every
    /// kind is known, then plans.
    ///
    /// # Errors
    /// [`Unseen`]: the repository or the cluster could not be read, or not in time.
    pub async fn look(mut self, at_most: Duration) -> Result<Outlook, Unseen> {
        self.engine = self.engine.only_looking();
        let limit = Some(Instant::now() + at_most);
        let outlook = loop {
            self.carry_out();
            if let Some(outlook) = self.engine.outlook() {
                break Ok(outlook);
            }
            if let Some(cause) = self.engine.unseen() {
                break Err(Unseen::Because(cause.to_owned()));
            }
            let events = tokio::select! {
                () = at(limit) => break Err(Unseen::Late(self.engine.awaited(true))),
                events = self.next() => events,
            };
            match events {
                Some(events) => self.hear(events),
                None => {
                    break Err(Unseen::Because("the repository's reader ended".to_owned()));
                }
            }
        };
        self.part_soon().await;
        outlook
    }

    /// Waits for something to happen, at most until the engine has to be asked again. `None`: the
    /// repository's reader died.
    async fn next(&mut self) -> Option<Vec<Event>> {
        let pause = self.engine.deadline(self.now()).map_or(BEAT, |at| {
            at.since_start.saturating_sub(self.now().since_start).clamp(NAP, BEAT)
        });
        let mut events = tokio::select! {
            events = self.cluster.next() => events,
            event = self.courier.next() => vec![event?],
            Some(event) = self.answers.recv() => vec![event],
            () = self.hints.notified() => vec![Event::Hint],
            () = self.bell.heard() => vec![Event::Knock],
            () = tokio::time::sleep(pause) => Vec::new(),
        };
        // All that waits is heard before anything is decided.
        events.extend(std::iter::from_fn(|| self.courier.at_hand()));
        events.extend(std::iter::from_fn(|| self.answers.try_recv().ok()));
        Some(events)
    }

    fn hear(&mut self, events: Vec<Event>) {
        for event in events {
            self.engine.hear(event, self.now());
        }
    }

    /// Asks what should be done, and hands each order to the edge that can.
    fn carry_out(&mut self) {
        self.heart.beat();
        let orders = self.engine.decide(self.now());
        for happened in self.engine.happened() {
            log::line(&happened);
            if let Some(listener) = &self.listener {
                let _ = listener.send(happened); // whoever listened may have ended
            }
        }
        for order in orders {
            match order {
                Order::Step { id, solution: _, step, uid } => self.cluster.submit(id, step, uid),
                Order::Record { id, applied, root, removals } => {
                    self.cluster.record(id, applied, root, removals);
                }
                Order::Lease { id } => self.cluster.read_lease(id),
                Order::Approval { id, name } => self.cluster.read_approval(id, name),
                Order::Post { id, hold } => self.cluster.post(id, hold),
                Order::Relist(kind) => self.cluster.relist(kind),
                Order::Ask { id, questions } => self.cluster.ask(id, questions),
                Order::Follow(since) => self.courier.follow(since),
                Order::Visit => self.courier.visit(),
                Order::Note { id, lines } => self.courier.note(id, lines),
                Order::Tell { id, commit, line } => {
                    if let Some(forge) = &self.forge {
                        forge.tell(id, commit, line);
                    }
                }
                Order::Lines { id, commit } => {
                    if let Some(forge) = &self.forge {
                        forge.lines(id, commit);
                    }
                }
                Order::Pulls { id, recent } => {
                    if let Some(forge) = &self.forge {
                        forge.pulls(id, recent);
                    }
                }
                Order::Pull { id, number } => {
                    if let Some(forge) = &self.forge {
                        forge.pull(id, number);
                    }
                }
                Order::Comment { id, number, comment } => {
                    if let Some(forge) = &self.forge {
                        forge.comment(id, number, comment);
                    }
                }
                Order::Compare { id, number, head, base } => {
                    if let Some(kind) = self.forge_kind {
                        self.courier.compare(id, kind.pull_reference(number), head, base);
                    }
                }
                Order::Mark { id, head, check } => {
                    if let Some(forge) = &self.forge {
                        forge.mark(id, head, check);
                    }
                }
                Order::Review { id, work } => self.pool.review(id, work),
                Order::Images { id, images } => {
                    if let Some(registries) = &self.registries {
                        registries.ask(id, images);
                    }
                }
                Order::DryRun { id, revision, objects } => {
                    self.cluster.dry_run(id, revision, objects);
                }
                Order::Judge { id, snapshot } => self.pool.judge(id, snapshot),
                Order::Render { id, work } => self.pool.render(id, work),
                Order::Show(board) => {
                    self.board.send_replace(board);
                }
            }
        }
    }

    fn now(&self) -> Now {
        now(self.started)
    }

    /// Lets what is under way finish.
    async fn part(self) {
        self.cluster.stop().await;
        if let Some(forge) = self.forge {
            forge.stop().await;
        }
        self.courier.stop().await;
    }

    /// As [`Drive::part`], but whoever is silent is not waited for: it is as if the process had
    /// been killed, which no pass minds.
    async fn part_soon(self) {
        let _ = tokio::time::timeout(PARTING, self.part()).await;
    }
}

fn now(started: Instant) -> Now {
    Now { wall: Timestamp::now(), since_start: started.elapsed() }
}

/// Whether the cluster said something.
fn is_of_the_cluster(event: &Event) -> bool {
    use vitrine_core::engine::Answer;
    match event {
        Event::Watched(..) | Event::Defined(..) | Event::Trouble(..) | Event::Lease(..) => true,
        Event::Said(..) => false, // nobody waits for it
        Event::Answered(_, answer) => match answer {
            Answer::Step(..) | Answer::Recorded(_) | Answer::Lease(..) => true,
            Answer::Approval(_) | Answer::Posted(_) | Answer::Facts(_) => true,
            Answer::DryRun(_) => false, // a pull request waits for it, and no solution
            Answer::Noted(_) | Answer::Told(_) | Answer::Has(_) => false,
            Answer::Pulls(_) | Answer::Pull(_) | Answer::Commented(_) => false,
            Answer::Compared(_) | Answer::Reviewed(_) | Answer::Images(_) => false,
            Answer::Marked(_) => false,
            Answer::Judged(_) | Answer::Rendered(_) => false,
        },
        Event::Repository(_) | Event::Hint | Event::Knock | Event::Lost(_) => false,
    }
}

/// A point in time; without one it never comes.
async fn at(limit: Option<Instant>) {
    match limit {
        Some(limit) => tokio::time::sleep_until(limit).await,
        None => std::future::pending().await,
    }
}
