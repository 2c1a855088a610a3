//! Goes to the repository and back, so that the loop never waits for it.
//!
//! One task owns the [`Source`]: it looks when asked, when the poll is due and when a watched
//! local repository moved, and it carries the notes. What it finds arrives as [`News`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::git::{self, Changes, Source};
use vitrine_core::catalog::Snapshot;
use vitrine_core::catalog::snapshot::Unknown;
use vitrine_core::config;
use vitrine_core::model::{InstanceName, Revision};
use vitrine_core::status::CommitStatus;

/// What the courier brings.
#[derive(Debug)]
pub(super) enum News {
    /// The branch has a commit that was not read before, or is read again after an outage.
    Commit(Box<Commit>),
    /// The repository did not answer since the start. This is what the mirror has of before.
    Kept(Box<Commit>, Unknown),
    /// The branch is where it was.
    Same,
    Unknown(Unknown),
    /// The notes of these commits were written, or could not be.
    Noted(Result<(), Unknown>),
}

/// A commit, read completely.
#[derive(Debug)]
pub(super) struct Commit {
    pub snapshot: Snapshot,
    /// What the commits since the last one that was read (or applied) changed.
    pub changes: Changes,
    /// The commit that last changed each folder of the snapshot.
    pub records: BTreeMap<String, Revision>,
    /// How often the courier had been told, when it read this, from where history counts.
    pub errand: u32,
}

/// What the courier is asked to do.
enum Order {
    /// Look at the branch, and ask for its history from this commit on: what was last applied.
    Since(Option<Revision>),
    /// Write these lines.
    Notes(BTreeMap<Revision, Vec<CommitStatus>>),
}

/// The loop's end of the line.
pub(super) struct Courier {
    orders: mpsc::UnboundedSender<Order>,
    news: mpsc::Receiver<News>,
    look: Arc<Notify>,
    task: JoinHandle<()>,
    /// How often it was told from where history counts.
    errands: u32,
}

/// How long the courier may take to come home.
const FAREWELL: Duration = Duration::from_secs(5);

impl Courier {
    /// Hires the courier. It leaves when it knows [from where](Courier::since) history counts.
    pub fn start(source: Source, settings: &config::Repository, instance: InstanceName) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (outbox, news) = mpsc::channel(16);
        let watch = git::watch(settings).unwrap_or_else(|unknown| {
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
            outbox,
        };
        let task = tokio::spawn(errand.run(inbox, Arc::clone(&look), watch, poll));
        Self { orders, news, look, task, errands: 0 }
    }

    /// The next thing that the courier brings; `None` when it died.
    pub async fn news(&mut self) -> Option<News> {
        self.news.recv().await
    }

    /// Lets the courier finish what is under way, but not for long, so that the mirror is free for
    /// the next daemon.
    pub async fn stop(self) {
        let Self { orders, news, mut task, .. } = self;
        drop((orders, news));
        if tokio::time::timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
        }
    }

    /// Tells the courier what was last applied. The branch is read again, with what changed since.
    pub fn since(&mut self, applied: Option<Revision>) {
        self.errands += 1;
        let _ = self.orders.send(Order::Since(applied)); // without a courier its news end, too
    }

    /// Whether the courier was sent off.
    pub fn left(&self) -> bool {
        self.errands > 0
    }

    /// Whether this commit was compared with what [`Courier::since`] told last.
    pub fn is_answer(&self, commit: &Commit) -> bool {
        commit.errand == self.errands
    }

    /// Sends the courier to the repository now.
    pub fn look(&self) {
        self.look.notify_one();
    }

    /// Hands over lines for the notes; false if nobody takes them.
    pub fn note(&self, lines: BTreeMap<Revision, Vec<CommitStatus>>) -> bool {
        self.orders.send(Order::Notes(lines)).is_ok()
    }
}

/// The courier's own side.
struct Errand {
    source: Source,
    instance: InstanceName,
    since: Option<Revision>,
    /// How often `since` was told.
    number: u32,
    /// The last commit that was read and delivered.
    read: Option<Revision>,
    /// Whether the repository has answered since the start.
    heard: bool,
    /// Whether the last look failed, so that the same commit is delivered again after an outage.
    failed: bool,
    outbox: mpsc::Sender<News>,
}

impl Errand {
    async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Order>,
        asked: Arc<Notify>,
        mut watch: Option<git::Watch>,
        poll: Option<Duration>,
    ) {
        let mut backoff = Backoff::default();
        let Some(mut order) = inbox.recv().await.map(Some) else { return };
        let mut held: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let news = match order {
                Some(Order::Notes(lines)) => {
                    News::Noted(self.source.write_notes(&self.instance, &lines).await)
                }
                Some(Order::Since(since)) => {
                    (self.since, self.read) = (since, None);
                    self.number += 1;
                    self.go(&mut backoff).await
                }
                None => self.go(&mut backoff).await,
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
    async fn go(&mut self, backoff: &mut Backoff) -> News {
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
                    None => News::Unknown(unknown),
                }
            }
        }
    }

    /// One round trip; more only if the branch moved.
    async fn look(&mut self) -> Result<News, Unknown> {
        let tip = self.source.tip().await?;
        // Asks for nothing that is here, and makes a mirror again that was damaged meanwhile.
        self.source.fetch(&tip).await?;
        if self.read.as_ref() == Some(&tip) && !self.failed {
            return Ok(News::Same);
        }
        self.deliver(tip).await.map(|commit| News::Commit(Box::new(commit)))
    }

    /// What the mirror has of an earlier life, if that is what was last applied, or came after it.
    async fn kept(&mut self, unknown: &Unknown) -> Option<News> {
        let since = self.since.clone()?;
        if self.heard || self.read.is_some() {
            return None;
        }
        let kept = self.source.kept_since(&since).await.ok().flatten()?;
        let since = kept.heard.unwrap_or(unknown.since);
        let commit = self.deliver(kept.tip).await.ok()?;
        Some(News::Kept(Box::new(commit), Unknown { since, cause: unknown.cause.clone() }))
    }

    /// Reads a commit of the mirror.
    async fn deliver(&mut self, tip: Revision) -> Result<Commit, Unknown> {
        let snapshot = self.source.read(&tip).await?;
        let from = self.read.as_ref().or(self.since.as_ref());
        let changes = self.source.changes(from, &tip).await?;
        let folders: BTreeSet<String> = snapshot.folders.keys().cloned().collect();
        let records = self.source.last_changes(&tip, &folders).await?;
        self.source.retain_notes(&tip, records.values().cloned().collect()).await?;
        self.read = Some(tip);
        Ok(Commit { snapshot, changes, records, errand: self.number })
    }
}

/// Waits for a watched repository to move; for ever if there is none or the watch died.
async fn moved(watch: &mut Option<git::Watch>) {
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
