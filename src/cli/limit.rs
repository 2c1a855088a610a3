//! How long a command may take, whoever it waits for.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::Stop;
use crate::drive::Awaited;
use vitrine_core::config::Config;
use vitrine_core::model::duration;

/// A point in time that nothing is waited for beyond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    until: Instant,
    after: Duration,
}

impl Limit {
    /// Begins now.
    pub fn of(after: Duration) -> Self {
        Self { until: Instant::now() + after, after }
    }

    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Waits no longer than it may, and says whose answer is missing.
    pub async fn keep<T>(
        &self,
        awaited: Awaited,
        config: &Config,
        work: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        let kept = tokio::time::timeout_at(self.until, work).await;
        kept.map_err(|_| self.passed(awaited, config))
    }

    /// Whose answer was waited for in vain.
    pub fn passed(&self, awaited: Awaited, config: &Config) -> Stop {
        let after = duration::text(self.after);
        let repository = format!("the repository {}", config.repository.shown_url());
        let server = "the Kubernetes API server";
        Stop::new(match awaited {
            Awaited::Repository => format!(
                "{repository} did not answer within {after}; check repository.url and that its \
                 server runs, or give it longer with --timeout"
            ),
            Awaited::Cluster => format!(
                "{server} did not answer within {after}; check that the kubeconfig's server is \
                 right and runs, or give it longer with --timeout"
            ),
            Awaited::Both => format!(
                "{repository} and {server} did not answer within {after}; check repository.url, the \
                 kubeconfig's server and the network between, or give them longer with --timeout"
            ),
            Awaited::Nobody => format!(
                "it was still under way after {after}: run it again, or give it longer with \
                 --timeout"
            ),
        })
    }
}

/// As [`Limit::keep`]; without a limit it takes what it takes.
pub(super) async fn keep<T>(
    limit: Option<&Limit>,
    awaited: Awaited,
    config: &Config,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    match limit {
        Some(limit) => limit.keep(awaited, config, work).await,
        None => Ok(work.await),
    }
}
