//! Goes to the repository and back, so that nobody waits for it.
//!
//! One task owns the [`Source`]: it looks when asked, when the poll is due and when a watched
//! local repository moved, and it carries the notes. What it finds arrives as [`Event`]s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::{Source, Watch};
use vitrine_core::catalog::snapshot::Unknown;
use vitrine_core::catalog::{Changes, Snapshot};
use vitrine_core::config;
use vitrine_core::engine::{Answer, Commit, Event, OrderId, Repository};
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::{CommitState, CommitStatus};

/// What the courier is asked to do.
enum Order {
    /// Look at the branch, and ask for its history from this commit on: what was last applied.
    Follow(Option<Revision>),
    /// Write these lines.
    Note(OrderId, BTreeMap<Revision, Vec<CommitStatus>>),
    /// Read what a merge of the head at this reference into a base would leave.
    Compare { id: OrderId, reference: String, head: Revision, base: Revision },
}

/// The other end of the line to the repository.
pub struct Courier {
    orders: mpsc::UnboundedSender<Order>,
    events: mpsc::Receiver<Event>,
    look: Arc<Notify>,
    task: JoinHandle<()>,
}

/// How long the courier may take to come home.
const FAREWELL: Duration = Duration::from_secs(5);

impl Courier {
    /// Hires the courier. It leaves when it knows [from where](Courier::follow) history counts.
    /// `notes`: whether the lines on commits are read, to know what stands there.
    pub fn start(
        source: Source,
        settings: &config::Repository,
        instance: InstanceName,
        notes: bool,
    ) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (outbox, events) = mpsc::channel(16);
        let watch = super::watch(settings).unwrap_or_else(|unknown| {
            tracing::warn!("the repository is polled only: {}", unknown.cause);
            None
        });
        let poll = settings.poll;
        let look = Arc::new(Notify::new());
        let errand = Errand {
            source,
            instance,
            since: None,
            number: 0,
            read: None,
            heard: false,
            failed: false,
            notes,
            notes_read: false,
            told: None,
            outbox,
        };
        let task = tokio::spawn(errand.run(inbox, Arc::clone(&look), watch, poll));
        Self { orders, events, look, task }
    }

    /// The next thing that the courier brings; `None` when it died. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What the courier brought and nobody took yet.
    pub fn at_hand(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Lets the courier finish what is under way, but not for long, so that the mirror is free for
    /// the next daemon.
    pub async fn stop(self) {
        let Self { orders, events, mut task, .. } = self;
        drop((orders, events));
        if tokio::time::timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
        }
    }

    /// Tells the courier what was last applied. The branch is read again, with what changed since.
    pub fn follow(&self, applied: Option<Revision>) {
        let _ = self.orders.send(Order::Follow(applied)); // without a courier its events end, too
    }

    /// Sends the courier to the repository now.
    pub fn visit(&self) {
        self.look.notify_one();
    }

    /// Asks for what a merge of the head at `reference` into `base` would leave.
    pub fn compare(&self, id: OrderId, reference: String, head: Revision, base: Revision) {
        let _ = self.orders.send(Order::Compare { id, reference, head, base });
    }

    /// Hands over lines for the notes.
    pub fn note(&self, id: OrderId, lines: BTreeMap<Revision, Vec<CommitStatus>>) {
        let _ = self.orders.send(Order::Note(id, lines));
    }
}

/// A commit that was delivered, and the commits of which something may be said since.
struct Told {
    snapshot: Arc<Snapshot>,
    records: Arc<BTreeMap<String, Revision>>,
}

/// The courier's own side.
struct Errand {
    source: Source,
    instance: InstanceName,
    since: Option<Revision>,
    /// How often it was told from where history counts.
    number: u32,
    /// The last commit that was read and delivered.
    read: Option<Revision>,
    /// Whether the repository has answered since the start.
    heard: bool,
    /// Whether the last look failed, so that the same commit is delivered again after an outage.
    failed: bool,
    /// Whether anybody wants to know what stands in the notes.
    notes: bool,
    /// Whether they were read since it was last told from where history counts.
    notes_read: bool,
    /// What was delivered last.
    told: Option<Told>,
    outbox: mpsc::Sender<Event>,
}

