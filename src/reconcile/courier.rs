//! Goes to the repository and back, so that the loop never waits for it.
//!
//! One task owns the [`Source`]: it looks when asked, when the poll is due and when a watched
//! local repository moved, and it carries the notes. What it finds arrives as [`News`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::catalog::Snapshot;
use crate::catalog::snapshot::Unknown;
use crate::config;
use crate::model::{InstanceName, Revision};
use crate::source::{self, Changes, Source};
use crate::status::CommitStatus;

/// What the courier brings.
#[derive(Debug)]
pub(super) enum News {
    /// The branch has a commit that was not read before, or is read again after an outage.
    Commit(Box<Commit>),
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
}

/// What the courier is asked to do.
enum Order {
    /// Look at the branch.
    Look,
    /// Write these lines.
    Notes(BTreeMap<Revision, Vec<CommitStatus>>),
}

/// The loop's end of the line.
pub(super) struct Courier {
    orders: mpsc::Sender<Order>,
    news: mpsc::Receiver<News>,
    task: JoinHandle<()>,
}

/// How long the courier may take to come home.
const FAREWELL: Duration = Duration::from_secs(5);

impl Courier {
    /// Sends the courier off. `since` is the commit from which the history is asked for: what
    /// was last applied.
    pub fn start(
        source: Source,
        settings: &config::Repository,
        instance: InstanceName,
        since: Option<Revision>,
    ) -> Self {
        let (orders, inbox) = mpsc::channel(16);
        let (outbox, news) = mpsc::channel(16);
        let watch = source::watch(settings).unwrap_or_else(|unknown| {
            tracing::warn!("the repository is polled only: {}", unknown.cause);
            None
        });
        let poll = settings.poll;
        let errand = Errand { source, instance, since, read: None, failed: false, outbox };
        let task = tokio::spawn(errand.run(inbox, watch, poll));
        Self { orders, news, task }
    }

    /// The next thing that the courier brings; `None` when it died.
    pub async fn news(&mut self) -> Option<News> {
        self.news.recv().await
    }

    /// Lets the courier finish what is under way, but not for long, so that the mirror is free for
    /// the next daemon.
    pub async fn stop(self) {
        let Self { orders, news, mut task } = self;
        drop((orders, news));
        if tokio::time::timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
        }
    }

    /// Hands over lines for the notes; false if the line is full (ask again later).
    pub fn note(&self, lines: BTreeMap<Revision, Vec<CommitStatus>>) -> bool {
        self.orders.try_send(Order::Notes(lines)).is_ok()
    }
}

/// The courier's own side.
struct Errand {
    source: Source,
    instance: InstanceName,
    since: Option<Revision>,
    /// The last commit that was read and delivered.
    read: Option<Revision>,
    /// Whether the last look failed, so that the same commit is delivered again after an outage.
    failed: bool,
    outbox: mpsc::Sender<News>,
}

impl Errand {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Order>,
        mut watch: Option<source::Watch>,
        poll: Option<Duration>,
    ) {
        let mut order = Some(Order::Look);
        let mut backoff = Backoff::default();
        let mut held: Option<Instant> = None;
        loop {
            let asked = Instant::now();
            let news = match order {
                Some(Order::Look) => match self.look().await {
                    Ok(news) => {
                        backoff = Backoff::default();
                        self.failed = false;
                        news
                    }
                    Err(unknown) => {
                        backoff.failed();
                        self.failed = true;
                        News::Unknown(unknown)
                    }
                },
                Some(Order::Notes(lines)) => {
                    News::Noted(self.source.write_notes(&self.instance, &lines).await)
                }
                None => return,
            };
            if self.outbox.send(news).await.is_err() {
                return; // the loop has ended
            }
            held = hold(self.source.quiet_until().await, asked, poll, held);
            let due = [backoff.or(poll).map(|wait| Instant::now() + wait), held];
            let due = due.into_iter().flatten().max();
            order = loop {
                // A hint is no reason to ask a server that wants to be left alone.
                let open = held.is_none_or(|held| held <= Instant::now());
                tokio::select! {
                    order = inbox.recv() => match order {
                        Some(Order::Look) if !open => {}
                        order => break order,
                    },
                    () = moved(&mut watch), if open => break Some(Order::Look),
                    () = sleep(due) => break Some(Order::Look),
                }
            };
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
        let snapshot = self.source.read(&tip).await?;
        let from = self.read.as_ref().or(self.since.as_ref());
        let changes = self.source.changes(from, &tip).await?;
        let folders: BTreeSet<String> = snapshot.folders.keys().cloned().collect();
        let records = self.source.last_changes(&tip, &folders).await?;
        self.source.retain_notes(&tip, records.values().cloned().collect()).await?;
        self.read = Some(tip);
        Ok(News::Commit(Box::new(Commit { snapshot, changes, records })))
    }
}

/// Waits for a watched repository to move; for ever if there is none or the watch died.
async fn moved(watch: &mut Option<source::Watch>) {
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
