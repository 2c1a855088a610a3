//! How long somebody is waited for who does not answer, and how the engine takes leave.

use std::time::Duration;

use super::Engine;

/// How long a command with a limit takes leave of whoever does not answer.
const PARTING: Duration = Duration::from_secs(2);
/// How long the cluster may say nothing to a request before it counts as silent.
const SILENCE: Duration = Duration::from_secs(1);

/// Whose answer was missing when the time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    Repository,
    Cluster,
    Both,
    /// All answered; it takes longer.
    Nobody,
}

impl Engine {
    /// Lets what is under way finish.
    pub(super) async fn part(self) {
        self.cluster.stop().await;
        self.courier.stop().await;
    }

    /// As [`Engine::part`], but whoever is silent is not waited for: it is as if the process had
    /// been killed, which no pass minds.
    pub(super) async fn part_soon(self) {
        let _ = tokio::time::timeout(PARTING, self.part()).await;
    }

    /// Whose answer is missing. `silence`: how long the cluster said nothing.
    pub(super) fn awaited(&self, silence: Duration) -> Awaited {
        // The repository is asked when the cluster has told what was applied.
        let asked = self.courier.left();
        let repository = asked && self.memory.catalog.is_none() && self.unknown.is_none();
        let cluster = !asked || !self.has_looked() || (self.cluster.busy() && silence > SILENCE);
        match (repository, cluster) {
            (true, true) => Awaited::Both,
            (true, false) => Awaited::Repository,
            (false, true) => Awaited::Cluster,
            (false, false) => Awaited::Nobody,
        }
    }
}

/// A point in time; without one it never comes.
pub(super) async fn at(limit: Option<tokio::time::Instant>) {
    match limit {
        Some(limit) => tokio::time::sleep_until(limit).await,
        None => std::future::pending().await,
    }
}