impl Errand {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Order>,
        asked: Arc<Notify>,
        mut watch: Option<Watch>,
        poll: Option<Duration>,
    ) {
        let mut backoff = Backoff::default();
        let Some(mut order) = inbox.recv().await.map(Some) else { return };
        let mut held: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let news = match order {
                Some(Order::Note(id, lines)) => {
                    let written = self.source.write_notes(&self.instance, &lines).await;
                    Event::Answered(id, Answer::Noted(written))
                }
                Some(Order::Compare { id, reference, head, base }) => {
                    let read = self.source.compare(&reference, &head, &base).await;
                    let read = read.map(Box::new).map_err(|unknown| unknown.cause);
                    Event::Answered(id, Answer::Compared(read))
                }
                Some(Order::Follow(since)) => {
                    (self.since, self.read) = (since, None);
                    self.number += 1;
                    self.notes_read = false; // older commits may matter now
                    Event::Repository(self.go(&mut backoff).await)
                }
                None => Event::Repository(self.go(&mut backoff).await),
            };
            if self.outbox.send(news).await.is_err() {
                return; // the loop has ended
            }
            held = hold(self.source.quiet_until().await, begun, poll, held);
            let due = [backoff.or(poll).map(|wait| Instant::now() + wait), held];
            let due = due.into_iter().flatten().max();
            // A hint is no reason to ask a server that wants to be left alone: it waits.
            let open = held.is_none_or(|held| held <= Instant::now());
            order = tokio::select! {
                order = inbox.recv() => match order {
                    Some(order) => Some(order),
                    None => return,
                },
                () = asked.notified(), if open => None,
                () = moved(&mut watch), if open => None,
                () = sleep(due) => None,
            };
        }
    }

    /// Goes to the repository.
    async fn go(&mut self, backoff: &mut Backoff) -> Repository {
        match self.look().await {
            Ok(news) => {
                *backoff = Backoff::default();
                (self.failed, self.heard) = (false, true);
                news
            }
            Err(unknown) => {
                backoff.failed();
                self.failed = true;
                match self.kept(&unknown).await {
                    Some(news) => news,
                    None => Repository::Unknown(unknown),
                }
            }
        }
    }

    /// One round trip; more only if the branch moved.
    async fn look(&mut self) -> Result<Repository, Unknown> {
        let tip = self.source.tip().await?;
        // Asks for nothing that is here, and makes a mirror again that was damaged meanwhile.
        self.source.fetch(&tip).await?;
        if self.read.as_ref() == Some(&tip) && !self.failed {
            return Ok(Repository::Same);
        }
        self.deliver(tip).await.map(|commit| Repository::Commit(Box::new(commit)))
    }

    /// What the mirror has of an earlier life, if that is what was last applied, or came after it.
    async fn kept(&mut self, unknown: &Unknown) -> Option<Repository> {
        let since = self.since.clone()?;
        if self.heard || self.read.is_some() {
            return None;
        }
        let kept = self.source.kept_since(&since).await.ok().flatten()?;
        let since = kept.heard.unwrap_or(unknown.since);
        let commit = self.deliver(kept.tip).await.ok()?;
        Some(Repository::Kept(Box::new(commit), Unknown { since, cause: unknown.cause.clone() }))
    }

    /// Reads a commit of the mirror.
    async fn deliver(&mut self, tip: Revision) -> Result<Commit, Unknown> {
        let snapshot = self.source.read(&tip).await?;
        let from = self.read.as_ref().or(self.since.as_ref());
        let changes = self.source.changes(from, &tip).await?;
        let records = self.source.last_changes(&tip, &snapshot.folders).await?;
        self.source.retain_notes(&tip, &records).await?;
        let noted = self.noted(&changes, &records).await;
        let mut waited: BTreeSet<Revision> = noted
            .iter()
            .flatten()
            .filter(|(_, lines)| lines.iter().any(waits))
            .map(|(c, _)| c.clone())
            .collect();
        if changes.rewritten {
            let told = self.told.iter();
            waited.extend(
                told.flat_map(|told| {
                    told.records.values().chain([&told.snapshot.revision]).cloned()
                }),
            );
        }
        let lost = self.source.lost(&tip, waited).await.unwrap_or_default();
        let snapshot = Arc::new(snapshot);
        let told = Told { snapshot: Arc::clone(&snapshot), records: Arc::clone(&records) };
        let before = self.told.replace(told);
        let like = before.filter(|told| told.snapshot.is_left_by(&snapshot));
        let like = like.map(|told| told.snapshot.revision.clone());
        self.read = Some(tip);
        Ok(Commit { snapshot, like, changes, records, errand: self.number, noted, lost })
    }

    /// What stands in the notes of the commits that somebody may still look at, read once an
    /// errand. What cannot be read now is written again later, which changes nothing.
    async fn noted(
        &mut self,
        changes: &Changes,
        records: &BTreeMap<String, Revision>,
    ) -> Option<BTreeMap<Revision, Vec<CommitStatus>>> {
        if !self.notes || self.notes_read {
            return None;
        }
        if let Err(unknown) = self.source.fetch_notes(&self.instance).await {
            tracing::debug!("the notes are not read: {}", unknown.cause);
            return None;
        }
        let mut wanted: BTreeSet<Revision> = records.values().cloned().collect();
        wanted.extend(changes.commits.iter().map(|change| change.revision.clone()));
        wanted.extend(self.source.wanted_notes().await);
        let noted = self.source.read_notes(&self.instance, &wanted).await.ok()?;
        self.notes_read = true;
        Some(noted)
    }
}

