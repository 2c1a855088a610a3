//! The two that are measured, and what both can be told to do.

use std::time::{Duration, Instant};

use vitrine_core::model::Kind;

use crate::arguments::Workload;
use crate::bare::Bare;
use crate::daemon::{Daemon, PATIENCE};
use crate::judge::Judge;
use crate::seen::Seen;
use crate::support::catalogue::{self, Catalogue};
use crate::support::objects;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Bare { workload: Workload, in_flight: usize },
    Vitrine,
}

/// One of the two at work, in a process of its own. Dropping it is `kill -9`.
pub enum Subject {
    Bare(Bare),
    Vitrine(Daemon),
}

/// How long a first publication took.
pub struct Published {
    /// Until it is over: the last answer of the bare client, or vitrine's board that calls every
    /// solution Synced.
    pub over: Duration,
    /// Until the API server had stored the last route, which is the last object of a solution.
    pub stored: Duration,
}

impl Who {
    /// Starts it on a cluster that holds nothing; answers when everything is published.
    ///
    /// The bare client's time begins with its first request, vitrine's with its process.
    pub async fn publish(
        self,
        catalogue: &Catalogue,
        names: &[String],
        judge: &Judge,
    ) -> (Subject, Published) {
        let mut routes = Seen::on(objects::api(&judge.admin(), Kind::HttpRoute, None)).await;
        match self {
            Self::Bare { .. } => {
                let Subject::Bare(mut bare) = self.start(catalogue, names, judge).await else {
                    unreachable!("it is what was started")
                };
                let begin = Instant::now();
                let over = tokio::task::block_in_place(|| bare.publish());
                let stored = routes.count(names.len()).await - begin;
                (Subject::Bare(bare), Published { over, stored })
            }
            Self::Vitrine => {
                let begin = Instant::now();
                let daemon = Daemon::start(catalogue, judge.kubeconfig());
                // Its board is not looked at before: each look would cost it CPU time.
                let stored = tokio::select! {
                    stored = tokio::time::timeout(PATIENCE, routes.count(names.len())) => stored,
                    () = daemon.ended() => panic!("the daemon ended"),
                };
                let stored = stored.expect("everything is published in the end") - begin;
                daemon.synced(names.len()).await;
                (Subject::Vitrine(daemon), Published { over: begin.elapsed(), stored })
            }
        }
    }

    /// Starts it where everything is published; answers when it knows that.
    pub async fn start(self, catalogue: &Catalogue, names: &[String], judge: &Judge) -> Subject {
        match self {
            Self::Bare { workload, in_flight } => {
                let (folder, kubeconfig) = (catalogue.path(), judge.kubeconfig());
                let start = || Bare::start(&folder, kubeconfig, workload, in_flight);
                Subject::Bare(tokio::task::block_in_place(start))
            }
            Self::Vitrine => {
                let daemon = Daemon::start(catalogue, judge.kubeconfig());
                daemon.synced(names.len()).await;
                Subject::Vitrine(daemon)
            }
        }
    }
}

impl Subject {
    /// The process.
    pub fn id(&self) -> u32 {
        match self {
            Self::Bare(bare) => bare.id(),
            Self::Vitrine(daemon) => daemon.id(),
        }
    }

    /// Asks for another image of a solution: the daemon by a commit, the bare client by a word.
    /// Answers when that was said, and how long `git commit` took.
    pub fn change(
        &mut self,
        catalogue: &Catalogue,
        name: &str,
        digest: &str,
    ) -> (Instant, Option<Duration>) {
        match self {
            Self::Bare(bare) => {
                bare.change(name, digest);
                (Instant::now(), None)
            }
            Self::Vitrine(_) => {
                let text = catalogue::minimal(name).replace(&"a".repeat(64), digest);
                catalogue.write(&format!("{name}/solution.yaml"), &text);
                let (done, took) = commit(catalogue, "A newer image");
                (done, Some(took))
            }
        }
    }
}

/// Commits what changed; answers when that was done, and how long `git commit` itself took.
pub fn commit(catalogue: &Catalogue, message: &str) -> (Instant, Duration) {
    catalogue.git(&["add", "-A"]);
    let begin = Instant::now();
    catalogue.git(&["commit", "-q", "-m", message]);
    let done = Instant::now();
    (done, done - begin)
}