/// Whether a line waits for its last word.
fn waits(line: &CommitStatus) -> bool {
    line.state == CommitState::Pending
}

/// Waits for a watched repository to move; for ever if there is none or the watch died.
async fn moved(watch: &mut Option<Watch>) {
    match watch {
        Some(live) => {
            if live.changed().await.is_none() {
                *watch = None; // polling goes on
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// Until when the server is not asked: as long as it wants, and never sooner than the poll.
fn hold(
    quiet: Option<Instant>,
    asked: Instant,
    poll: Option<Duration>,
    held: Option<Instant>,
) -> Option<Instant> {
    match quiet {
        Some(until) if held.is_none_or(|held| held < until) => {
            Some(until.max(asked + poll.unwrap_or_default()))
        }
        Some(_) | None => held,
    }
}

/// After a failed look: 1 s, doubling, at most 5 min or the poll, with jitter.
#[derive(Default)]
struct Backoff(u32);

impl Backoff {
    fn failed(&mut self) {
        self.0 = (self.0 + 1).min(9);
    }

    fn or(&self, poll: Option<Duration>) -> Option<Duration> {
        let jitter = 0.9 + 0.2 * fastrand::f64();
        if self.0 == 0 {
            return poll.map(|p| p.mul_f64(jitter));
        }
        let seconds = f64::from(1_u32 << (self.0 - 1)).min(300.0);
        let wait = Duration::from_secs_f64(seconds * jitter);
        Some(poll.map_or(wait, |poll| wait.min(poll)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_left_alone_as_long_as_it_wants_and_never_shorter_than_the_poll() {
        let (asked, seconds) = (Instant::now(), Duration::from_secs);
        let poll = Some(seconds(60));
        let long = Some(asked + seconds(90));
        assert_eq!(hold(long, asked, poll, None), long);
        let short = Some(asked + seconds(2));
        assert_eq!(hold(short, asked, poll, None), Some(asked + seconds(60)));
        assert_eq!(hold(short, asked, None, None), short);
        // What comes in between, as a batch of notes, moves nothing.
        assert_eq!(hold(short, asked + seconds(1), poll, long), long);
        assert_eq!(hold(None, asked + seconds(9), poll, long), long);
    }
}
